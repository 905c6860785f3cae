"""Everything an engine or its weights can refuse, as one tree.

EngineError
├── WeightError
│   ├── UnknownWeightError      no such name in the catalog
│   ├── WeightMissingError      not on this machine
│   ├── WeightTamperedError     on this machine, with the wrong sha256
│   ├── WeightFetchError        the download failed or brought something else
│   └── RefusedCheckpointError  a checkpoint asks for code that is not allowed to run
├── DeviceUnavailableError      asked for a device this machine does not have
└── EngineInputError            audio of the wrong shape, type or rate

Messages are complete sentences that a command line can print as they are.
"""

from __future__ import annotations


class EngineError(Exception):
    """Root of the tree."""


class WeightError(EngineError):
    """Something about a weight file."""


class UnknownWeightError(WeightError):
    """The catalog has no weight of this name."""


class WeightMissingError(WeightError):
    """The weight is not on this machine."""


class WeightTamperedError(WeightError):
    """A file bears the weight's name and holds something else."""


class WeightFetchError(WeightError):
    """The weight could not be fetched."""


class RefusedCheckpointError(WeightError):
    """A checkpoint asks for a class or function that is not on the allow-list."""


class DeviceUnavailableError(EngineError):
    """The device asked for is not there."""


class EngineInputError(EngineError, ValueError):
    """An engine was handed something it cannot take."""
