#!/usr/bin/env python3
"""Runs over Delta tables that another engine writes, beside runs over the rows that it reads of them.

    python tests/delta.py path/to/dwell

Each table goes through random commits (appends, overwrites of all and of parts, deletes, updates, OPTIMIZE, columns that come, checkpoints, VACUUM). After some of
them, a full run over the table and an incremental one that goes on from the one before must have the tables of a run over the rows. No writer at hand makes deletion
vectors: those are written here, and the other engine says which rows are left.
"""

import datetime as dt
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import uuid
import zlib

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

DWELL = os.path.abspath(sys.argv[1])
SEED = int(os.environ.get("DWELL_SEED", "0")) or random.randrange(1 << 30)
VERSIONS = []
CITIES = ["Paris", "Saint/Denis é", "a b=c%25", "", None, "1"]
TYPES = {
    "day": pa.date32(),
    "city": pa.string(),
    "hour": pa.int32(),
    "paid": pa.bool_(),
}


def rows(rng, day, count, columns):
    start = dt.datetime(2026, 1, day, tzinfo=dt.timezone.utc)
    times = [start + dt.timedelta(seconds=rng.randrange(86_400)) for _ in range(count)]
    data = {
        "user_id": pa.array([f"u{rng.randrange(12)}" for _ in times]),
        "event_time": pa.array(times, pa.timestamp("us", "UTC")),
        "event_type": pa.array([rng.choice(["view", "buy", None]) for _ in times]),
        "city": pa.array([rng.choice(CITIES[:columns["cities"]]) for _ in times], pa.string()),
        "day": pa.array([time.date() for time in times], pa.date32()),
        "hour": pa.array([time.hour // 12 for time in times], pa.int32()),
        "paid": pa.array([rng.choice([True, False, None]) for _ in times], pa.bool_()),
    }
    for name in columns["more"]:
        data[name] = pa.array([rng.choice(["a", "b", None]) for _ in times], pa.string())
    return pa.table(data)


def change(rng, path, columns):
    """One random commit."""
    table = DeltaTable(path)
    day = rng.randrange(1, 15)
    kind = rng.choice(["append"] * 4 + ["delete", "update", "overwrite", "optimize", "checkpoint", "vacuum", "column"])
    if kind == "append":
        write_deltalake(path, rows(rng, day, rng.randrange(1, 200), columns), mode="append", schema_mode="merge")
    elif kind == "delete":
        table.delete(rng.choice([f"user_id = 'u{rng.randrange(12)}'", f"day = DATE '2026-01-{day:02}'", "city IS NULL AND hour = 1"]))
    elif kind == "update":
        table.update(predicate=f"user_id = 'u{rng.randrange(12)}'", updates={"event_type": "'buy'"})
    elif kind == "overwrite":
        mode = {"predicate": f"day = DATE '2026-01-{day:02}'"} if rng.random() < 0.7 else {}
        write_deltalake(path, rows(rng, day, 150, columns), mode="overwrite", schema_mode="merge", **mode)
    elif kind == "optimize":
        table.optimize.compact()
    elif kind == "checkpoint":
        table.create_checkpoint()
    elif kind == "vacuum":
        table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    elif kind == "column" and len(columns["more"]) < 3:
        columns["more"].append(f"more{len(columns['more'])}")
    return kind


JOB = """[input]
path = "{path}"
{where}
[session]
timeout = "30m"
[output]
path = "{out}"
timezone = "Europe/Paris"
[[segment]]
name = "there"
where = "city IS NOT NULL AND city <> 'Paris' OR paid"
[[chart]]
name = "cities"
interval = "day"
group_by = {{ first = "city", top = 3 }}
"""
CONDITIONS = ["", "where = \"day >= DATE '2026-01-05'\"", "where = 'hour = 1 AND paid'", "where = \"city = '1' OR city = 'Saint/Denis é'\""]


def run(folder, name, path, where, *flags):
    job = os.path.join(folder, f"{name}.toml")
    out = os.path.join(folder, f"out-{name}")
    with open(job, "w") as file:
        file.write(JOB.format(path=path, where=where, out=out))
    done = subprocess.run([DWELL, "run", job, "--quiet", *flags], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{name} {flags}: {done.stderr}")
    return out


def tables(out):
    found = {}
    for above, _, names in os.walk(out):
        for name in names:
            path = os.path.join(above, name)
            if name.endswith(".parquet") and "_dwell" not in path:
                found[os.path.relpath(path, out)] = pq.read_table(path, partitioning=None)
    return found


def same(left, right, what):
    a, b = tables(left), tables(right)
    assert a.keys() == b.keys(), f"{what}: {sorted(a.keys() ^ b.keys())}"
    for name in a:
        assert a[name].equals(b[name]), f"{what}: {name}"


def check(case):
    rng = random.Random(SEED + case)
    by = rng.choice([[], ["day"], ["city"], ["day", "city"], ["hour", "paid"]])
    columns = {"more": [], "cities": rng.randrange(1, len(CITIES) + 1)}
    where = rng.choice(CONDITIONS)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a table")
        write_deltalake(path, rows(rng, 1, 300, columns), partition_by=by or None)
        done = []
        for night in range(4):
            done += [change(rng, path, columns) for _ in range(rng.randrange(1, 5))]
            what = f"seed {SEED + case}, by {by}, {where}, night {night}: {done}"
            table = DeltaTable(path).to_pyarrow_table()
            if table.num_rows == 0:
                write_deltalake(path, rows(rng, 3, 50, columns), mode="append", schema_mode="merge")
                table = DeltaTable(path).to_pyarrow_table()
            os.makedirs(os.path.join(folder, "plain"), exist_ok=True)
            pq.write_table(table, os.path.join(folder, "plain", "all.parquet"))
            plain = run(folder, "plain", os.path.join(folder, "plain"), where, "--overwrite")
            same(run(folder, "full", path, where, "--overwrite"), plain, f"{what}: full")
            same(run(folder, "nightly", path, where, "--incremental"), plain, f"{what}: nightly")
        check_versions(rng, folder, path, where, what)


def check_versions(rng, folder, path, where, what):
    """Two versions of a table, as far as their files are there still."""
    latest = DeltaTable(path).version()
    for version in {rng.randrange(latest + 1), rng.randrange(latest + 1)}:
        try:
            table = DeltaTable(path, version=version).to_pyarrow_table()
        except OSError:
            continue
        if table.num_rows:
            pq.write_table(table, os.path.join(folder, "plain", "all.parquet"))
            plain = run(folder, "plain", os.path.join(folder, "plain"), where, "--overwrite")
            of_version = run(folder, "version", path, f"{where}\nversion = {version}", "--overwrite")
            same(of_version, plain, f"{what}: version {version}")
            VERSIONS.append(version)


DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def z85(data):
    data += b"\0" * (-len(data) % 4)
    numbers = [number for (number,) in struct.iter_unpack(">I", data)]
    return "".join(DIGITS[number // 85**power % 85] for number in numbers for power in (4, 3, 2, 1, 0))


def bitmap(numbers):
    """Rows of less than 65,536 as the one array of a bitmap."""
    array = struct.pack("<IIHHI", 12346, 1, 0, len(numbers) - 1, 16) + struct.pack(f"<{len(numbers)}H", *sorted(numbers))
    return struct.pack("<IQI", 1681511377, 1, 0) + array


def vector(rng, path, numbers):
    data = bitmap(numbers)
    said = {"sizeInBytes": len(data), "cardinality": len(numbers)}
    if rng.random() < 0.5:
        return {"storageType": "i", "pathOrInlineDv": z85(data), **said}
    name = uuid.UUID(int=rng.getrandbits(128))
    with open(os.path.join(path, f"deletion_vector_{name}.bin"), "wb") as file:
        file.write(b"\x01" + struct.pack(">I", len(data)) + data + struct.pack(">I", zlib.crc32(data)))
    return {"storageType": "u", "pathOrInlineDv": z85(name.bytes), "offset": 1, **said}


def check_deleted(case):
    """Nights on which a log deletes more and more rows of files that stay."""
    rng = random.Random(SEED + case)
    columns = {"more": [], "cities": 4}
    where = rng.choice(CONDITIONS)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "table")
        for day in range(1, 6):
            write_deltalake(path, rows(rng, day, 400, columns), partition_by=["day"], mode="append")
        files = {}
        for version in range(5):
            with open(os.path.join(path, "_delta_log", f"{version:020}.json")) as log:
                files.update((add["path"], add) for add in (json.loads(line).get("add") for line in log) if add)
        deleted = {name: set() for name in files}
        features = {"readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
        lines = [{"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, **features}}]
        for version in range(5, 9):
            for name in rng.sample(sorted(files), 3):
                before = files[name]
                rows_of = json.loads(before["stats"])["numRecords"]
                deleted[name] |= set(rng.sample(range(rows_of), min(rows_of, rng.randrange(1, 150))))
                remove = {key: before[key] for key in ("path", "deletionVector") if key in before}
                files[name] = {**before, "deletionVector": vector(rng, path, deleted[name])}
                lines += [{"remove": {**remove, "deletionTimestamp": 1, "dataChange": True}}, {"add": files[name]}]
            with open(os.path.join(path, "_delta_log", f"{version:020}.json"), "w") as log:
                log.writelines(json.dumps(line) + "\n" for line in lines)
            lines = []
            left = pl.scan_delta(path).collect().to_arrow()
            assert left.num_rows == 5 * 400 - sum(map(len, deleted.values()))
            os.makedirs(os.path.join(folder, "plain"), exist_ok=True)
            pq.write_table(left, os.path.join(folder, "plain", "all.parquet"))
            plain = run(folder, "plain", os.path.join(folder, "plain"), where, "--overwrite")
            what = f"seed {SEED + case}, {where}, version {version}"
            same(run(folder, "full", path, where, "--overwrite"), plain, f"{what}: full")
            same(run(folder, "nightly", path, where, "--incremental"), plain, f"{what}: nightly")


if __name__ == "__main__":
    cases = int(os.environ.get("DWELL_CASES", "12"))
    for case in range(cases):
        check(case)
    for case in range(cases // 3):
        check_deleted(case)
    assert len(VERSIONS) > cases // 4, "hardly a version could be read"
    print(f"{cases} Delta tables, and {len(VERSIONS)} versions of them: the sessions of each are those of its rows (seed {SEED})")
