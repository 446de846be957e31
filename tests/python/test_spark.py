"""Sessions by Spark are those of `dwell run`, row for row and value for value."""

import decimal
import os
import subprocess
import sys
import uuid

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from conftest import DEFINITIONS, random_events, rows_of, run

import dwell
import dwell.spark

pyspark = pytest.importorskip("pyspark")

from pyspark.sql import SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402


@pytest.fixture(scope="module")
def spark():
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[2,4]").config("spark.sql.shuffle.partitions", 4)
    session = builder.config("spark.ui.enabled", False).config("spark.driver.host", "localhost").getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


def frame(spark, events, tmp_path, partitions=3):
    path = str(tmp_path / f"{uuid.uuid4().hex}.parquet")
    pq.write_table(events, path)
    return spark.read.parquet(path).repartition(partitions)


def written(df, tmp_path):
    """A data frame as Spark writes it, and pyarrow reads it."""
    path = str(tmp_path / uuid.uuid4().hex)
    df.write.parquet(path)
    return rows_of(pq.read_table(path))


@pytest.mark.parametrize("name", DEFINITIONS)
@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Asia/Kolkata"])
def test_sessions_are_those_of_a_run(spark, events, tmp_path, name, zone):
    spark.conf.set("spark.sql.session.timeZone", zone)
    expected, _ = run(events, DEFINITIONS[name], tmp_path)
    df = frame(spark, events, tmp_path)
    assert written(dwell.spark.sessionize(df, DEFINITIONS[name]), tmp_path) == expected


@pytest.mark.parametrize("table", ["activity", "segments/kept/sessions", "segments/by order/activity"])
def test_other_tables_too(spark, events, tmp_path, table):
    expected, _ = run(events, DEFINITIONS["charts"], tmp_path, table)
    segment = table.split("/")[1] if "/" in table else None
    made = dwell.spark.sessionize(frame(spark, events, tmp_path), DEFINITIONS["charts"], table.split("/")[-1], segment=segment)
    assert written(made, tmp_path) == expected


def test_types_are_those_that_spark_reads_from_the_tables(spark, events, tmp_path):
    run(events, DEFINITIONS["charts"], tmp_path)
    read = spark.read.parquet(str(tmp_path / "out" / "sessions"))
    made = dwell.spark.sessionize(frame(spark, events, tmp_path), DEFINITIONS["charts"])
    assert made.dtypes == read.dtypes


@pytest.mark.parametrize("partitions", [1, 3, 16, 200])
def test_partitions_change_nothing(spark, events, tmp_path, partitions):
    expected, _ = run(events, DEFINITIONS["timeout"], tmp_path)
    df = frame(spark, events, tmp_path)
    assert written(dwell.spark.sessionize(df, DEFINITIONS["timeout"], partitions=partitions), tmp_path) == expected


def test_one_user_with_nearly_all_events_changes_nothing(spark, tmp_path):
    events = random_events(2000, seed=11, users=2)
    expected, _ = run(events, DEFINITIONS["timeout"], tmp_path)
    assert written(dwell.spark.sessionize(frame(spark, events, tmp_path), DEFINITIONS["timeout"]), tmp_path) == expected


def test_no_events_are_no_sessions(spark, events, tmp_path):
    df = frame(spark, events, tmp_path).where("1 = 0")
    assert dwell.spark.sessionize(df, DEFINITIONS["timeout"]).count() == 0


def test_a_task_that_dies_once_changes_nothing(spark, events, tmp_path):
    expected, _ = run(events, DEFINITIONS["timeout"], tmp_path)
    mark = str(tmp_path / "died")

    def dies_once(batches):
        import os
        import signal

        for batch in batches:
            if batch.num_rows and not os.path.exists(mark):
                open(mark, "w").close()
                os.kill(os.getpid(), signal.SIGKILL)
            yield batch

    made = dwell.spark.sessionize(frame(spark, events, tmp_path), DEFINITIONS["timeout"])
    made = made.mapInArrow(dies_once, made.schema)
    assert written(made, tmp_path) == expected
    assert os.path.exists(mark)


def with_times(events, kind):
    times = events["event_time"]
    if kind == "text":
        changed = pa.array([None if time is None else time.isoformat() for time in times.to_pylist()])
    elif kind == "integer":
        changed = times.cast(pa.int64())
    else:
        changed = times.cast(pa.timestamp("us"))
    return events.set_column(events.column_names.index("event_time"), "event_time", changed)


