"""One module per layout of raw data, each with `load(config) -> Loaded`; a config names it as `source.kind`."""
