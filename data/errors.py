"""The one exception that bad input raises in this package."""


class DataError(ValueError):
    """Input that cannot be used: one sentence with what was expected, what was
    received and what to do. Its text is meant to be shown as it stands.
    """
