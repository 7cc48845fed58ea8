"""HTTP and the command line: the edge that opens transactions and answers."""
