"""Sessions inside Spark: the program's own kernel, in the partitions of a data frame.

>>> import dwell.spark
>>> dwell.spark.run(spark, "job.toml")            # files to tables, as `dwell run` does
>>> sessions = dwell.spark.sessionize(events, {"session": {"timeout": "30m"}})    # a data frame to a data frame

or, without a line of Python, ``python -m dwell.spark job.toml``.

Users are put into one partition each, the program makes sessions of each partition, and what comes back is a data frame. The
executors need pyarrow and nothing else: the program is sent to them.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Iterator

from . import _pipe
from ._by_kernels import COUNTS, ByKernels
from ._job import Job, text_of
from ._kernel import NOBODY, Time, flags_of, instant, job_of_times, needed, refuse_aliases, refuse_derived, time_text
from ._pipe import DwellError, Stream
from ._program import find

if TYPE_CHECKING:
    import pyarrow
    from pyspark.sql import Column, DataFrame, SparkSession

#: The least memory that the program takes with one thread, and some room beside it.
LEAST_MEMORY = 192 << 20


def sessionize(
    df: DataFrame,
    job: Job = None,
    table: str = "sessions",
    latest: Time | None = None,
    *,
    segment: str | None = None,
    partitions: int | None = None,
    memory_limit: str | None = None,
    program: str | None = None,
) -> DataFrame:
    """Makes sessions of the events of a data frame.

    Args:
        df: the events, in any order and any partitions.
        job: what a session is: the path of a job file on this machine, TOML text or a dict; its paths are not looked at.
        table: ``"sessions"``, ``"activity"`` or ``"events"``.
        latest: the latest time of the events. Without it, and where it matters, it is looked up first, which reads the
            column of times once more.
        segment: the name of a segment of the job whose table it is to be.
        partitions: how many partitions users are put into; what Spark takes for a shuffle, if not said.
        memory_limit: what the program may take in each task, such as ``"2GiB"``; what does not fit goes to disk. The
            executor's memory by its cores, if not said. It is beside that of the JVM: the container has to have room for it
            (``spark.executor.memoryOverhead``).
        program: where the executors have the program ``dwell``. Not said, that of this machine is sent to them.

    Returns:
        The table that ``dwell run`` writes of the same events, with its date as the last column, as ``spark.read.parquet``
        gives it. Nothing is computed before somebody asks for rows, but for ``latest``.

    Raises:
        DwellError: the job or the columns are wrong; the message names them.
        ImportError: pyspark or pyarrow is not installed.
    """
    text, asked = text_of(job), flags_of(table, segment, None, None, None)
    return _through_kernels(df, text, asked, latest, partitions=partitions, memory_limit=memory_limit, program=program)


def run(
    spark: SparkSession,
    job: Job,
    *flags: str,
    partitions: int | None = None,
    memory_limit: str | None = None,
    program: str | None = None,
) -> dict[str, Any]:
    """Runs a job over its files inside Spark, and makes the folder that ``dwell run`` makes: the same tables, byte for byte, with
    charts, ``users/``, ``run.json`` and what the next run has to know.

    Spark reads the files, puts each user into one partition and pipes it through the program; what comes of it is put together,
    checked and committed on this machine, the driver, which needs the output folder and disk for the tables. The folder is
    held from the beginning. Whatever goes wrong, the tables are as they were.

    Args:
        spark: the Spark session.
        job: the path of a job file, TOML text or a dict; its paths are relative to the current folder.
        flags: flags of ``dwell run``, word by word: ``"--output", "out"``, ``"--overwrite"``, ``"--max-rejected", "1%"``.
        partitions: how many partitions users are put into; what Spark takes for a shuffle, if not said.
        memory_limit: what the program may take in each task; the executor's memory by its cores, if not said.
        program: where the executors have the program ``dwell``. Not said, that of this machine is sent to them.

    Returns:
        What the run did: what ``dwell run --format json`` prints.

    Raises:
        DwellError: the job, the files or a limit; the message says which.
        ImportError: pyspark or pyarrow is not installed.
    """
    import json

    words = [*flags, "--quiet", "--format", "json"]
    said = _run(spark, text_of(job), words, partitions=partitions, memory_limit=memory_limit, program=program)
    return json.loads(said)


def _run(spark: SparkSession, text: str, flags: list[str], **settings: Any) -> str:
    needed("pyspark", "dwell.spark")
    from pyspark import StorageLevel

    with ByKernels(text, flags) as run:
        to_read = run.to_read
        latest = to_read["latest"] or "stream"
        asked = ["--quiet", "--parts", *_of_definition(flags)]
        parts = _through_kernels(_Files(spark, to_read), text, asked, latest, **settings)
        # On disk, where they were made: they are made all at once, and handed over one after the other.
        parts = parts.persist(StorageLevel.DISK_ONLY)
        try:
            kernels = parts.where(parts["table"] == COUNTS).count()
            return run.finish(parts.toLocalIterator(prefetchPartitions=True), kernels)
        finally:
            parts.unpersist()


#: The flags of `dwell run` that say which events count and what a session is: kernels have to have them, too.
_DEFINITION = {
    *("--source", "--user", "--time", "--time-unit", "--event", "--session-id", "--dedup", "--where", "--inactive"),
    *("--property", "--start-event", "--end-event", "--timeout", "--max-gap", "--gap-equal", "--max-length", "--length-from"),
    *("--id-unit", "--at-midnight", "--new-on-change", "--timezone"),
}


def _of_definition(flags: list[str]) -> list[str]:
    """Those of some flags of `dwell run` that are about the definition."""
    kept: list[str] = []
    for place, word in enumerate(flags):
        name, equals, _ = word.partition("=")
        if name in _DEFINITION:
            kept += [word] if equals else flags[place : place + 2]
    return kept


def _through_kernels(
    df: DataFrame | _Files,
    text: str,
    asked: list[str],
    latest: Time | None,
    *,
    partitions: int | None,
    memory_limit: str | None,
    program: str | None,
) -> DataFrame:
    """What kernels make of the events of each user, in one partition each."""
    needed("pyspark", "dwell.spark")
    pyarrow = needed("pyarrow", "dwell.spark")
    first = [*asked, "--latest", time_text(latest or "stream")]
    if isinstance(df, _Files):
        told, _ = _ask(pyarrow, text, df.columns(), first)
        df = df.frame(told["needed"])
    session = df.sparkSession
    told, _ = _ask(pyarrow, text, df, first)
    df = _with_whole_ids(df, told)
    # Once more: of ids of one type in all partitions, the program knows what becomes of them.
    told, made = _ask(pyarrow, text, df, first)
    df = _select(df, told["needed"] or df.columns)
    limit = memory_limit or f"{_memory(session) >> 20}MiB"
    shipped = _Program(session, program)
    if latest is None and told["latest_matters"]:
        latest = _latest(df, told, shipped)
    flags = [*asked, "--latest", time_text(latest or "stream"), "--memory-limit", limit, "--threads", "1"]
    by_user = _by_user(df, told["user"], told["time"], partitions)
    fields = _spark_fields(made)
    return by_user.mapInArrow(_worker(shipped, text, flags, _taken(pyarrow, made)), fields)


def _ask(pyarrow: Any, text: str, df: DataFrame, flags: list[str]) -> tuple[dict[str, Any], pyarrow.Schema]:
    """Which columns the job means, and which the table has: what the program says of a stream without rows."""
    stream = Stream(find(), text, flags)
    for _ in stream.batches(_arrow_schema(pyarrow, df), []):
        pass
    told = dict(stream.counts["columns"])
    told["latest_matters"] = stream.counts["latest_matters"]
    refuse_aliases(told, "Spark")
    refuse_derived(told, "Spark")
    return told, stream.schema


def _arrow_schema(pyarrow: Any, df: DataFrame) -> pyarrow.Schema:
    """The columns of a data frame as Spark hands them to a task."""
    return pyarrow.schema([(field.name, _arrow_type(pyarrow, field.dataType)) for field in df.schema.fields])


def _arrow_type(pa: Any, of: Any) -> Any:
    from pyspark.sql import types as T

    plain: list[tuple[Any, Any]] = [
        (T.BooleanType, pa.bool_()),
        (T.ByteType, pa.int8()),
        (T.ShortType, pa.int16()),
        (T.IntegerType, pa.int32()),
        (T.LongType, pa.int64()),
        (T.FloatType, pa.float32()),
        (T.DoubleType, pa.float64()),
        (T.StringType, pa.string()),
        (T.BinaryType, pa.binary()),
        (T.DateType, pa.date32()),
        (T.TimestampType, pa.timestamp("us", "UTC")),
        (T.TimestampNTZType, pa.timestamp("us")),
        (T.NullType, pa.null()),
    ]
    for spark_type, arrow_type in plain:
        if isinstance(of, spark_type):
            return arrow_type
    if isinstance(of, T.DecimalType):
        return pa.decimal128(of.precision, of.scale)
    if isinstance(of, T.ArrayType):
        return pa.list_(_arrow_type(pa, of.elementType))
    if isinstance(of, T.MapType):
        return pa.map_(_arrow_type(pa, of.keyType), _arrow_type(pa, of.valueType))
    if isinstance(of, T.StructType):
        return pa.struct([(field.name, _arrow_type(pa, field.dataType)) for field in of.fields])
    # Nothing that events are made of: a type without a use, so that a job that names it is told so.
    return pa.duration("us")


def _select(df: DataFrame, names: list[str]) -> DataFrame:
    """Only the columns that are needed: the others would be shuffled for nothing."""
    return df.select(*[_quoted(name) for name in names])


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


# ---- Files -------------------------------------------------------------------------------------------------------------------


class _Files:
    """The files that a run has planned to read, with the columns that their folders hold."""

    def __init__(self, session: SparkSession, to_read: dict[str, Any]):
        self.session = session
        self.files = to_read["files"]
        self.folder_columns = to_read["folder_columns"]
        if (session.conf.get("spark.sql.parquet.int96TimestampConversion", "false") or "").lower() == "true":
            raise DwellError("spark.sql.parquet.int96TimestampConversion changes the times of files: set it to false", 2)
        s3 = "s3" if _knows_s3(session) else "s3a"
        paths = [_spark_path(file["path"], s3) for file in self.files]
        read = session.read.option("mergeSchema", len(paths) > 1).parquet(*paths)
        self.read = read
        self.texts = _uuid_texts(read, to_read["uuids"])

    def columns(self) -> DataFrame:
        """A frame of all columns, for its schema alone."""
        from pyspark.sql import functions as F

        nothing = {name: F.lit(None).cast(_FOLDER_TYPES[kind]) for name, kind in self.folder_columns.items()}
        return _with(self.read, {**self.texts, **nothing})

    def frame(self, needed: list[str]) -> DataFrame:
        """The rows. The values of folders come by the name of each row's file."""
        from pyspark.sql import functions as F

        names = [name for name in self.folder_columns if name in needed]
        if not names:
            return _with(self.read, self.texts)
        known = {_plain_path(file["path"]): file["folders"] for file in self.files}
        rows = []
        for spelled in self.read.inputFiles():
            folders = known.get(_decoded(spelled))
            if folders is None:
                raise DwellError(f"Spark reads {spelled}, which is none of the files of the job", 1)
            rows.append([re.sub(_SLASHES, "file:/", spelled), *(_value_of(folders.get(name), self.folder_columns[name]) for name in names)])
        fields = ", ".join(f"`__dwell_v{place}` {_FOLDER_TYPES[self.folder_columns[name]]}" for place, name in enumerate(names))
        values = self.session.createDataFrame(rows, f"`__dwell_file` string, {fields}")
        columns = [F.col(_quoted(name)) for name in self.read.columns if name not in names]
        path = F.regexp_replace(F.col("_metadata.file_path"), _SLASHES, "file:/")
        read = self.read.select(*columns, path.alias("__dwell_path"))
        joined = read.join(F.broadcast(values), F.col("__dwell_path") == F.col("__dwell_file"), "left")
        is_known = F.col("__dwell_file").isNotNull()
        unknown = F.raise_error(F.concat(F.lit("dwell: no such file of the job: "), F.col("__dwell_path")))
        held = [
            F.when(is_known, F.col(f"__dwell_v{place}")).otherwise(unknown.cast(_FOLDER_TYPES[self.folder_columns[name]])).alias(name)
            for place, name in enumerate(names)
        ]
        return _with(joined.select(*columns, *held), self.texts)


