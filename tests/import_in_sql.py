"""Compares what `dwell import` makes of exports with DuckDB's reading of the same lines.

An export as Amplitude's and one as Mixpanel's are made up, with values that are missing, null or of several kinds, lines that are
no events, and events that come days late. Every value of the Parquet files has to be the one that DuckDB reads, each in the
folder of its day, and the sessions of a run over them those of a run over Parquet that DuckDB wrote.

usage: import_in_sql.py DWELL
"""

import gzip
import json
import random
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

START = datetime(2026, 1, 1)


def amplitude(rng, number):
    """An event as Amplitude exports it, without spaces, so that its nested values are those of any other writer."""
    user = rng.randrange(400)
    visit = START + timedelta(hours=rng.randrange(24 * 6))
    time = visit + timedelta(seconds=rng.randrange(2400), microseconds=rng.randrange(10**6))
    uploaded = time + timedelta(days=rng.choice([0, 0, 0, 1]))
    text = lambda instant: instant.strftime("%Y-%m-%d %H:%M:%S.%f")
    event = {
        "$insert_id": f"{number // 3 if number % 50 == 0 else number:x}",
        "amplitude_id": 10**11 + user,
        "client_event_time": text(time),
        "event_id": number,
        "event_type": rng.choice(["view", "click", "buy \u00e9\u201c\U0001f600", "a\\b\"c"]),
        "event_properties": {"page": f"/{rng.randrange(20)}", "deep": [{"a": None}, 1.5]},
        "groups": {},
        "paying": rng.choice([True, False, None]),
        "server_upload_time": text(uploaded),
        "session_id": rng.choice([-1] + [int(visit.timestamp()) * 1000] * 9),
        "user_id": None if user % 3 else f"u{user}",
        "mixed": rng.choice([1, "one", True, None, {"a": 1}]),
        "ratio": rng.choice([1, 0.25, None, -3]),
        "huge": rng.choice([1, 2**63, -(2**70)]),
    }
    if number > 15_000:
        event["late"] = number
    return event


def mixpanel(rng, number):
    """An event as Mixpanel exports it."""
    time = START + timedelta(seconds=rng.randrange(86400 * 5))
    properties = {
        "time": int((time - datetime(1970, 1, 1)).total_seconds()),
        "distinct_id": f"user-{rng.randrange(300)}",
        "$insert_id": f"{number:x}",
        "$city": rng.choice(["Oslo", "Paris", None]),
        "price": rng.choice([1, 2.5]),
        "tags": ["a", "b"],
    }
    return {"event": rng.choice(["open", "close"]), "properties": properties}


def write(folder, events, broken):
    """Writes lines into compressed files, with some between them that are no events."""
    folder.mkdir()
    part = len(events) // 4 + 1
    for number in range(4):
        with gzip.open(folder / f"1_2026#{number}.json.gz", "wt") as lines:
            for event in events[number * part : (number + 1) * part]:
                lines.write(json.dumps(event, separators=(",", ":"), ensure_ascii=number % 2 == 0) + "\n")
            lines.write("".join(line + "\n" for line in broken))


def dwell(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"dwell {' '.join(map(str, arguments))}\n{done.stderr}")
    return done.stdout


def same(what, one, other):
    """Fails where two queries have other rows."""
    for first, second in [(one, other), (other, one)]:
        rows = duckdb.sql(f"({first}) EXCEPT ALL ({second})").fetchall()
        if rows:
            sys.exit(f"{what}: {len(rows)} rows differ, for instance {rows[0]}")
    ((count,),) = duckdb.sql(f"SELECT count(*) FROM ({one})").fetchall()
    print(f"{what}: the same {count:,} rows")


def sessions_are_same(program, work, name, source, table):
    """Compares the sessions of the import with those of the same events as DuckDB writes them."""
    by_duckdb = work / f"{name}-duckdb"
    by_duckdb.mkdir()
    duckdb.sql(f"COPY ({table}) TO '{by_duckdb}/events.parquet' (FORMAT parquet)")
    for events, out in [(work / name, "ours"), (by_duckdb, "theirs")]:
        dwell(program, "run", "--input", events, "--source", source, "--output", work / f"{name}-{out}", "--quiet")
    sessions = lambda out: f"SELECT * FROM read_parquet('{work}/{name}-{out}/sessions/*/*.parquet')"
    same(f"{name}: sessions", sessions("ours"), sessions("theirs"))


