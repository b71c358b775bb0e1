"""Signing in and out: with a password (`password`), or at a provider of OpenID Connect (`provider`).

Both have `routes(access)`, and end in `sessions`: a cookie whose session the database knows.
"""