def _with(df: DataFrame, columns: dict[str, Column]) -> DataFrame:
    return df.withColumns(columns) if columns else df


def _uuid_texts(df: DataFrame, names: list[str]) -> dict[str, Column]:
    """Columns of 16 bytes as the text that the program makes of them: to Spark they are any bytes."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    def text(name: str) -> Column:
        digits = F.lower(F.hex(F.col(_quoted(name))))
        return F.regexp_replace(digits, "^(.{8})(.{4})(.{4})(.{4})(.{12})$", "$1-$2-$3-$4-$5")

    return {name: text(name) for name in names if name in df.columns and isinstance(df.schema[name].dataType, T.BinaryType)}


#: Spark begins the name of a local file with one slash here and with three there.
_SLASHES = "^file:/+"
#: The types of columns that folders hold, in words of the program and of Spark.
_FOLDER_TYPES = {"int": "bigint", "date": "date", "text": "string"}


def _value_of(text: str | None, kind: str) -> Any:
    import datetime

    if text is None or kind == "text":
        return text
    return int(text) if kind == "int" else datetime.date.fromisoformat(text)


def _spark_path(path: str, s3: str) -> str:
    """A file as Spark is to be told of it, which has S3 under the scheme ``s3``: no part of its name is a pattern."""
    if "://" not in path:
        path = "file://" + path
    elif path.startswith("s3://"):
        path = f"{s3}://" + path.removeprefix("s3://")
    return "".join("\\" + letter if letter in "\\*?[]{}" else letter for letter in path)


def _knows_s3(session: SparkSession) -> bool:
    """Whether Spark has a file system for URLs that begin with s3, as it has at Amazon's and Databricks'."""
    try:
        return session.sparkContext._jsc.hadoopConfiguration().get("fs.s3.impl") is not None
    except Exception:  # noqa: BLE001 - Spark Connect does not say.
        return True


def _plain_path(path: str) -> str:
    """A file of the job by what tells it from others: its path, or its bucket and key."""
    return path.split("://", 1)[-1] if "://" in path else path


def _decoded(spelled: str) -> str:
    """The same of a file as Spark spells it."""
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(spelled)
    return unquote(parts.netloc + parts.path)


# ---- Ids ---------------------------------------------------------------------------------------------------------------------


def _with_whole_ids(df: DataFrame, told: dict[str, Any]) -> DataFrame:
    """Ids that are whole numbers of a type with room for more than 64 bits, as 64 bits, or as text where one does not fit: the
    tables' types follow from all of them, and a partition sees only its own."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    ids = {*told["user"], told["session_id"], told["property"]} - {None}
    wide: dict[str, Column] = {}
    for field in df.schema.fields:
        column = F.col(_quoted(field.name))
        is_decimal = isinstance(field.dataType, T.DecimalType) and field.dataType.scale == 0
        is_float = isinstance(field.dataType, (T.FloatType, T.DoubleType))
        if field.name not in ids or not (is_decimal or is_float):
            continue
        if is_float and field.name == told["property"] and field.name != told["session_id"]:
            # A property that is a floating number stays one.
            continue
        if is_decimal and field.dataType.precision <= 18:
            continue
        wide[field.name] = column if is_decimal else _whole(column)
    if not wide:
        return df
    least, limit = (F.lit(str(bound)).cast("decimal(38,0)") for bound in (-(2**63), 2**63))
    too_large = {
        name: F.max(((column >= limit) | (column < least)).cast("int")).alias(name) for name, column in wide.items()
    }
    found = df.agg(*too_large.values()).first()
    for field in df.schema.fields:
        if found.asDict().get(field.name) and isinstance(field.dataType, (T.FloatType, T.DoubleType)):
            raise DwellError(
                f"the ids of `{field.name}` are floating numbers, and one has no room in 64 bits: cast the column first, or use dwell.run", 2
            )
    kinds = {name: "string" if found[name] else "bigint" for name in wide}
    return df.select(
        *[wide[name].cast(kinds[name]).alias(name) if name in wide else F.col(_quoted(name)) for name in df.columns]
    )


