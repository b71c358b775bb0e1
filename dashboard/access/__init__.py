"""Who may ask what: `Guard` stands before all pages, callbacks and resources, and lets nobody pass who is not meant.

It says who asks (`visits`), in which role a route may be asked (`policy`), and answers others itself (`refusals`).
Without any account the dashboard is open, to this machine only.
"""
