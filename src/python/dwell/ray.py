"""Sessions inside Ray Data: the program's own kernel, in the groups of a dataset.

>>> import dwell.ray
>>> sessions = dwell.ray.sessionize(dataset, {"session": {"timeout": "30m"}})

Users are dealt into parts, the program makes sessions of each part where Ray has it. The workers need this package: name the
wheel in ``ray.init(runtime_env={"pip": [...]})``, or install it on the nodes.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from ._job import Job, text_of
from ._kernel import NOBODY, Time, flags_of, instant, job_of_times, needed, refuse_aliases, refuse_derived
from ._pipe import DwellError, Stream
from ._program import find

if TYPE_CHECKING:
    import pyarrow
    from ray.data import Dataset

#: The column that says into which part a row goes.
PART = "__dwell_part"


def sessionize(
    dataset: Dataset,
    job: Job = None,
    table: str = "sessions",
    latest: Time | None = None,
    *,
    segment: str | None = None,
    parts: int | None = None,
    memory_limit: str | None = None,
) -> Dataset:
    """Makes sessions of the events of a dataset.

    Args:
        dataset: the events, in any order and any blocks.
        job: what a session is: the path of a job file on this machine, TOML text or a dict; its paths are not looked at.
        table: ``"sessions"`` or ``"activity"``.
        latest: the latest time of the events. Without it, and where it matters, it is looked up first, which reads the
            column of times once more.
        segment: the name of a segment of the job whose table it is to be.
        parts: how many parts users are dealt into: each has to fit into a worker's memory. Four for each CPU, if not said.
        memory_limit: what the program may take for a part, such as ``"2GiB"``; what does not fit goes to disk.

    Returns:
        The table that ``dwell run`` writes of the same events, with its date as the last column. A user is one plain column,
        or a list of them.

    Raises:
        DwellError: the job or the columns are wrong; the message names them.
        ImportError: ray or pyarrow is not installed.
    """
    ray = needed("ray", "dwell.ray")
    pyarrow = needed("pyarrow", "dwell.ray")
    text = text_of(job)
    schema = _arrow_schema(pyarrow, dataset)
    asked = Stream(find(), text, flags_of(table, segment, latest or "stream", None, 1))
    for _ in asked.batches(schema, []):
        pass
    told = asked.counts["columns"]
    refuse_aliases(told, "Ray")
    refuse_derived(told, "Ray")
    users = told["user"]
    missing = [user for user in users if user not in schema.names]
    if missing:
        raise DwellError(
            f"users are found at {missing[0]}, inside of a column, by which Ray cannot put them in one place: make a column of "
            "them first and name it in input.user",
            2,
        )
    _refuse_wide_ids(pyarrow, schema, told)
    dataset = dataset.select_columns(told["needed"])
    if latest is None and asked.counts["latest_matters"]:
        latest = _latest(dataset, told)
    parts = parts or max(int(ray.cluster_resources().get("CPU", 1)) * 4, 1)
    flags = flags_of(table, segment, latest or "stream", memory_limit, 1)
    empty = asked.schema.empty_table()

    def deal(rows: pyarrow.Table) -> pyarrow.Table:
        return rows.append_column(PART, _parts_of(rows, users, parts))

    def make(rows: pyarrow.Table) -> pyarrow.Table:
        import pyarrow as pa

        rows = rows.drop_columns([PART])
        if rows.num_rows == 0:
            return empty
        stream = Stream(find(), text, flags)
        batches = list(stream.batches(rows.schema, rows.to_batches()))
        return pa.Table.from_batches(batches, schema=stream.schema).replace_schema_metadata(None)

    dealt = dataset.map_batches(deal, batch_format="pyarrow")
    return dealt.groupby(PART).map_groups(make, batch_format="pyarrow")


def _arrow_schema(pyarrow: Any, dataset: Dataset) -> pyarrow.Schema:
    schema = dataset.schema()
    base = getattr(schema, "base_schema", schema)
    if isinstance(base, pyarrow.Schema):
        return base
    # A dataset of pandas blocks: a few rows say which types they become.
    rows = next(iter(dataset.iter_batches(batch_size=1, batch_format="pyarrow")), None)
    if rows is None:
        raise DwellError("the dataset has no rows and no schema: give it one", 2)
    return rows.schema


def _refuse_wide_ids(pyarrow: Any, schema: pyarrow.Schema, told: dict[str, Any]) -> None:
    """Whether all ids fit 64 bits is asked of the whole input, and no part knows it."""
    ids = {*told["user"], told["session_id"]} - {None}
    for name in sorted(ids & set(schema.names)):
        kind = schema.field(name).type
        wide = pyarrow.types.is_uint64(kind) or pyarrow.types.is_floating(kind)
        if wide or (pyarrow.types.is_decimal(kind) and kind.precision > 18):
            raise DwellError(
                f"the ids of `{name}` are {kind}, which may not fit 64 bits, and no part of a dataset can tell: cast the column "
                "to int64, or to text where one does not fit",
                2,
            )


def _parts_of(rows: pyarrow.Table, users: list[str], parts: int) -> Any:
    """The part that each row goes to: the same for all rows of a user."""
    import pyarrow as pa
    import pyarrow.compute as pc

    user = None
    for name in users:
        text = rows[name]
        if pa.types.is_dictionary(text.type):
            text = text.cast(text.type.value_type)
        text = text.cast(pa.large_string())
        text = pc.if_else(pc.equal(text, ""), None, text)
        user = text if user is None else pc.coalesce(user, text)
    codes = user.combine_chunks().dictionary_encode()
    if isinstance(codes, pa.ChunkedArray):
        codes = codes.combine_chunks()
    of_user = pa.array([zlib.crc32(name.as_py().encode()) % parts for name in codes.dictionary], pa.int32())
    return pc.fill_null(of_user.take(codes.indices), 0)


def _latest(dataset: Dataset, told: dict[str, Any]) -> str | None:
    """The latest possible time of all rows, as the program reads times."""
    text = job_of_times(told)

    def of_batch(rows: pyarrow.Table) -> pyarrow.Table:
        import pyarrow as pa

        rows = rows.append_column(NOBODY, pa.nulls(rows.num_rows, pa.string()))
        stream = Stream(find(), text, ["--quiet", "--latest", "stream", "--threads", "1"])
        for _ in stream.batches(rows.schema, rows.to_batches()):
            pass
        return pa.table({"latest": pa.array([stream.counts["latest"]], pa.int64())})

    latest = dataset.map_batches(of_batch, batch_format="pyarrow", batch_size=None).max("latest")
    return None if latest is None else instant(int(latest))
