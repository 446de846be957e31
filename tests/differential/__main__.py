"""Runs dwell and DuckDB over the same random Parquet files, and names each session, row and count that only one has.

usage: python tests/differential --dwell target/release/dwell [--cases 200] [--seed 1] [--round N] [--keep FOLDER]

A round is a few files with ten cases: conditions, roles and definitions. All of it follows from the seed and the round's
number. A round that fails is left in the folder with its jobs.
"""

import argparse
import collections
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import duckdb
import numpy as np
import pyarrow as pa

import conditions
import sessions
import tables
import writers

CASES = 10
SHOWN = 5


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--dwell", required=True)
    arguments.add_argument("--rewrite", help="the example of that name; beside dwell unless given")
    arguments.add_argument("--cases", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--round", type=int, help="only this one")
    arguments.add_argument("--keep", help="where rounds that fail are left")
    given = arguments.parse_args()
    dwell = pathlib.Path(given.dwell).resolve()
    rewrite = pathlib.Path(given.rewrite or dwell.parent / "examples" / "rewrite").resolve()
    keep = pathlib.Path(given.keep or tempfile.mkdtemp(prefix="differential-"))
    rounds = [given.round] if given.round is not None else range(-(-given.cases // CASES))
    totals = collections.Counter()
    for number in rounds:
        Round(dwell, rewrite, keep, given.seed, number).run(totals)
    print(f"\n{totals['cases']} cases, {totals['failed']} failed, {totals['refused']} that DuckDB refuses, {totals['sessions']} sessions compared")
    if totals["failed"]:
        print(f"the rounds that failed are in {keep}")
    else:
        shutil.rmtree(keep, ignore_errors=True)
    # Conditions that DuckDB refuses test nothing.
    sys.exit(1 if totals["failed"] or totals["refused"] > totals["cases"] // 10 else 0)


class Round:
    def __init__(self, dwell, rewrite, keep, seed, number):
        self.dwell, self.rewrite, self.seed, self.number = dwell, rewrite, seed, number
        self.rng = np.random.default_rng([seed, number])
        self.folder = keep / f"seed-{seed}-round-{number}"

    def pick(self, values):
        return values[int(self.rng.integers(len(values)))]

    def run(self, totals):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        table = self.write()
        database = duckdb.connect()
        database.execute("SET TimeZone = 'UTC'")
        database.execute(f"""
            CREATE TEMP TABLE everything AS
            SELECT * FROM read_parquet('{self.folder}/events/**/*.parquet', hive_partitioning = true, union_by_name = true)
        """)
        rows = database.execute("SELECT count(*) FROM everything").fetchone()[0]
        assert rows == self.rows, f"DuckDB reads {rows} of {self.rows} rows"
        asked = conditions.Conditions(self.rng, table.asked + self.folders)
        failed = 0
        for place in range(CASES):
            condition = None if self.rng.random() < 0.1 else asked.make()
            case = sessions.make(self.rng, table, condition)
            failed += self.case(database, case, place, totals)
        if not failed:
            shutil.rmtree(self.folder)

    def write(self):
        """Writes the files of the round: one table in parts, each by the same writer with choices of its own."""
        writer = self.pick(writers.WRITERS)
        self.rows = 200_000 if self.number % 20 == 7 else int(self.pick([0, 1, 300, 1500, 3000]))
        table = tables.make(self.rng, self.rows, writer)
        hive = self.rng.random() < 0.4
        self.folders = []
        if hive:
            self.folders = [
                tables.Column("event_date", "date", "event_date", ["2026-01-01", "2026-01-02", "2025-12-31"]),
                tables.Column("part", "int", "part", [0, 1, 2, -1], number=True),
            ]
        files = 1 if self.rows < 300 else int(self.pick([1, 1, 2, 3]))
        self.files = files
        bounds = np.linspace(0, self.rows, files + 1).astype(int)
        told = []
        for number in range(files):
            part = table.table.slice(bounds[number], bounds[number + 1] - bounds[number])
            part = self.otherwise(part, table) if number and self.rng.random() < 0.5 else part
            within = f"event_date=2026-01-0{number + 1}/part={number}/" if hive else ""
            path = self.folder / "events" / f"{within}{number}.parquet"
            told.append(str(writers.write(writer, part, path, self.rng, self.rewrite)))
        (self.folder / "written.txt").write_text("\n".join([writer, *told, ""]))
        self.writer = writer
        return table

    def otherwise(self, part, table):
        """The same rows, some columns wider than in the first file, and some that are only asked about left out."""
        wider = {pa.int8(): pa.int16(), pa.int16(): pa.int64(), pa.int32(): pa.int64(), pa.uint8(): pa.int32(), pa.float32(): pa.float64(),
                 pa.timestamp("ms"): pa.timestamp("us")}
        asked = {column.name for column in table.asked}
        for place, field in enumerate(part.schema):
            if field.type in wider and self.rng.random() < 0.5:
                part = part.set_column(place, field.name, part.column(place).cast(wider[field.type]))
        gone = [name for name in part.column_names if name in asked and name != "place" and self.rng.random() < 0.1]
        return part.drop_columns(gone)

    def case(self, database, case, place, totals):
        """Runs one case; 1 where it failed."""
        totals["cases"] += 1
        job, output = self.folder / f"{place}.toml", self.folder / f"out-{place}"
        job.write_text(sessions.job(case, [self.folder / "events"], output))
        try:
            folders_left = self.leave_folders_out(database, case)
            for statement in (sessions.events_sql(case) + sessions.sessions_sql(case)).split(";"):
                database.execute(statement) if statement.strip() else None
            expected = database.execute(sessions.expected_sql(case)).fetchall()
            counts = {name: int(count) for name, count in database.execute(sessions.counts_sql(case)).fetchall()}
        except (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.BinderException) as error:
            totals["refused"] += 1
            print(f"refused by DuckDB: {str(error).splitlines()[0]} ({case.condition})")
            return 0
        ran = subprocess.run([self.dwell, "run", job, "--only", "sessions,activity", "--quiet"], capture_output=True, text=True, errors="replace")
        if not folders_left and ran.returncode == 2 and "leaves no file to read" in ran.stderr:
            return 0
        if ran.returncode or not folders_left:
            return self.failure(totals, case, job, [f"dwell ends with {ran.returncode}: {ran.stderr.strip()[:600]}"])
        run = json.loads((output / "run.json").read_text())
        files = f"{output}/sessions/**/*.parquet"
        names = [row[0] for row in database.execute(f"DESCRIBE SELECT * FROM read_parquet('{files}', hive_partitioning = false)").fetchall()]
        property_column = f'"{names[2]}"' if case.property else None
        found = database.execute(sessions.found_sql(case, output, property_column)).fetchall()
        totals["sessions"] += len(found)
        wrong = differences(expected, found) + count_differences(counts, run)
        shutil.rmtree(output)
        return self.failure(totals, case, job, wrong) if wrong else 0

    def leave_folders_out(self, database, case):
        """Makes `input` of the rows in folders that the condition does not rule out, and says whether there is such a folder."""
        parts = parts_about(database, case.condition[1], {column.name for column in self.folders}) if case.condition else []
        kept = " AND ".join(["TRUE", *(f"({part})" for part in parts)])
        database.execute(f"CREATE OR REPLACE TEMP VIEW input AS SELECT * FROM everything WHERE {kept}")
        if not parts:
            return True
        rows = ", ".join(f"(DATE '2026-01-0{number + 1}', {number}::BIGINT)" for number in range(self.files))
        return database.execute(f"SELECT count(*) FROM (VALUES {rows}) folders(event_date, part) WHERE {kept}").fetchone()[0] > 0

    def failure(self, totals, case, job, lines):
        totals["failed"] += 1
        roles = f"user {[user.name + ' ' + user.type for user in case.user]}, time {case.time.type}, id {case.session_id.type}"
        print(f"\nFAIL seed {self.seed} round {self.number} by {self.writer}, {self.rows} rows: {job}\n  {roles}")
        print(f"  where {case.condition[0] if case.condition else None}")
        print("\n".join(f"  {line}" for line in lines))
        return 1


def parts_about(database, condition, folders):
    """The parts of a condition between its outermost ANDs that name nothing but folders, as DuckDB parses it."""
    whole = json.loads(database.execute("SELECT json_serialize_sql(?)", [f"SELECT 1 WHERE {condition}"]).fetchone()[0])
    node = whole["statements"][0]["node"]

    def parts(of):
        if of["type"] == "CONJUNCTION_AND":
            return [part for child in of["children"] for part in parts(child)]
        return [of]

    def names(of):
        children = of.values() if isinstance(of, dict) else of if isinstance(of, list) else []
        own = {".".join(of["column_names"])} if isinstance(of, dict) and of.get("class") == "COLUMN_REF" else set()
        return own.union(*map(names, children))

    found = []
    for part in parts(node["where_clause"]):
        if names(part) and names(part) <= folders:
            node["where_clause"] = part
            sql = database.execute("SELECT json_deserialize_sql(?)", [json.dumps(whole)]).fetchone()[0]
            found.append(sql.split(" WHERE ", 1)[1])
    return found


def differences(expected, found):
    """Sessions that only one side has."""
    expected, found = collections.Counter(expected), collections.Counter(found)
    lines = []
    for which, only in (("only DuckDB has", expected - found), ("only dwell has", found - expected)):
        lines += [f"{which} {row}" + (f" {count} times" if count > 1 else "") for row, count in sorted(only.items(), key=str)[:SHOWN]]
        lines += [f"… {len(only) - SHOWN} more that {which}"] if len(only) > SHOWN else []
    return lines


def count_differences(counts, run):
    """Counts that differ from those of run.json; what is not there is 0."""
    told = {name: run[name] for name in ("rows", "filtered", "duplicates", "inactive", "in_session", "sessions", "zero_length_sessions", "users")}
    told["excluded"] = sum(run["excluded"].values())
    for name in ("rejected", "out_of_session"):
        told |= {f"{name} {reason}": count for reason, count in run[name].items()}
    names = sorted(counts.keys() | told.keys())
    return [f"{name}: DuckDB {counts.get(name, 0)}, dwell {told.get(name, 0)}" for name in names if counts.get(name, 0) != told.get(name, 0)]


if __name__ == "__main__":
    main()
