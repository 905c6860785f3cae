"""Everything that can be wrong, as one small tree.

    ThinsliceError
    ├── InputError        a person's file says something that cannot be used
    │   ├── ConfigError   a profile in configs/
    │   ├── SessionError  session.toml or a file it names
    │   └── MediaError    a recording that cannot be read to its end
    ├── ConsentError      the register does not allow what was asked
    ├── StoreError        an artifact is damaged or cannot be written
    └── SchemaError       a table breaks its own declaration: a fault of ours

A message says what, where, the value found, what is allowed and what to do next. It never holds
transcript text or a person's name.
"""


class ThinsliceError(Exception):
    """Base of all errors raised on purpose."""


class InputError(ThinsliceError):
    """A file that a person wrote or recorded cannot be used as it is."""


class ConfigError(InputError):
    """A profile names an unknown setting or gives a value out of range."""


class SessionError(InputError):
    """`session.toml`, or a file it names, is missing, malformed or contradictory."""


class MediaError(InputError):
    """A recording cannot be opened, or ends before its container says it does."""


class ConsentError(ThinsliceError):
    """The consent register does not grant what a step needs."""


class StoreError(ThinsliceError):
    """An artifact is damaged, or could not be written."""


class SchemaError(ThinsliceError):
    """A table does not match its declaration in `pipeline.tables`."""
