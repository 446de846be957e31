"""`dwell run --by-kernels` from Python: a run whose rows are made elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Iterable, Iterator

from ._pipe import DwellError, close, error_of
from ._program import find

#: The columns of a stream of parts, as ``src/tables/write/part_stream.rs`` has them.
COLUMNS = ("kernel", "table", "part", "date", "rows", "size", "piece")
#: In the place of a table: what became of a kernel's events, and that nothing more comes.
COUNTS, END = "counts", "end"


class ByKernels:
    """A run that has planned what to read, holds its output folder, and waits for the parts of tables that kernels make.

    >>> with ByKernels(job_text, ["--overwrite"]) as run:
    ...     rows = …                      # what `dwell kernel --parts` makes of run.to_read["files"]
    ...     text = run.finish(rows, kernels=200)

    Left without `finish`, the run ends and changes nothing.
    """

    def __init__(self, job_text: str, flags: Iterable[str]):
        self._folder = tempfile.TemporaryDirectory(prefix="dwell-")
        self._job_text = job_text
        self._flags = list(flags)
        #: What is to be read: `files` (`path` and the values of `folders`), `folder_columns`, `rows` and `latest`.
        self.to_read: dict[str, Any] = {}

    def __enter__(self) -> ByKernels:
        folder = Path(self._folder.name)
        job = folder / "job.toml"
        job.write_text(self._job_text, encoding="utf-8")
        command = [find(), "run", str(job), "--by-kernels", *self._flags]
        self._said = open(folder / "stderr", "w+b")
        # What is for a scheduler that started this process is none of the program's to answer on its standard output. And a signal from
        # the terminal reaches Python, which tells the program: two signals would have it leave at once, and things behind.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DAGSTER_PIPES_")}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._said}
        self._process = subprocess.Popen(command, env=environment, start_new_session=True, **pipes)
        try:
            line = self._process.stdout.readline()
            if not line:
                raise self._error()
            self.to_read = json.loads(line)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        # Told to stop, the program takes away what it has begun.
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._said):
            close(pipe)
        self._folder.cleanup()

    def finish(self, rows: Iterable[Any], kernels: int) -> str:
        """Hands over the rows of all kernels, and has the tables put in place.

        Args:
            rows: the rows, as mappings or sequences of the columns of parts, in any order but that those of a kernel stay in theirs.
            kernels: how many kernels there were.

        Returns:
            What the run says of itself.

        Raises:
            DwellError: the run failed; the tables are as they were.
        """
        import pyarrow

        self._send(pyarrow, rows, kernels)
        text = self._process.stdout.read().decode("utf-8", "replace")
        if self._process.wait() != 0:
            raise self._error()
        self._said.seek(0)
        sys.stderr.write(self._said.read().decode("utf-8", "replace"))
        return text

    def _send(self, pyarrow: Any, rows: Iterable[Any], kernels: int) -> None:
        schema = _schema(pyarrow)
        writer = None
        # What fails in the rows is for whoever gives them; only what the program does not take is for it to explain.
        for row in _and_end(rows, kernels):
            values = [row[name] for name in COLUMNS]
            columns = [pyarrow.array([_plain(value)], field.type) for value, field in zip(values, schema)]
            batch = pyarrow.RecordBatch.from_arrays(columns, schema=schema)
            try:
                writer = writer or pyarrow.ipc.new_stream(self._process.stdin, schema)
                writer.write_batch(batch)
            except OSError:
                return
        try:
            writer.close()
            self._process.stdin.close()
        except OSError:
            return

    def _error(self) -> DwellError:
        return error_of("dwell run", self._said, self._process.wait())


def _schema(pyarrow: Any) -> Any:
    text, whole, long = pyarrow.string(), pyarrow.int32(), pyarrow.int64()
    types = (text, text, whole, whole, long, long, pyarrow.binary())
    return pyarrow.schema([pyarrow.field(name, of, nullable=False) for name, of in zip(COLUMNS, types)])


def _and_end(rows: Iterable[Any], kernels: int) -> Iterator[Any]:
    yield from rows
    yield dict(zip(COLUMNS, ("", END, 0, 0, kernels, 0, b"")))


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, bytearray) else value
