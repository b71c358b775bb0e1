"""A simulated retail chain: its demand, the errors injected into its data, and its true effects for tests.

The source that makes rows of it is `layouts/synthetic.py`.
"""
