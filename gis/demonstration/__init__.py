"""The demonstration county: fictional, made from a seed, with every figure it knows beside it."""
