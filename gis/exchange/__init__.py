"""Files in (with a verdict on every row) and files out."""
