"""Prefect: the flows made from the registry of steps, the task that runs a step, and the server they talk to."""
