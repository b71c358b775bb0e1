"""Tables of a source, which may lie in many files: the spelling of their columns, and which of them belong together."""
