"""What the tests of the Python package share: random events, and what `dwell run` makes of them."""

import datetime
import json
import os
import random

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import dwell

#: Definitions of every kind, by name.
DEFINITIONS = {
    "session ids": {},
    "timeout": {"session": {"timeout": "30m"}},
    "starts and ends": {"session": {"start_event": "open", "end_event": ["close", "quit"], "max_gap": "2h"}},
    "property": {
        "input": {"dedup": "insert_id", "inactive": ["push"]},
        "session": {"property": "order_id", "timeout": "3h"},
        "output": {"timezone": "Europe/Paris"},
    },
    "several users": {
        "input": {"user": ["user_id", "device_id"], "where": "keep > 0", "sequence": "sequence"},
        "session": {"timeout": "10m", "gap_equal": "join", "max_length": "1h"},
        "output": {"timezone": "America/Sao_Paulo", "since": "2026-01-01"},
    },
    "charts": {
        "session": {"timeout": "30m"},
        "segment": [{"name": "kept", "where": "keep > 1"}, {"name": "by order", "by": "order_id"}],
        "chart": [{"name": "c", "segments": ["all", "kept"], "group_by": {"first": "order_id"}, "contains": [{"event": "view"}]}],
    },
}


def random_events(rows, seed, users=40):
    """Events in no order, of users of whom the first has many; some have no user, no time or an impossible one."""
    chance = random.Random(seed)
    start = datetime.datetime(2025, 12, 30, tzinfo=datetime.timezone.utc)
    clock = {}
    table = {name: [] for name in ("user_id", "device_id", "event_time", "event_type", "session_id", "order_id", "insert_id", "sequence", "keep")}
    for row in range(rows):
        user = f"user {min(chance.randrange(users), chance.randrange(users))}"
        moment = clock.get(user, start + datetime.timedelta(minutes=chance.randrange(600)))
        moment += datetime.timedelta(seconds=chance.choice([0, 1, 20, 300, 600, 1800, 7200, 90000]) * chance.random())
        clock[user] = moment
        odd = chance.randrange(60)
        table["user_id"].append(None if odd == 0 else "" if odd == 1 else user)
        table["device_id"].append(None if odd in (1, 2) else f"device {user[-1]}")
        table["event_time"].append(None if odd == 3 else moment.replace(year=1999) if odd == 4 else moment)
        table["event_type"].append(chance.choice(["view", "view", "view", "open", "close", "quit", "push", None]))
        table["session_id"].append(chance.choice([-1, None, int(moment.timestamp() * 1000) // 1_800_000 * 1_800_000]))
        table["order_id"].append(chance.choice([None, "", "a", "b", "c"]))
        table["insert_id"].append(f"id {row // 2 if odd < 10 else row}")
        table["sequence"].append(chance.choice([None, 1, 2, 3]))
        table["keep"].append(chance.randrange(4))
    table["event_time"] = pa.array(table["event_time"], pa.timestamp("us", "UTC"))
    return pa.table(table)


def job_over(folder, job, out="out"):
    """A job over the files in a folder."""
    return {
        **job,
        "input": {**job.get("input", {}), "path": os.path.join(folder, "data")},
        "output": {**job.get("output", {}), "path": os.path.join(folder, out)},
    }


def run(events, job, folder, table="sessions"):
    """The table that `dwell run` makes of events, in an order of its own, and its run.json."""
    data, out = os.path.join(folder, "data"), os.path.join(folder, "out")
    os.makedirs(data, exist_ok=True)
    pq.write_table(events, os.path.join(data, "events.parquet"))
    dwell.run(job_over(folder, job), "--quiet", "--overwrite")
    with open(os.path.join(out, "run.json"), encoding="utf-8") as file:
        counts = json.load(file)
    date = "activity_date" if table.endswith("activity") else "session_date"
    dates = ds.partitioning(pa.schema([(date, pa.string())]), flavor="hive")
    made = ds.dataset(os.path.join(out, *table.split("/")), partitioning=dates, exclude_invalid_files=False)
    return rows_of(made.to_table()), counts


def rows_of(table):
    """The rows of a table as dicts of plain values, in an order of their own."""
    columns = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
        elif pa.types.is_date(column.type):
            column = column.cast(pa.string())
        columns[name] = column.to_pylist()
    rows = [dict(zip(columns, values)) for values in zip(*columns.values())]
    return sorted(rows, key=lambda row: sorted((name, str(value)) for name, value in row.items()))


@pytest.fixture(scope="session")
def events():
    return random_events(3000, seed=7)
