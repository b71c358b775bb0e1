"""Who may ask what: `Guard` stands before all pages, callbacks and resources, and lets nobody pass who is not meant.

It says who asks (`visits`), which role a route needs (`policy`), and answers others itself (`refusals`).
Without any account the dashboard is open, to this machine only.
"""