def _whole(column: Column) -> Column:
    """Floating numbers as whole ones; null where they are not whole."""
    from pyspark.sql import functions as F

    double = column.cast("double")
    is_whole = (~F.isnan(double)) & (F.rint(double) == double) & (F.abs(double) < F.lit(1e38))
    return F.when(is_whole, double.cast("decimal(38,0)"))


# ---- Users in one place ------------------------------------------------------------------------------------------------------


def _by_user(df: DataFrame, users: list[str], time: str, partitions: int | None) -> DataFrame:
    """The same rows, those of a user in one partition. Rows without a user are spread: they are only counted."""
    from pyspark.sql import functions as F

    columns = [_text(df, name) for name in users]
    user = F.coalesce(*[F.when(column != "", column) for column in columns])
    root = time if time in df.columns else next(name for name in df.columns if time.startswith(name + "."))
    nobody = F.when(user.isNull(), F.hash(F.col(_quoted(root)).cast("string")))
    keys = [user, nobody]
    return df.repartition(partitions, *keys) if partitions else df.repartition(*keys)


def _text(df: DataFrame, name: str) -> Column:
    """A column of users as text: equal wherever the program takes two users to be the same."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    if name in df.columns:
        return F.col(_quoted(name)).cast("string")
    root = max((column for column in df.columns if name.startswith(column + ".")), key=len, default=None)
    if root is None:
        raise DwellError(f"there is no column `{name}` (input.user)", 2)
    path, kind = name[len(root) + 1 :], df.schema[root].dataType
    value = F.col(_quoted(root))
    if isinstance(kind, T.StructType) and path in kind.names:
        return value.getField(path).cast("string")
    if isinstance(kind, T.MapType) and isinstance(kind.valueType, T.AtomicType):
        return value.getItem(path).cast("string")
    if isinstance(kind, (T.StringType, T.BinaryType)) and "'" not in path:
        keys = [F.get_json_object(value.cast("string"), f"$['{path}']")]
        # A key spelled with dots, else key by key: as the program finds it.
        keys += [F.get_json_object(value.cast("string"), "$" + "".join(f"['{key}']" for key in path.split(".")))] if "." in path else []
        return F.coalesce(*keys)
    raise DwellError(
        f"users are found at {name}, inside of a column of {kind.simpleString()}, by which Spark cannot put them in one "
        "place: make a column of them first and name it in input.user, or use dwell.run",
        2,
    )


# ---- The latest time ---------------------------------------------------------------------------------------------------------


def _latest(df: DataFrame, told: dict[str, Any], program: _Program) -> Time | None:
    """The latest possible time of all rows."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    name, (least, most) = told["time"], told["possible_times"]
    if name in df.columns and isinstance(df.schema[name].dataType, T.TimestampType):
        micros = F.unix_micros(F.col(_quoted(name)))
        found = df.agg(F.max(F.when((micros >= least) & (micros < most), micros))).first()[0]
    else:
        root = name if name in df.columns else next(one for one in df.columns if name.startswith(one + "."))
        nobody = df.select(_quoted(root), F.lit(None).cast("string").alias(NOBODY))
        times = nobody.mapInArrow(_latest_worker(program, job_of_times(told)), "latest bigint")
        found = times.agg(F.max("latest")).first()[0]
    return None if found is None else instant(found)


