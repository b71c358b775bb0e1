"""The REST API under load: `python -m benchmarks.serving` makes a job, serves it in another process and asks it."""