@pytest.mark.parametrize("kind", ["text", "integer", "without a zone"])
def test_the_latest_time_is_found_whatever_times_are(spark, events, tmp_path, kind):
    spark.conf.set("spark.sql.session.timeZone", "Asia/Kolkata")
    changed = with_times(events, kind)
    job = {"session": {"timeout": "1d", "max_length": "none"}, **({"input": {"time_unit": "us"}} if kind == "integer" else {})}
    expected, _ = run(changed, job, tmp_path)
    assert {row["end_reason"] for row in expected} >= {"end_of_data"}
    assert written(dwell.spark.sessionize(frame(spark, changed, tmp_path), job), tmp_path) == expected


@pytest.mark.parametrize("kind", ["float", "decimal", "decimal that does not fit", "unsigned"])
def test_wide_ids_are_of_one_type_in_all_partitions(spark, events, tmp_path, kind):
    users = [None if user in (None, "") else int(user.split()[1]) for user in events["user_id"].to_pylist()]
    if kind == "decimal that does not fit":
        users = [10**20 if user == 3 else user for user in users]
    of = {"float": pa.float64(), "unsigned": pa.uint64()}.get(kind, pa.decimal128(38, 0))
    whole = [None if user is None else decimal.Decimal(user) for user in users]
    column = pa.array(users, of) if kind in ("float", "unsigned") else pa.array(whole, of)
    changed = events.set_column(0, "user_id", column)
    expected, _ = run(changed, DEFINITIONS["timeout"], tmp_path)
    assert written(dwell.spark.sessionize(frame(spark, changed, tmp_path), DEFINITIONS["timeout"]), tmp_path) == expected


@pytest.mark.parametrize("kind", ["struct", "map", "json"])
def test_users_inside_of_a_column(spark, events, tmp_path, kind):
    df = frame(spark, events, tmp_path)
    inside = {
        "struct": F.struct(F.col("user_id").alias("id")),
        "map": F.create_map(F.lit("id"), F.col("user_id")),
        "json": F.to_json(F.struct(F.col("user_id").alias("id"))),
    }[kind]
    job = {"input": {"user": "who.id"}, "session": {"timeout": "30m"}}
    expected, _ = run(events, DEFINITIONS["timeout"], tmp_path)
    made = dwell.spark.sessionize(df.withColumn("who", inside).drop("user_id"), job)
    assert written(made, tmp_path) == expected


def test_users_where_spark_cannot_look_are_refused(spark, events, tmp_path):
    pairs = F.array(F.struct(F.lit("id").alias("key"), F.col("user_id").alias("value")))
    df = frame(spark, events, tmp_path).withColumn("who", pairs)
    with pytest.raises(dwell.DwellError, match="make a column"):
        dwell.spark.sessionize(df, {"input": {"user": "who.id"}, "session": {"timeout": "30m"}})


def test_mistakes_are_said_before_anything_runs(spark, events, tmp_path):
    df = frame(spark, events, tmp_path)
    with pytest.raises(dwell.DwellError, match="did you mean"):
        dwell.spark.sessionize(df, {"session": {"timeuot": "30m"}})
    with pytest.raises(dwell.DwellError, match="usr"):
        dwell.spark.sessionize(df, {"input": {"user": "usr"}, "session": {"timeout": "30m"}})


def test_a_task_that_fails_says_what_the_program_says(spark, events, tmp_path):
    df = frame(spark, events, tmp_path)
    made = dwell.spark.sessionize(df, DEFINITIONS["timeout"], latest="2026-01-01T00:00:00Z", partitions=1)
    with pytest.raises(Exception, match="--latest"):
        made.collect()


def test_the_command_line_writes_both_tables(events, tmp_path):
    data, out = tmp_path / "data", tmp_path / "by spark"
    expected, _ = run(events, DEFINITIONS["timeout"], tmp_path)
    (tmp_path / "job.toml").write_text(f'[input]\npath = "{data}"\n[session]\ntimeout = "30m"\n[output]\npath = "{tmp_path}/out"\n')
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable}

    def ran(*words):
        command = [sys.executable, "-m", "dwell.spark", str(tmp_path / "job.toml"), *words]
        return subprocess.run(command, capture_output=True, text=True, env=environment)

    refused = ran()
    assert refused.returncode == 2 and "_dwell" not in os.listdir(tmp_path) and "folder of `dwell run`" in refused.stderr
    done = ran("--output", str(out), "--partitions", "3")
    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(out)) == ["activity", "sessions"]
    dates = ds.partitioning(pa.schema([("session_date", pa.string())]), flavor="hive")
    made = ds.dataset(str(out / "sessions"), partitioning=dates).to_table()
    assert rows_of(made) == expected
