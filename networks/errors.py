"""The errors that this room raises for what a user can put right."""


class ConfigError(ValueError):
    """A setting, file or model that cannot be used.

    Its text is one sentence with the rule, what was received and what to do, meant to be
    shown as it stands.
    """


class NotFiniteError(ConfigError):
    """Outputs of a network that are NaN or infinite, so that no class can be predicted."""