def check_amplitude(program, work, rng):
    events = [amplitude(rng, number) for number in range(20_000)]
    broken = ['{"amplitude_id": 1', "[]", '{"amplitude_id": 1}', '{"client_event_time": "soon"}']
    write(work / "export", events, broken)
    told = dwell(program, "import", work / "export", "--source", "amplitude", "--output", work / "amplitude", "--format", "json")
    told = json.loads(told)
    assert (told["lines"], told["rows"]) == (20_016, 20_000), told
    assert {reason: bad["count"] for reason, bad in told["bad_lines"].items()} == {
        "no_json": 4,
        "no_object": 4,
        "no_time": 4,
        "unreadable_time": 4,
    }, told["bad_lines"]
    # DuckDB is told the types: what it finds by itself differs from one version to the next.
    types = {
        "$insert_id": "VARCHAR",
        "amplitude_id": "BIGINT",
        "client_event_time": "TIMESTAMP",
        "event_id": "BIGINT",
        "event_type": "VARCHAR",
        "event_properties": "JSON",
        "groups": "JSON",
        "paying": "BOOLEAN",
        "server_upload_time": "TIMESTAMP",
        "session_id": "BIGINT",
        "user_id": "VARCHAR",
        "mixed": "VARCHAR",
        "ratio": "DOUBLE",
        "huge": "VARCHAR",
        "late": "BIGINT",
    }
    good = work / "good.jsonl"
    good.write_text("".join(json.dumps(event, separators=(",", ":")) + "\n" for event in events))
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in types.items())
    theirs = f"SELECT * FROM read_json('{good}', format = 'newline_delimited', columns = {{{columns}}})"
    spelled = ", ".join(
        f'"{name}"::TIMESTAMP AS "{name}"' if kind == "TIMESTAMP" else f'"{name}"' for name, kind in types.items()
    )
    files = f"read_parquet('{work}/amplitude/*/*.parquet', union_by_name = true, hive_partitioning = true)"
    same(
        "amplitude: values",
        f"SELECT {spelled}, event_date::VARCHAR AS day FROM {files}",
        f"SELECT {', '.join(chr(34) + name + chr(34) for name in types)}, client_event_time::DATE::VARCHAR AS day FROM ({theirs})",
    )
    sessions_are_same(program, work, "amplitude", "amplitude", theirs)


def check_mixpanel(program, work, rng):
    events = [mixpanel(rng, number) for number in range(10_000)]
    write(work / "raw", events, [])
    dwell(program, "import", work / "raw", "--source", "mixpanel", "--output", work / "mixpanel", "--quiet")
    lines = f"read_json('{work}/raw/*.json.gz', format = 'newline_delimited', columns = {{event: 'VARCHAR', properties: 'JSON'}})"
    files = f"read_parquet('{work}/mixpanel/*/*.parquet', hive_partitioning = true)"
    same(
        "mixpanel: values",
        f'SELECT event, epoch("properties.time")::BIGINT AS time, "properties.distinct_id", "properties.$insert_id", "properties.$city", '
        f'"properties.price", "properties.tags", event_date::VARCHAR AS day FROM {files}',
        f"""SELECT event, (properties->>'time')::BIGINT, properties->>'distinct_id', properties->>'$."$insert_id"', properties->>'$."$city"',
            (properties->>'price')::DOUBLE, properties->>'tags', make_timestamp((properties->>'time')::BIGINT * 1000000)::DATE::VARCHAR FROM {lines}""",
    )
    sessions_are_same(program, work, "mixpanel", "mixpanel", f"SELECT * FROM {lines}")


def main():
    program = str(Path(sys.argv[1]).resolve())
    duckdb.sql("SET TimeZone = 'UTC'")
    with tempfile.TemporaryDirectory() as folder:
        for check in (check_amplitude, check_mixpanel):
            work = Path(folder) / check.__name__
            work.mkdir()
            check(program, work, random.Random(20260102))


main()
