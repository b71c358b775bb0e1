"""A simulated retail chain: its demand, the errors injected into its data, and its true effects for tests."""
