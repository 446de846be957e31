"""Hands record batches to the program and takes those that it makes.

Nothing of this package is imported here: this module goes to the executors of a cluster by value.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from typing import Any, Iterable, Iterator

#: Bytes that a pipe holds, where the system lets it: fewer changes from one process to the other.
PIPE_BYTES = 1 << 20


class DwellError(RuntimeError):
    """The program ended with an error.

    Attributes:
        code: its exit code: 1 files, memory or disk, 2 the job or the columns, 3 a limit that was set.
    """

    def __init__(self, message: str, code: int = 1):
        super().__init__(message, code)
        self.message = message
        self.code = code

    def __str__(self) -> str:
        return self.message


class Stream:
    """One run of ``dwell kernel``: batches in, batches out, counts after the last one."""

    def __init__(self, program: str, job_text: str, flags: Iterable[str]):
        self.program = program
        self.job_text = job_text
        self.flags = list(flags)
        #: What became of the events, once all batches have been taken.
        self.counts: dict[str, Any] = {}
        #: The schema of what comes out, once the first batch has been asked for.
        self.schema: Any = None

    def batches(self, schema: Any, events: Iterable[Any]) -> Iterator[Any]:
        """The batches of the table that is made of ``events``, which are record batches of one schema.

        Raises:
            DwellError: the program failed; its message says why.
        """
        import pyarrow

        with tempfile.TemporaryDirectory(prefix="dwell-") as folder:
            job, counts = os.path.join(folder, "job.toml"), os.path.join(folder, "counts.json")
            with open(job, "w", encoding="utf-8") as file:
                file.write(self.job_text)
            command = [self.program, "kernel", job, "--counts", counts, *self.flags]
            with open(os.path.join(folder, "stderr"), "w+b") as said:
                try:
                    process = subprocess.Popen(
                        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, bufsize=PIPE_BYTES
                    )
                except OSError as error:
                    raise DwellError(f"the program {self.program!r} cannot be started: {error}") from error
                try:
                    self._write(pyarrow, process, schema, events)
                    yield from self._read(pyarrow, process, said)
                finally:
                    process.kill()
                    process.wait()
                    for pipe in (process.stdin, process.stdout):
                        if pipe is not None:
                            close(pipe)
            with open(counts, encoding="utf-8") as file:
                self.counts = json.load(file)

    def _write(self, pyarrow: Any, process: Any, schema: Any, events: Iterable[Any]) -> None:
        """Nothing comes out before all has gone in, so that one thread can do one after the other."""
        _widen(process.stdin)
        try:
            writer = pyarrow.ipc.new_stream(process.stdin, schema)
            for batch in events:
                writer.write_batch(batch)
            # Only now: a stream that breaks off must not look like one that is whole.
            writer.close()
            process.stdin.close()
        except (BrokenPipeError, pyarrow.ArrowInvalid, OSError) as error:
            # A program that has ended says itself why.
            if process.poll() is None and not isinstance(error, BrokenPipeError):
                raise

    def _read(self, pyarrow: Any, process: Any, said: Any) -> Iterator[Any]:
        try:
            reader = pyarrow.ipc.open_stream(process.stdout)
            self.schema = reader.schema
        except pyarrow.ArrowInvalid:
            reader = None
        if reader is not None:
            try:
                yield from reader
            except (pyarrow.ArrowInvalid, OSError):
                # Cut off: the program says why.
                process.wait()
                if process.returncode == 0:
                    raise
        code = process.wait()
        if code != 0 or reader is None:
            raise error_of("dwell kernel", said, code)


def error_of(what: str, said: Any, code: int) -> DwellError:
    """Why a program ended with a code: the errors among what it said, which is a file."""
    said.seek(0)
    lines = said.read().decode("utf-8", "replace").strip().splitlines()
    errors = "\n".join(line for line in lines if not line.startswith("warning: "))
    if code < 0:
        return DwellError(f"{what} was ended by signal {-code}, as for want of memory: give it more, or a memory limit. {errors}")
    return DwellError(errors.removeprefix("error: ") or f"{what} ended with {code}", code if code > 0 else 1)


def _widen(pipe: Any) -> None:
    try:
        import fcntl

        fcntl.fcntl(pipe.fileno(), getattr(fcntl, "F_SETPIPE_SZ", 1031), PIPE_BYTES)
    except (ImportError, OSError):
        pass


def close(pipe: Any) -> None:
    """Closes a pipe, whose other end may be gone."""
    try:
        pipe.close()
    except OSError:
        pass
