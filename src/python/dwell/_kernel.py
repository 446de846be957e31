"""`dwell kernel` from Python: Arrow in, Arrow out."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Union

from ._job import Job, text_of
from ._pipe import Stream
from ._program import find

if TYPE_CHECKING:
    import pyarrow

#: A time: ISO 8601 text, or a datetime with a zone.
Time = Union[str, datetime.datetime]


def sessionize(
    events: Any,
    job: Job = None,
    table: str = "sessions",
    *,
    segment: str | None = None,
    latest: Time | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
) -> pyarrow.Table:
    """Makes sessions of events that are in memory, or come batch by batch.

    Args:
        events: anything that gives an Arrow stream: a pyarrow table, reader or dataset, a polars or pandas frame, a DuckDB
            relation. Users may come in any order.
        job: what a session is: a path, TOML text or a dict; ``input.path`` and ``output.path`` are not looked at.
        table: ``"sessions"``, ``"activity"`` or ``"events"``.
        segment: the name of a segment of the job whose table it is to be.
        latest: the latest time of the whole input, where ``events`` is only a part of it.
        memory_limit: such as ``"4GiB"``; what does not fit goes to disk.
        threads: how many to use; all, if not said.

    Returns:
        The table that ``dwell run`` writes of the same events, with its date as the last column. What became of the events is
        in the metadata of its schema, under ``dwell.counts`` (JSON).

    Raises:
        DwellError: the job or the columns are wrong; the message names them.

    >>> dwell.sessionize(events, {"session": {"timeout": "30m"}})
    """
    pyarrow = needed("pyarrow", "dwell.sessionize")
    reader = reader_of(pyarrow, events)
    flags = flags_of(table, segment, latest or "stream", memory_limit, threads)
    stream = Stream(find(), text_of(job), flags)
    batches = list(stream.batches(reader.schema, reader))
    made = pyarrow.Table.from_batches(batches, schema=stream.schema)
    return with_counts(made, stream.counts)


def needed(name: str, what: str) -> Any:
    """A library, or an error that says what to install."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"{what} needs the Python package {name}, which is not here: pip install {name}") from error


def reader_of(pyarrow: Any, events: Any) -> Any:
    """A reader of record batches."""
    if isinstance(events, pyarrow.RecordBatchReader):
        return events
    if isinstance(events, pyarrow.RecordBatch):
        events = pyarrow.Table.from_batches([events])
    if isinstance(events, pyarrow.Table):
        return events.to_reader()
    if hasattr(events, "__arrow_c_stream__"):
        return pyarrow.RecordBatchReader.from_stream(events)
    if hasattr(events, "scanner"):
        return events.scanner().to_reader()
    if type(events).__module__.startswith("pandas"):
        return pyarrow.Table.from_pandas(events, preserve_index=False).to_reader()
    # A DuckDB relation of before it spoke the Arrow stream interface.
    for method in ("fetch_record_batch", "to_arrow_table", "to_arrow"):
        if hasattr(events, method):
            return reader_of(pyarrow, getattr(events, method)())
    raise TypeError(
        f"events are something that gives an Arrow stream (a pyarrow table, reader or dataset, a polars or pandas frame, a "
        f"DuckDB relation), not {type(events).__name__}; for files there is dwell.run"
    )


def flags_of(
    table: str, segment: str | None, latest: Time | None, memory_limit: str | None, threads: int | None
) -> list[str]:
    """The flags of ``dwell kernel``."""
    if table not in ("sessions", "activity", "events"):
        raise ValueError(f'table is "sessions", "activity" or "events", not {table!r}')
    flags = ["--quiet", "--table", table]
    if segment is not None:
        flags += ["--segment", segment]
    if latest is not None:
        flags += ["--latest", time_text(latest)]
    if memory_limit is not None:
        flags += ["--memory-limit", memory_limit]
    if threads is not None:
        flags += ["--threads", str(threads)]
    return flags


def time_text(time: Time) -> str:
    """A time as the program reads it."""
    if isinstance(time, str):
        return time
    if time.tzinfo is None:
        raise ValueError(f"latest = {time!r} has no time zone: give it one, as datetime.timezone.utc")
    return time.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


#: In place of a user, where only times are looked at.
NOBODY = "__dwell_nobody"


def job_of_times(told: dict[str, Any]) -> str:
    """A job by which the program looks at times alone; `told` is what it says of the columns of another one."""
    least, most = told["possible_times"]
    of_input = {"user": NOBODY, "time": told["time"], "time_unit": told["time_unit"]}
    bounds = {"min_time": instant(least), "max_time": instant(most)}
    return text_of({"input": {**of_input, **bounds}, "session": {"timeout": "30m"}})


def refuse_aliases(told: dict[str, Any], engine: str) -> None:
    """Refuses a job whose users are told apart by more than columns: parts of an engine would divide them."""
    if told["aliases"]:
        raise DwellError(
            f"{engine} puts users into one place by their columns, and `input.aliases` would have some of them be one afterwards: "
            "join the mapping to the events first and name the column that it gives in input.user, or use dwell.run",
            2,
        )


def refuse_derived(told: dict[str, Any], engine: str) -> None:
    """Refuses a job whose users or times are no columns yet: an engine cannot divide the events by them."""
    if told["derived"]:
        raise DwellError(
            f"{engine} divides events by columns that they have, and {told['derived'][0]} is made by `input.derive`: make that column "
            "of the events first, or use dwell.run",
            2,
        )


def instant(micros: int) -> str:
    """Microseconds since the epoch as the program reads times."""
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return time_text(epoch + datetime.timedelta(microseconds=micros))


def with_counts(made: pyarrow.Table, counts: dict[str, Any]) -> pyarrow.Table:
    import json

    return made.replace_schema_metadata({**(made.schema.metadata or {}), "dwell.counts": json.dumps(counts)})
