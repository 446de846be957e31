"""Sessions by Spark are those of `dwell run`, row for row and value for value."""

import decimal
import json
import os
import subprocess
import sys
import uuid

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import DEFINITIONS, job_over, random_events, rows_of, run

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


def files_of(folder):
    """The bytes of all files of tables, by name."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            if "_dwell" not in path and name != "run.json":
                with open(path, "rb") as file:
                    found[os.path.relpath(path, folder)] = file.read()
    return found


def in_files(events, tmp_path, files=3):
    """Events in some files of a folder."""
    os.makedirs(tmp_path / "data", exist_ok=True)
    rows = -(-events.num_rows // files)
    for file in range(files):
        pq.write_table(events.slice(file * rows, rows), tmp_path / "data" / f"{file} [a]{{b}}*.parquet", row_group_size=200)


#: What run.json says that does not depend on how events are read.
COUNTED = ("fingerprint", "rows", "filtered", "rejected", "duplicates", "inactive", "outside_window", "in_session", "out_of_session")
COUNTED += ("sessions", "excluded", "zero_length_sessions", "clock_skew_sessions", "users", "segments", "dates", "warnings", "mode")


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_run_makes_the_folder_of_a_run(spark, events, tmp_path, name):
    in_files(events, tmp_path)
    more = {"output": {**DEFINITIONS[name].get("output", {}), "history": True, "events": ["keep"]}}
    if name == "several users":
        # Spark's own zone must not matter.
        spark.conf.set("spark.sql.session.timeZone", "Asia/Kolkata")
    job = {**DEFINITIONS[name], **more}
    dwell.run(job_over(tmp_path, job), "--quiet")
    told = dwell.spark.run(spark, job_over(tmp_path, job, "by spark"), partitions=5)
    assert files_of(tmp_path / "by spark") == files_of(tmp_path / "out")
    records = [json.loads((tmp_path / out / "run.json").read_text(encoding="utf-8")) for out in ("out", "by spark")]
    run, by_spark = ({key: record[key] for key in COUNTED} for record in records)
    assert by_spark == run and told["sessions"] == run["sessions"] > 0


def test_a_night_of_the_program_goes_on_from_a_run_inside_spark(spark, events, tmp_path):
    in_files(events.slice(0, 2500), tmp_path)
    job = job_over(tmp_path, DEFINITIONS["charts"])
    dwell.spark.run(spark, job)
    assert dwell.run(job, "--incremental").startswith("Nothing new")
    pq.write_table(events.slice(2500), tmp_path / "data" / "late.parquet")
    dwell.run(job, "--incremental")
    dwell.run(job_over(tmp_path, DEFINITIONS["charts"], "full"))
    assert files_of(tmp_path / "out") == files_of(tmp_path / "full")


@pytest.mark.parametrize("by", ["day", "shop"])
def test_the_columns_of_folders_are_those_of_a_run(spark, events, tmp_path, by):
    values = {"day": ["2026-01-01", "2026-01-02", "__HIVE_DEFAULT_PARTITION__"], "shop": ["007", "a b%3A+é", "12"]}[by]
    for number, value in enumerate(values):
        os.makedirs(tmp_path / "data" / f"{by}={value}")
        pq.write_table(events.slice(number * 1000, 1000), tmp_path / "data" / f"{by}={value}" / "a.parquet")
    where = {"day": "day = DATE '2026-01-02' OR day IS NULL", "shop": "shop <> '007'"}[by]
    job = {"input": {"where": where}, "session": {"timeout": "30m"}, "column": [{"name": "first_of", "first": by}]}
    dwell.run(job_over(tmp_path, job), "--quiet")
    told = dwell.spark.run(spark, job_over(tmp_path, job, "by spark"))
    assert told["sessions"] > 0
    assert files_of(tmp_path / "by spark") == files_of(tmp_path / "out")


def test_numbers_keep_the_types_that_files_have(spark, events, tmp_path):
    narrow = events.set_column(events.column_names.index("keep"), "keep", events["keep"].cast(pa.uint16()))
    in_files(narrow.append_column("price", pa.array([0.5, None, 2.25] * 1000, pa.float32())), tmp_path)
    job = {"session": {"timeout": "30m"}, "column": [{"name": "most", "max": "keep"}, {"name": "paid", "first": "price"}]}
    dwell.run(job_over(tmp_path, job), "--quiet")
    dwell.spark.run(spark, job_over(tmp_path, job, "by spark"))
    assert files_of(tmp_path / "by spark") == files_of(tmp_path / "out")


@pytest.mark.parametrize("flags", [["--timeout", "10m"], ["--where=keep > 1", "--timezone", "Asia/Tokyo", "--dedup", "insert_id"]])
def test_flags_are_those_of_the_kernels_too(spark, events, tmp_path, flags):
    in_files(events, tmp_path)
    dwell.run(job_over(tmp_path, DEFINITIONS["timeout"]), "--quiet", *flags)
    dwell.spark.run(spark, job_over(tmp_path, DEFINITIONS["timeout"], "by spark"), *flags)
    assert files_of(tmp_path / "by spark") == files_of(tmp_path / "out")


def test_flags_of_a_definition_are_those_of_the_program():
    helps = subprocess.run([dwell.find(), "kernel", "--help"], capture_output=True, text=True, check=True).stdout
    flags = {line.split()[0] for line in helps.splitlines() if line.strip().startswith("--")}
    others = {"--input", "--table", "--segment", "--parts", "--latest", "--counts", "--threads", "--memory-limit", "--temp-dir", "--quiet", "--log-format"}
    assert flags - others == dwell.spark._DEFINITION


def test_users_are_found_where_the_program_finds_them(spark, events, tmp_path):
    count = events.num_rows
    users = [None if user is None else json.dumps({"account": {"id": user}, "account.id": None if number % 2 else user}) for number, user in enumerate(events["user_id"].to_pylist())]
    uuids = pa.array([None if user is None else user.encode().ljust(16, b"\xff") for user in events["user_id"].to_pylist()], pa.binary(16))
    more = events.append_column("who", pa.array(users)).append_column("device", uuids).append_column("v0", pa.array(range(count)))
    os.makedirs(tmp_path / "data" / "day=2026-01-01")
    pq.write_table(more, tmp_path / "data" / "day=2026-01-01" / "a.parquet")
    for user in ["who.account.id", "device"]:
        job = {"input": {"user": user, "where": "day IS NOT NULL AND v0 >= 0"}, "session": {"timeout": "30m"}, "column": [{"name": "of", "first": "device"}]}
        dwell.run(job_over(tmp_path, job, f"out {user}"), "--quiet")
        told = dwell.spark.run(spark, job_over(tmp_path, job, f"by spark {user}"), partitions=3)
        assert told["sessions"] > 0
        assert files_of(tmp_path / f"by spark {user}") == files_of(tmp_path / f"out {user}")


def test_what_spark_would_take_otherwise_is_refused(spark, events, tmp_path):
    floats = events.append_column("id", pa.array([1.0, 1e19, 3.0] * 1000))
    in_files(floats, tmp_path)
    with pytest.raises(dwell.DwellError, match="64 bits"):
        dwell.spark.run(spark, job_over(tmp_path, {"input": {"user": "id"}, "session": {"timeout": "30m"}}))
    in_files(events.append_column("User_ID", events["user_id"]), tmp_path)
    with pytest.raises(dwell.DwellError, match="`user_id` and `User_ID`"):
        dwell.spark.run(spark, job_over(tmp_path, DEFINITIONS["timeout"]))
    assert not os.path.exists(tmp_path / "out")


def test_rows_that_break_off_end_the_run(spark, events, tmp_path):
    from dwell._by_kernels import ByKernels
    from dwell._job import text_of

    in_files(events, tmp_path)

    def rows():
        yield {"kernel": "a", "table": "sessions", "part": 0, "date": 0, "rows": 1, "size": 9, "piece": b"x"}
        raise ConnectionResetError("the driver is gone")

    with pytest.raises(ConnectionResetError), ByKernels(text_of(job_over(tmp_path, DEFINITIONS["timeout"])), ["--quiet"]) as run:
        run.finish(rows(), 1)
    assert run._process.returncode == 1 and not os.path.exists(tmp_path / "out")


def test_what_stops_a_run_leaves_the_tables_as_they_were(spark, events, tmp_path):
    in_files(events, tmp_path)
    job = job_over(tmp_path, DEFINITIONS["timeout"])
    dwell.run(job, "--quiet")
    before = files_of(tmp_path / "out")
    with pytest.raises(dwell.DwellError, match="rows were rejected") as failed:
        dwell.spark.run(spark, job, "--max-rejected", "0")
    assert failed.value.code == 3
    with pytest.raises(Exception, match="no-such-program"):
        dwell.spark.run(spark, job, program="/no-such-program")
    with pytest.raises(dwell.DwellError, match="another definition") as failed:
        dwell.spark.run(spark, {**job, "session": {"timeout": "10m"}})
    assert failed.value.code == 2
    with pytest.raises(dwell.DwellError, match="input.path"):
        dwell.spark.run(spark, {"output": {"path": str(tmp_path / "new")}})
    assert files_of(tmp_path / "out") == before and not os.path.exists(tmp_path / "new")
    # And nobody holds the folder.
    dwell.spark.run(spark, job)
    assert files_of(tmp_path / "out") == before


def test_a_task_that_dies_once_changes_no_table(spark, events, tmp_path):
    in_files(events, tmp_path)
    marker, script = tmp_path / "died", tmp_path / "dwell"
    script.write_text(f"#!/bin/sh\nmkdir '{marker}' 2>/dev/null && kill -9 $$\nexec '{dwell.find()}' \"$@\"\n")
    script.chmod(0o755)
    dwell.run(job_over(tmp_path, DEFINITIONS["charts"]), "--quiet")
    dwell.spark.run(spark, job_over(tmp_path, DEFINITIONS["charts"], "by spark"), program=str(script))
    assert marker.exists()
    assert files_of(tmp_path / "by spark") == files_of(tmp_path / "out")


def test_the_command_line_runs_a_job(events, tmp_path):
    in_files(events, tmp_path)
    job = tmp_path / "job.toml"
    job.write_text(f"[input]\npath = '{tmp_path}/data'\n[session]\ntimeout = '30m'\n")
    dwell.run({**DEFINITIONS["timeout"], "input": {"path": str(tmp_path / "data")}, "output": {"path": str(tmp_path / "out")}})
    command = [sys.executable, "-m", "dwell.spark", str(job)]
    command += ["--output", str(tmp_path / "by spark"), "--partitions", "3", "--task-memory", "256MiB"]
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "sessions" in ran.stdout
    assert files_of(tmp_path / "by spark") == files_of(tmp_path / "out")
    wrong = subprocess.run([*command, "--timeout", "soon"], capture_output=True, text=True, env=environment, check=False)
    assert wrong.returncode == 2 and "`session.timeout` = \"soon\"" in wrong.stderr, wrong.stderr
