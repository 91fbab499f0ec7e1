"""The one exception that a run's bad input raises."""


class RunError(ValueError):
    """A run that cannot be started or read: one sentence with what was expected,
    what was received and what to do. Its text is meant to be shown as it stands.
    """
