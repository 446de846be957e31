"""Times the kernel inside Spark against Spark's own ways to the same sessions, and checks that they agree.

usage: spark.py --dwell target/release/dwell --data FOLDER [--rounds 3] [--cores 2] [--partitions 8] [--memory 4g]

FOLDER holds Parquet files with user_id, session_id, event_type and event_time, as `cargo run --example generate -- --columns
bench` writes them. All contenders read them by one session of Spark, put users into as many partitions, and write their sessions
as Parquet. After a round that does not count they take turns, round by round; what is printed is the median of seconds, and of
the ratios to dwell in the same round. `shuffle` only puts users together and writes their events. Needs pyspark 4, pandas,
pyarrow and Java; `src/python` on PYTHONPATH.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import tempfile
import time

import dwell.spark
from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

TIMEOUT = 30 * 60
DAY_US = 86_400_000_000
START = "search"
JOBS = {
    "timeout": {"session": {"timeout": "30m"}},
    "session id": {},
    "start event": {"session": {"start_event": START, "max_gap": "none", "max_length": "none"}},
}


def by_user(events, partitions):
    return events.repartition(partitions, "user_id")


def rows(events, keys, start):
    """A row for each session of events that are numbered by keys."""
    micros = F.unix_micros("event_time")
    return events.groupBy("user_id", *keys).agg(
        F.min(start).alias("start_time"),
        F.max("event_time").alias("end_time"),
        F.floor((F.max(micros) - F.min(F.unix_micros(start))) / 1000).alias("length_ms"),
        F.count("*").alias("event_count"),
        F.min_by("event_type", "event_time").alias("first_event"),
        F.max_by("event_type", "event_time").alias("last_event"),
    )


def within_a_day(sessions):
    return sessions.where(F.unix_micros("end_time") - F.unix_micros("start_time") <= DAY_US)


def windows(kind, events, partitions):
    """Sessions by window functions, or by plain groups where an id says which."""
    if kind == "session id":
        start = F.timestamp_millis("session_id")
        known = by_user(events.where("session_id <> -1").withColumn("start", start), partitions)
        return within_a_day(rows(known, ["session_id"], F.col("start")))
    order = Window.partitionBy("user_id").orderBy("event_time")
    if kind == "timeout":
        gap = F.unix_micros("event_time") - F.unix_micros(F.lag("event_time").over(order))
        opens = F.when(gap < TIMEOUT * 1_000_000, 0).otherwise(1)
    else:
        opens = F.when(F.col("event_type") == START, 1).otherwise(0)
    whole = order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    opened = by_user(events, partitions).withColumn("opens", opens)
    numbered = opened.withColumn("k", F.sum("opens").over(whole))
    if kind == "start event":
        return rows(numbered.where("k > 0"), ["k"], F.col("event_time"))
    return within_a_day(rows(numbered, ["k"], F.col("event_time")))


def session_window(events, partitions):
    window = F.session_window("event_time", f"{TIMEOUT} seconds")
    sessions = events.groupBy("user_id", window.alias("w")).agg(
        F.min("event_time").alias("start_time"),
        F.max("event_time").alias("end_time"),
        F.count("*").alias("event_count"),
        F.min_by("event_type", "event_time").alias("first_event"),
        F.max_by("event_type", "event_time").alias("last_event"),
    )
    return within_a_day(sessions)


def timed(frame, folder):
    shutil.rmtree(folder, ignore_errors=True)
    began = time.monotonic()
    frame().write.parquet(folder)
    return time.monotonic() - began


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dwell", required=True, type=pathlib.Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--partitions", type=int, default=8)
    parser.add_argument("--memory", default="4g")
    asked = parser.parse_args()
    os.environ.setdefault("DWELL_PROGRAM", str(asked.dwell.resolve()))
    spark = (
        SparkSession.builder.master(f"local[{asked.cores}]")
        .config("spark.driver.memory", asked.memory)
        .config("spark.sql.shuffle.partitions", asked.partitions)
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    events = spark.read.parquet(asked.data)
    columns = ["user_id", "session_id", "event_type", "event_time"]
    folder = tempfile.mkdtemp()
    for kind, job in JOBS.items():
        needed = [column for column in columns if column != "session_id" or kind == "session id"]
        some = events.select(*needed)
        contenders = {
            "dwell": lambda: dwell.spark.sessionize(
                some, job, partitions=asked.partitions, program=str(asked.dwell.resolve())
            ),
            "windows": lambda: windows(kind, some, asked.partitions),
            "shuffle": lambda: by_user(some, asked.partitions),
        }
        if kind == "timeout":
            contenders["session_window"] = lambda: session_window(some, asked.partitions)
        seconds = {name: [] for name in contenders}
        # Before the first round that counts, the JVM compiles what each of them runs.
        for turn in range(asked.rounds + 1):
            for name, frame in contenders.items():
                taken = timed(frame, f"{folder}/{name}")
                if turn > 0:
                    seconds[name].append(taken)
        sums = {}
        for name in contenders:
            if name != "shuffle":
                made = spark.read.parquet(f"{folder}/{name}")
                sums[name] = tuple(made.agg(F.count("*"), F.sum("event_count")).first())
        assert len(set(sums.values())) == 1, (kind, sums)
        for name, taken in seconds.items():
            ratio = statistics.median(one / own for one, own in zip(taken, seconds["dwell"]))
            print(f"{kind:12} {name:15} {statistics.median(taken):7.2f} s  {ratio:5.2f} of dwell's time", flush=True)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
