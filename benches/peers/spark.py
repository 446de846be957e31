"""Times sessions inside Spark, beside what Spark does by itself, on the same events, in turn.

    python benches/peers/spark.py --events DIR [--dwell target/release/dwell] [--rounds 3] [--only run,windows]

Needs Java 17, pyspark, pyarrow and the package of this repository (PYTHONPATH=src/python). `DIR` has Parquet with the columns of
`cargo run --release --example generate -- --columns bench`: user_id, event_time, event_type, session_id. Every way writes its sessions
as Parquet, and their number is compared before a time counts.

Ways, under a timeout of 30 minutes:
  shuffle         the columns that are needed, one partition a user, written: what no way can do without
  run             dwell.spark.run: all tables, charts, run.json, committed
  sessionize      dwell.spark.sessionize, written by Spark
  windows         lag and a running sum over each user, then groupBy
  session_window  Spark's own session windows
and of session ids: run_ids, sessionize_ids, windows_ids (groupBy user and id).
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", required=True)
    parser.add_argument("--dwell")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--partitions", type=int, default=8)
    parser.add_argument("--only")
    parser.add_argument("--cores", type=int, default=2)
    asked = parser.parse_args()
    if asked.dwell:
        os.environ["PATH"] = os.path.dirname(os.path.abspath(asked.dwell)) + os.pathsep + os.environ["PATH"]
    os.environ["PYSPARK_PYTHON"] = sys.executable
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(f"local[{asked.cores}]").config("spark.ui.enabled", False)
    builder = builder.config("spark.driver.memory", "6g").config("spark.driver.host", "localhost")
    spark = builder.config("spark.sql.shuffle.partitions", asked.partitions).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    ways = {name: way for name, way in WAYS.items() if not asked.only or name in asked.only.split(",")}
    taken = {name: [] for name in ways}
    found = {}
    for turn in range(asked.rounds + 1):
        for name, way in ways.items():
            with tempfile.TemporaryDirectory() as folder:
                began = time.perf_counter()
                way(spark, asked.events, folder, asked.partitions)
                seconds = time.perf_counter() - began
                found.setdefault(name, sessions_in(spark, folder, name))
                shutil.rmtree(folder, ignore_errors=True)
            # The first turn warms up.
            if turn > 0:
                taken[name].append(seconds)
                print(f"{name:16} {seconds:7.2f} s  {found[name]:>10} rows", flush=True)
    print()
    base = statistics.median(taken["run"]) if "run" in taken else None
    for name, seconds in taken.items():
        middle = statistics.median(seconds)
        ratio = f"  {middle / base:5.2f} times run" if base else ""
        print(f"{name:16} {min(seconds):7.2f} {middle:7.2f} {max(seconds):7.2f} s  {found[name]:>10} rows{ratio}")


def sessions_in(spark, folder, name):
    path = os.path.join(folder, "sessions") if os.path.isdir(os.path.join(folder, "sessions")) else folder
    return spark.read.parquet(path).count()


JOB = {"session": {"timeout": "30m"}}


def dwell_run(job):
    def way(spark, events, folder, partitions):
        import dwell.spark

        paths = {"input": {"path": events}, "output": {"path": os.path.join(folder, "out")}}
        dwell.spark.run(spark, {**job, **paths}, partitions=partitions)
        # Where the others have theirs.
        for name in os.listdir(os.path.join(folder, "out")):
            os.rename(os.path.join(folder, "out", name), os.path.join(folder, name))

    return way


def dwell_sessionize(job):
    def way(spark, events, folder, partitions):
        import dwell.spark

        made = dwell.spark.sessionize(spark.read.parquet(events), job, partitions=partitions)
        made.write.partitionBy("session_date").parquet(os.path.join(folder, "sessions"))

    return way


def shuffle(spark, events, folder, partitions):
    df = spark.read.parquet(events).select("user_id", "event_time", "event_type")
    df.repartition(partitions, "user_id").write.parquet(os.path.join(folder, "sessions"))


def windows(spark, events, folder, partitions):
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    of_user = Window.partitionBy("user_id").orderBy("event_time")
    df = spark.read.parquet(events).select("user_id", "event_time", "event_type")
    since = F.unix_micros("event_time") - F.lag(F.unix_micros("event_time")).over(of_user)
    df = df.withColumn("starts", F.coalesce((since >= 1_800_000_000).cast("int"), F.lit(1)))
    df = df.withColumn("session", F.sum("starts").over(of_user.rowsBetween(Window.unboundedPreceding, 0)))
    write(df.groupBy("user_id", "session").agg(*measures()), folder)


def windows_ids(spark, events, folder, partitions):
    from pyspark.sql import functions as F

    df = spark.read.parquet(events).select("user_id", "event_time", "event_type", "session_id")
    df = df.where((F.col("session_id") != -1) & F.col("session_id").isNotNull())
    write(df.groupBy("user_id", "session_id").agg(*measures()), folder)


def session_window(spark, events, folder, partitions):
    from pyspark.sql import functions as F

    df = spark.read.parquet(events).select("user_id", "event_time", "event_type")
    write(df.groupBy("user_id", F.session_window("event_time", "30 minutes")).agg(*measures()), folder)


def measures():
    from pyspark.sql import functions as F

    return [
        F.min("event_time").alias("start_time"),
        F.max("event_time").alias("end_time"),
        F.count("*").alias("event_count"),
        F.min_by("event_type", "event_time").alias("first_event"),
        F.max_by("event_type", "event_time").alias("last_event"),
    ]


def write(df, folder):
    from pyspark.sql import functions as F

    dated = df.withColumn("session_date", F.to_date("start_time"))
    dated.write.partitionBy("session_date").parquet(os.path.join(folder, "sessions"))


WAYS = {
    "shuffle": shuffle,
    "run": dwell_run(JOB),
    "sessionize": dwell_sessionize(JOB),
    "windows": windows,
    "session_window": session_window,
    "run_ids": dwell_run({}),
    "sessionize_ids": dwell_sessionize({}),
    "windows_ids": windows_ids,
}

if __name__ == "__main__":
    main()
