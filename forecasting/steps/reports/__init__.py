"""What people read of a job: summaries of its steps."""
