"""`dwell.sessionize` and `dwell.run`: the same rows as the program makes of files."""

import json
import subprocess
import sys

import pyarrow as pa
import pytest
from conftest import DEFINITIONS, random_events, rows_of, run

import dwell


@pytest.mark.parametrize("name", DEFINITIONS)
@pytest.mark.parametrize("table", ["sessions", "activity"])
def test_arrow_gives_the_rows_and_counts_of_a_run(events, tmp_path, name, table):
    expected, counted = run(events, DEFINITIONS[name], tmp_path, table)
    made = dwell.sessionize(events, DEFINITIONS[name], table)
    assert len(expected) > 50
    assert rows_of(made) == expected
    counts = json.loads(made.schema.metadata[b"dwell.counts"])
    for key in ("rows", "filtered", "rejected", "duplicates", "inactive", "in_session", "out_of_session", "users", "segments"):
        assert counts[key] == counted[key], key


def test_a_segment_has_its_own_table(events, tmp_path):
    job = DEFINITIONS["charts"]
    expected, _ = run(events, job, tmp_path, "segments/kept/sessions")
    assert rows_of(dwell.sessionize(events, job, segment="kept")) == expected


def test_memory_and_threads_change_nothing(events, tmp_path):
    job = DEFINITIONS["timeout"]
    expected, _ = run(events, job, tmp_path)
    assert rows_of(dwell.sessionize(events, job, memory_limit="140MiB", threads=1)) == expected


def forms():
    yield "table", lambda events: events
    yield "reader", lambda events: events.to_reader(max_chunksize=100)
    yield "batch", lambda events: events.combine_chunks().to_batches()[0]
    yield "pandas", lambda events: events.to_pandas()
    yield "polars", lambda events: pytest.importorskip("polars").from_arrow(events)
    yield "duckdb", lambda events: pytest.importorskip("duckdb").sql("SELECT * FROM events")


@pytest.mark.parametrize("form", [form for _, form in forms()], ids=[name for name, _ in forms()])
def test_whatever_gives_an_arrow_stream_is_taken(form):
    events = random_events(500, seed=3).drop_columns(["sequence", "session_id"])
    expected = dwell.sessionize(events, {"session": {"timeout": "30m"}})
    assert rows_of(dwell.sessionize(form(events), {"session": {"timeout": "30m"}})) == rows_of(expected)


def test_a_job_is_a_path_a_text_or_a_dict(events, tmp_path):
    path = tmp_path / "job.toml"
    path.write_text('[session]\ntimeout = "30m"\n')
    jobs = [path, str(path), path.read_text(), {"session": {"timeout": "30m"}}]
    first, *others = [rows_of(dwell.sessionize(events, job)) for job in jobs]
    assert all(other == first for other in others)


def test_every_value_of_a_dict_arrives():
    odd = 'quote " backslash \\ line \n delete \x7f snowman ☃'
    events = pa.table({"user_id": ["a", "b"], "event_time": pa.array([0, 1], pa.timestamp("us")).cast(pa.int64()), "word": [odd, "other"]})
    escaped = odd.replace("'", "''")
    job = {
        "input": {"time_unit": "s", "min_time": "1970-01-01", "where": f"word = '{escaped}'"},
        "session": {"timeout": "30m"},
    }
    assert dwell.sessionize(events, job)["user_id"].to_pylist() == ["a"]


@pytest.mark.parametrize(
    ("job", "code", "words"),
    [
        ({"session": {"timeuot": "30m"}}, 2, "timeout"),
        ({"input": {"user": "usr_id"}, "session": {"timeout": "30m"}}, 2, "user_id"),
        ({"input": {"where": "keep >"}}, 2, "where"),
    ],
)
def test_what_is_wrong_is_said_in_the_programs_words(events, job, code, words):
    with pytest.raises(dwell.DwellError) as error:
        dwell.sessionize(events, job)
    assert error.value.code == code
    assert words in str(error.value)


def test_what_is_no_stream_is_named():
    with pytest.raises(TypeError, match="Arrow stream.*not list"):
        dwell.sessionize([1, 2], {})
    with pytest.raises(ValueError, match="sessions"):
        dwell.sessionize(pa.table({}), {}, table="session")


def test_a_source_that_fails_is_no_whole_stream(events):
    def batches():
        yield from events.to_batches(max_chunksize=100)[:3]
        raise RuntimeError("the source has gone")

    reader = pa.RecordBatchReader.from_batches(events.schema, batches())
    with pytest.raises(RuntimeError, match="the source has gone"):
        dwell.sessionize(reader, {"session": {"timeout": "30m"}})


def test_a_program_that_is_not_there_is_said_so(monkeypatch):
    monkeypatch.setenv("DWELL_PROGRAM", "/nowhere/dwell")
    with pytest.raises(dwell.ProgramNotFound, match="DWELL_PROGRAM"):
        dwell.find()


@pytest.mark.parametrize("module", ["pyarrow", "pyspark", "ray"])
def test_a_library_that_is_absent_is_named(module):
    what = {"pyarrow": "dwell.sessionize(None)", "pyspark": "spark.sessionize(None)", "ray": "ray.sessionize(None)"}[module]
    lines = f"import sys; sys.modules['{module}'] = None\nimport dwell\nfrom dwell import spark, ray\n{what}"
    ran = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True)
    assert f"pip install {module}" in ran.stderr, ran.stderr


def test_a_failed_run_says_why(tmp_path):
    with pytest.raises(dwell.DwellError, match="does not exist") as error:
        dwell.run({"input": {"path": str(tmp_path / "nothing")}, "output": {"path": str(tmp_path / "out")}})
    assert error.value.code == 2
