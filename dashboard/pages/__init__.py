"""One file per page: NAME, PATH, ORDER, ABOUT, layout(config, query) and register(app, config)."""
