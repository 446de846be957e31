"""`dwell run` from Python."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Sequence

from ._job import Job, text_of
from ._pipe import DwellError
from ._program import find


def run(job: Job = None, *flags: str) -> str:
    """Runs a job over Parquet files: the same as ``dwell run``.

    Args:
        job: the path of a job file, the text of one, or a dict of its keys. Paths in it are relative to the current folder.
        flags: flags of ``dwell run``, word by word, such as ``"--incremental"`` or ``"--output", "out"``.

    Returns:
        What the program says on the standard output: the summary of the run.

    Raises:
        DwellError: the run failed. The tables are as they were.
        ProgramNotFound: the program is not installed.

    >>> dwell.run({"input": {"path": "data/events"}, "output": {"path": "out"}})
    """
    with tempfile.TemporaryDirectory(prefix="dwell-") as folder:
        path = Path(folder) / "job.toml"
        path.write_text(text_of(job), encoding="utf-8")
        return program("run", str(path), *flags)


def program(*words: str) -> str:
    """Runs the program, and returns what it prints."""
    ran = subprocess.run([find(), *words], capture_output=True, check=False)
    if ran.returncode != 0:
        said = ran.stderr.decode("utf-8", "replace").strip()
        raise DwellError(said.removeprefix("error: "), ran.returncode if ran.returncode > 0 else 1)
    return ran.stdout.decode("utf-8", "replace")


__all__: Sequence[str] = ["program", "run"]
