"""How long one question takes in a process that is warm: `make bench-latency`."""
