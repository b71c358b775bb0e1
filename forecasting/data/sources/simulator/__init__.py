"""A simulated retail chain with known effects: demand, injected errors, and the true effects for tests."""
