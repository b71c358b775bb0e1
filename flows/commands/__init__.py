"""The commands of the command line that are no steps, one file each; and the ones made from the registry of steps."""
