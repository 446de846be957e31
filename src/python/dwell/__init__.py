"""Turns event tables into user sessions.

The package carries the program ``dwell`` and hands it jobs and events:

>>> import dwell
>>> dwell.run("job.toml")                                     # Parquet to Parquet, as `dwell run` does
>>> sessions = dwell.sessionize(events, {"session": {"timeout": "30m"}})   # Arrow to Arrow

``dwell.spark`` and ``dwell.ray`` do the second inside the partitions of a cluster.
"""

from __future__ import annotations

from ._job import Job
from ._kernel import sessionize
from ._pipe import DwellError
from ._program import ProgramNotFound, find
from ._run import run

__all__ = ["DwellError", "Job", "ProgramNotFound", "find", "run", "sessionize"]
