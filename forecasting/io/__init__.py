"""Bytes and frames from outside: files, object stores, databases, Delta tables; nothing here knows what they mean."""
