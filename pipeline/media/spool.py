"""Tables that grow while a video is read: on disk, compressed, in a file without a name.

Memory stays flat however long the recording is, and a recording that breaks off halfway leaves
nothing behind.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator

import pyarrow as pa


class Spool:
    """Pieces of one table, written now and read once later."""

    def __init__(self, schema: pa.Schema) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # read after this; has no name
        weakref.finalize(self, self._file.close)  # where nobody reads it to its end
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        self._writer = pa.ipc.new_stream(self._file, schema, options=options)

    def add(self, piece: pa.Table) -> None:
        """Keep one piece; none may follow `pieces`."""
        self._writer.write_table(piece)

    def pieces(self) -> Iterator[pa.Table]:
        """The pieces as they were added; the file is gone after the last."""
        self._writer.close()
        return self._read()

    def close(self) -> None:
        """Forget everything: for a recording that broke off."""
        self._file.close()

    def _read(self) -> Iterator[pa.Table]:
        with self._file:
            self._file.seek(0)
            for batch in pa.ipc.open_stream(self._file):
                yield pa.Table.from_batches([batch])
