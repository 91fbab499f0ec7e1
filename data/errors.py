"""The exceptions that bad input and a full disk raise in this package."""


class DataError(ValueError):
    """Input that cannot be used: one sentence with what was expected, what was
    received and what to do. Its text is meant to be shown as it stands.
    """


class NoSpaceError(DataError):
    """The disk is full, or the user's share of it: what was written before is there."""
