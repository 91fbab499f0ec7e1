"""The exception that a run's bad input raises, and that of damaged records."""


class RunError(ValueError):
    """A run that cannot be started or read: one sentence with what was expected,
    what was received and what to do. Its text is meant to be shown as it stands.
    """


class OptionError(RunError):
    """An option outside its bounds."""


class DamagedRecordError(RunError):
    """A record of a run that is not as this program writes it."""


class RunLostError(RunError):
    """A run that another process trains now: this one must not write there any more."""


class RunMovedError(RunLostError):
    """A run whose folder is no longer where this process trained it."""
