"""Who may work with jobs: users, keys, signed-in sessions and the audit log, in one database beside the store.

`open_accounts(config)` in `database` opens it; the functions of `users`, `keys`, `sign_ins` and `audit` take what it
returns. Passwords are kept as argon2 hashes; of keys and sessions, which are long random texts, only digests are kept.
"""
