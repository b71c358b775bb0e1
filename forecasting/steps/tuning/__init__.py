"""What `tune` is made of: the space, the windows that it may look at, the trials, the file that it writes."""
