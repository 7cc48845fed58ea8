"""Evidence: bytes that are kept as they came, found by their hash, and shown as safe pictures."""
