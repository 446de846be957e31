"""Times dwell against ClickHouse (chdb), DuckDB and polars on the same events, and checks that all agree.

usage: compare.py --dwell target/release/dwell --data FOLDER [--rounds 5] [--threads 2] [--only timeout,session_id]

FOLDER holds events as `cargo run --release --example generate -- --columns bench` writes them. Every engine is a
process of its own, reads the same zstd Parquet files with the same number of threads, and writes its sessions (user,
start, end, number of events) as zstd Parquet. The engines take turns, round by round, so that a machine whose speed
drifts treats all alike; what is quoted is the median, and the ratio of medians. Needs chdb, duckdb and polars.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TIMEOUT_US = 30 * 60 * 1_000_000

CLICKHOUSE = {
    "timeout": """
        SELECT user_id, part[1] AS start_us, part[-1] AS end_us, length(part) AS events
        FROM (
            SELECT user_id, arraySort(groupArray(toUnixTimestamp64Micro(event_time))) AS times,
                   arraySplit((time, gap) -> gap >= {timeout}, times, arrayDifference(times)) AS parts
            FROM file('{data}/*/*.parquet', Parquet) GROUP BY user_id
        ) ARRAY JOIN parts AS part
        WHERE part[-1] - part[1] <= 86400000000
    """,
    "session_id": """
        SELECT user_id, session_id * 1000 AS start_us,
               greatest(max(toUnixTimestamp64Micro(event_time)), session_id * 1000) AS end_us, count() AS events
        FROM file('{data}/*/*.parquet', Parquet) WHERE session_id <> -1 GROUP BY user_id, session_id
        HAVING end_us - start_us <= 86400000000
    """,
}

DUCKDB = {
    "timeout": """
        WITH gaps AS (
            SELECT user_id, epoch_us(event_time) AS t,
                   t - lag(t) OVER (PARTITION BY user_id ORDER BY t) AS gap
            FROM read_parquet('{data}/*/*.parquet')
        ), numbered AS (
            SELECT user_id, t, sum(CASE WHEN gap < {timeout} THEN 0 ELSE 1 END)
                   OVER (PARTITION BY user_id ORDER BY t ROWS UNBOUNDED PRECEDING) AS k
            FROM gaps
        )
        SELECT user_id, min(t) AS start_us, max(t) AS end_us, count(*) AS events FROM numbered GROUP BY user_id, k
        HAVING end_us - start_us <= 86400000000
    """,
    "session_id": """
        SELECT user_id, session_id * 1000 AS start_us, greatest(max(epoch_us(event_time)), session_id * 1000) AS end_us,
               count(*) AS events
        FROM read_parquet('{data}/*/*.parquet') WHERE session_id <> -1 GROUP BY user_id, session_id
        HAVING end_us - start_us <= 86400000000
    """,
}


def run_clickhouse(kind, data, out, threads):
    import chdb

    sql = CLICKHOUSE[kind].format(data=data, timeout=TIMEOUT_US)
    settings = f"max_threads = {threads}, output_format_parquet_compression_method = 'zstd'"
    chdb.query(f"{sql} INTO OUTFILE '{out}' FORMAT Parquet SETTINGS {settings}")


def run_duckdb(kind, data, out, threads):
    import duckdb

    db = duckdb.connect()
    db.execute(f"SET threads = {threads}")
    sql = DUCKDB[kind].format(data=data, timeout=TIMEOUT_US)
    db.execute(f"COPY ({sql}) TO '{out}' (FORMAT parquet, COMPRESSION zstd)")


def run_polars(kind, data, out, threads):
    os.environ["POLARS_MAX_THREADS"] = str(threads)
    import polars as pl

    events = pl.scan_parquet(f"{data}/*/*.parquet", hive_partitioning=False)
    time_us = pl.col("event_time").dt.epoch("us")
    if kind == "timeout":
        events = events.select("user_id", t=time_us).sort("user_id", "t")
        new = (pl.col("user_id") != pl.col("user_id").shift()) | (pl.col("t").diff() >= TIMEOUT_US)
        events = events.with_columns(k=new.fill_null(True).cum_sum())
        sessions = events.group_by("k").agg(
            pl.col("user_id").first(), start_us=pl.col("t").min(), end_us=pl.col("t").max(), events=pl.len()
        )
    else:
        events = events.filter(pl.col("session_id") != -1).select("user_id", "session_id", t=time_us)
        sessions = events.group_by("user_id", "session_id").agg(end_us=pl.col("t").max(), events=pl.len())
        start = pl.col("session_id") * 1000
        sessions = sessions.with_columns(start_us=start, end_us=pl.max_horizontal("end_us", start))
    sessions = sessions.filter(pl.col("end_us") - pl.col("start_us") <= 86_400_000_000)
    sessions.select("user_id", "start_us", "end_us", "events").sink_parquet(out, compression="zstd", engine="streaming")


def run_dwell(kind, data, out, threads, binary):
    definition = ["--timeout", "30m"] if kind == "timeout" else []
    command = [binary, "run", "--input", data, "--output", out, "--only", "sessions", "--quiet"]
    os.execv(binary, command + ["--threads", str(threads)] + definition)


def answer(engine, out):
    """Sessions, events in them and summed length of what an engine wrote."""
    import duckdb

    if engine == "dwell":
        source, length = f"'{out}/sessions/*/*.parquet'", "epoch_us(end_time) - epoch_us(start_time)"
        events = "event_count"
    else:
        source, length, events = f"'{out}'", "end_us - start_us", "events"
    sql = f"SELECT count(*), sum({events})::BIGINT, sum({length})::BIGINT FROM read_parquet({source})"
    return duckdb.execute(sql).fetchone()


def measure(engine, kind, args, out):
    """Runs one engine as a process of its own: seconds, and peak memory in bytes."""
    command = [sys.executable, __file__, "--engine", engine, "--kind", kind, "--out", out]
    command += ["--dwell", args.dwell, "--data", args.data, "--threads", str(args.threads)]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    if status:
        sys.exit(f"{engine} failed on {kind}")
    return seconds, usage.ru_maxrss * 1024


def compare(kind, args):
    engines = ["dwell", "clickhouse", "duckdb", "polars"]
    figures = {engine: [] for engine in engines}
    answers = {}
    with tempfile.TemporaryDirectory() as folder:
        # The first round warms the page cache and is not counted.
        for round_ in range(args.rounds + 1):
            for engine in engines:
                out = os.path.join(folder, engine)
                if os.path.isdir(out):
                    shutil.rmtree(out)
                elif os.path.exists(out):
                    os.remove(out)
                figure = measure(engine, kind, args, out)
                if round_:
                    figures[engine].append(figure)
                else:
                    answers[engine] = answer(engine, out)
    if len(set(answers.values())) != 1:
        sys.exit(f"the engines disagree on {kind}: {answers}")
    sessions, events, _ = answers["dwell"]
    print(f"\n{kind}: {sessions:,} sessions of {events:,} events; all engines agree\n")
    print("| engine | median s | min – max s | times dwell | peak memory MiB |")
    print("|---|---|---|---|---|")
    base = statistics.median(seconds for seconds, _ in figures["dwell"])
    for engine in engines:
        seconds = [figure[0] for figure in figures[engine]]
        median, peak = statistics.median(seconds), max(figure[1] for figure in figures[engine])
        print(f"| {engine} | {median:.2f} | {min(seconds):.2f} – {max(seconds):.2f} | {median / base:.1f} | {peak / 2**20:,.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dwell", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="timeout,session_id")
    for internal in ("--engine", "--kind", "--out"):
        parser.add_argument(internal, help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.dwell = os.path.abspath(args.dwell)
    if args.engine == "dwell":
        run_dwell(args.kind, args.data, args.out, args.threads, args.dwell)
    elif args.engine:
        globals()[f"run_{args.engine}"](args.kind, args.data, args.out, args.threads)
    else:
        import chdb
        import duckdb
        import polars

        print(f"chdb {chdb.__version__}, DuckDB {duckdb.__version__}, polars {polars.__version__}, {args.threads} threads")
        for kind in args.only.split(","):
            compare(kind, args)


if __name__ == "__main__":
    main()