# ---- On the executors --------------------------------------------------------------------------------------------------------


class _Program:
    """Where executors have the program: where they are told, or where Spark puts the file that is sent to them."""

    def __init__(self, session: SparkSession, path: str | None):
        self.path = path
        self.file = None
        if path is None:
            local = find()
            self.file = os.path.basename(local)
            _send(session, local)


def _send(session: SparkSession, path: str) -> None:
    """Has executors fetch a file; again is the same as once."""
    try:
        context = session.sparkContext
    except Exception:  # noqa: BLE001 - Spark Connect has none, and says so by an error of its own kind.
        session.addArtifacts(path, file=True)
        return
    sent = {os.path.basename(name) for name in getattr(context, "listFiles", [])}
    if os.path.basename(path) not in sent:
        context.addFile(path)


def _worker(program: _Program, text: str, flags: list[str], taken: Any) -> Any:
    """What a task does with the batches of its partition."""
    _by_value()
    path, file = program.path, program.file

    def work(batches: Iterator[Any]) -> Iterator[Any]:
        first = next(batches, None)
        if first is None:
            return
        stream = _pipe.Stream(_pipe_program(path, file), text, [*flags, "--temp-dir", _scratch()])
        for batch in stream.batches(first.schema, _chain(first, batches)):
            yield _as(batch, taken)

    return work


