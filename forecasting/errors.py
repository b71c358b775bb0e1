"""The one exception that is meant for people."""


class UserError(Exception):
    """A mistake that the user can mend; its message says what is wrong, where, and how to mend it."""
