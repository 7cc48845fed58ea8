"""HTTP and the command line: the edge that opens transactions and answers."""

VERSION = "0.1.0"
"""That of pyproject.toml (a test compares them)."""