def _latest_worker(program: _Program, text: str) -> Any:
    _by_value()
    path, file = program.path, program.file

    def work(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow

        first = next(batches, None)
        if first is None:
            return
        flags = ["--quiet", "--latest", "stream", "--threads", "1"]
        stream = _pipe.Stream(_pipe_program(path, file), text, flags)
        for _ in stream.batches(first.schema, _chain(first, batches)):
            pass
        latest = pyarrow.array([stream.counts["latest"]], pyarrow.int64())
        yield pyarrow.RecordBatch.from_arrays([latest], names=["latest"])

    return work


def _pipe_program(path: str | None, file: str | None) -> str:
    if path is not None:
        return path
    from pyspark import SparkFiles

    return SparkFiles.get(file)


def _chain(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _scratch() -> str:
    """Where a task may put what does not fit into memory: where Spark puts its own."""
    import tempfile

    folders = os.environ.get("LOCAL_DIRS") or os.environ.get("SPARK_LOCAL_DIRS") or tempfile.gettempdir()
    return folders.split(",")[0]


def _as(batch: Any, schema: Any) -> Any:
    """A batch in the types that Spark has."""
    import pyarrow

    columns = [column.cast(field.type) for column, field in zip(batch.columns, schema)]
    return pyarrow.RecordBatch.from_arrays(columns, schema=schema)


def _by_value() -> None:
    """Sends this package's functions along with a task: executors need not have it."""
    import sys

    from pyspark import cloudpickle

    cloudpickle.register_pickle_by_value(_pipe)
    cloudpickle.register_pickle_by_value(sys.modules[__name__])


# ---- Types -------------------------------------------------------------------------------------------------------------------


def _taken(pyarrow: Any, made: pyarrow.Schema) -> pyarrow.Schema:
    """The columns of the table in types that Spark has: it knows no unsigned numbers."""
    signed = {pyarrow.uint32(): pyarrow.int64(), pyarrow.uint64(): pyarrow.int64()}
    return pyarrow.schema([pyarrow.field(field.name, signed.get(field.type, field.type)) for field in made])


def _spark_fields(made: pyarrow.Schema) -> Any:
    from pyspark.sql import types as T

    return T.StructType([T.StructField(field.name, _spark_type(field.type), True) for field in made])


def _spark_type(of: Any) -> Any:
    from pyarrow import types as A
    from pyspark.sql import types as T

    plain: list[tuple[Any, Any]] = [
        (A.is_string, T.StringType),
        (A.is_integer, T.LongType),
        (A.is_floating, T.DoubleType),
        (A.is_boolean, T.BooleanType),
        (A.is_date, T.DateType),
        (A.is_timestamp, T.TimestampType),
        (A.is_binary, T.BinaryType),
    ]
    for is_one, spark_type in plain:
        if is_one(of):
            return T.IntegerType() if A.is_int32(of) else spark_type()
    if A.is_list(of):
        return T.ArrayType(_spark_type(of.value_type))
    raise DwellError(f"Spark has no type for {of}: this is a bug in dwell.spark, please report it")


def _memory(session: SparkSession) -> int:
    """Bytes for each task: the executor's memory by its cores."""
    from pyspark.sql import SparkSession as Classic

    def told(key: str, default: str) -> str:
        return session.conf.get(key, default) or default

    is_local = told("spark.master", "").startswith("local")
    memory = _bytes(told("spark.driver.memory" if is_local else "spark.executor.memory", "1g"))
    tasks = int(told("spark.executor.cores", "1")) // int(told("spark.task.cpus", "1"))
    if is_local and isinstance(session, Classic):
        tasks = session.sparkContext.defaultParallelism
    return max(memory // max(tasks, 1), LEAST_MEMORY)


def _bytes(text: str) -> int:
    """A size as Spark writes it; without a unit it is in MiB."""
    units = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
    text = text.strip().lower().removesuffix("ib" if text.strip().lower().endswith("ib") else "b")
    if text and text[-1] in units:
        return int(float(text[:-1]) * units[text[-1]])
    return int(float(text)) << 20


# ---- From the command line ---------------------------------------------------------------------------------------------------


def main(words: list[str] | None = None) -> int:
    """Runs a job inside Spark: ``python -m dwell.spark job.toml``."""
    import argparse
    import sys

    parser = argparse.ArgumentParser(
        prog="python -m dwell.spark",
        description="Runs a job over its files inside Spark, and makes the folder that `dwell run` makes.",
        epilog="All other flags are those of `dwell run`: --input, --output, --overwrite, --max-rejected and so on.",
    )
    parser.add_argument("job", help="the job file")
    parser.add_argument("--partitions", type=int, help="how many partitions users are put into")
    parser.add_argument("--task-memory", metavar="SIZE", help="what the program may take in each task, for instance 2GiB")
    parser.add_argument("--program", help="where the executors have the program dwell, which is sent to them otherwise")
    asked, flags = parser.parse_known_args(words)
    try:
        needed("pyspark", "dwell.spark")
        from pyspark.sql import SparkSession

        with open(asked.job, encoding="utf-8") as file:
            text = file.read()
        settings = {"partitions": asked.partitions, "memory_limit": asked.task_memory, "program": asked.program}
        print(_run(SparkSession.builder.getOrCreate(), text, flags, **settings), end="")
    except (DwellError, ImportError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code if isinstance(error, DwellError) else 2
    except Exception as error:  # noqa: BLE001 - Spark's own, of many kinds.
        print(f"error: Spark: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
