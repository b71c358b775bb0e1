"""How good the default pipeline is on public data, beside the best of others: `make bench-accuracy`."""
