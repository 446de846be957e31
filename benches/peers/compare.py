"""Times dwell against ClickHouse (chdb), DuckDB and polars on the same events, and checks that all agree.

usage: compare.py --dwell target/release/dwell --generate target/release/examples/generate --data FOLDER
                  [--events 20000000] [--rounds 5] [--threads 2] [--only timeout,session_id,…] [--lean]

FOLDER is made where it does not exist. Every engine is a process of its own, reads the same zstd Parquet files with the
same number of threads, and writes the same sessions as zstd Parquet: user, session id, start, end, length, events, first
and last event type, and why the session ended. The peers' tables are one file in no order; dwell's are one file a date,
sorted by user. `--lean` lets the peers write user, start, end and number of events alone. The engines take turns, round
by round, so that a machine whose speed drifts treats all alike; what is quoted is the median, and the median of the
ratios to dwell in the same round. Needs chdb, duckdb and polars from PyPI.
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
DAY_US = 86_400_000_000

# The session columns that follow from start, end, count, first and last event and the reason.
COLUMNS = {
    "clickhouse": """
        user_id, intDiv(start_us, 1000) AS session_id, fromUnixTimestamp64Micro(start_us) AS start_time,
        fromUnixTimestamp64Micro(end_us) AS end_time, intDiv(end_us - start_us, 1000) AS length_ms,
        toUInt32(events) AS event_count, first_event, last_event, end_reason""",
    "duckdb": """
        user_id, start_us // 1000 AS session_id, make_timestamptz(start_us) AS start_time,
        make_timestamptz(end_us) AS end_time, (end_us - start_us) // 1000 AS length_ms,
        events::UINTEGER AS event_count, first_event, last_event, end_reason""",
}
LEAN = "user_id, start_us, end_us, events"

CLICKHOUSE = {
    "timeout": """
        SELECT {columns} FROM (
            SELECT user_id, part[1].1 AS start_us, part[-1].1 AS end_us, length(part) AS events,
                   part[1].2 AS first_event, part[-1].2 AS last_event,
                   if({latest} - end_us >= {timeout}, 'timeout', 'end_of_data') AS end_reason
            FROM (
                SELECT user_id, arraySort(groupArray((toUnixTimestamp64Micro(event_time), event_type))) AS stream,
                       arraySplit((event, gap) -> gap >= {timeout}, stream, arrayDifference(stream.1)) AS parts
                FROM file('{data}/*/*.parquet', Parquet) GROUP BY user_id
            ) ARRAY JOIN parts AS part
        ) WHERE end_us - start_us <= {day}
    """,
    "timeout_lean": """
        SELECT user_id, part[1] AS start_us, part[-1] AS end_us, length(part) AS events
        FROM (
            SELECT user_id, arraySort(groupArray(toUnixTimestamp64Micro(event_time))) AS times,
                   arraySplit((time, gap) -> gap >= {timeout}, times, arrayDifference(times)) AS parts
            FROM file('{data}/*/*.parquet', Parquet) GROUP BY user_id
        ) ARRAY JOIN parts AS part
        WHERE part[-1] - part[1] <= {day}
    """,
    "session_id": """
        SELECT {columns} FROM (
            SELECT user_id, session_id * 1000 AS start_us,
                   greatest(max(toUnixTimestamp64Micro(event_time)), session_id * 1000) AS end_us, count() AS events,
                   argMin(event_type, event_time) AS first_event, argMax(event_type, event_time) AS last_event,
                   'session_id' AS end_reason
            FROM file('{data}/*/*.parquet', Parquet) WHERE session_id <> -1 GROUP BY user_id, session_id
            HAVING end_us - start_us <= {day}
        )
    """,
}
CLICKHOUSE["session_id_lean"] = CLICKHOUSE["session_id"].replace(
    """,
                   argMin(event_type, event_time) AS first_event, argMax(event_type, event_time) AS last_event,
                   'session_id' AS end_reason""",
    "",
)

DUCKDB = {
    "timeout": """
        WITH gaps AS (
            SELECT user_id, epoch_us(event_time) AS t{event},
                   t - lag(t) OVER (PARTITION BY user_id ORDER BY t) AS gap
            FROM read_parquet('{data}/*/*.parquet')
        ), numbered AS (
            SELECT user_id, t{event}, sum(CASE WHEN gap < {timeout} THEN 0 ELSE 1 END)
                   OVER (PARTITION BY user_id ORDER BY t ROWS UNBOUNDED PRECEDING) AS k
            FROM gaps
        ), sessions AS (
            SELECT user_id, min(t) AS start_us, max(t) AS end_us, count(*) AS events{reasons_timeout}
            FROM numbered GROUP BY user_id, k HAVING end_us - start_us <= {day}
        )
        SELECT {columns} FROM sessions
    """,
    "session_id": """
        WITH sessions AS (
            SELECT user_id, session_id * 1000 AS start_us,
                   greatest(max(epoch_us(event_time)), session_id * 1000) AS end_us,
                   count(*) AS events{reasons_session_id}
            FROM read_parquet('{data}/*/*.parquet') WHERE session_id <> -1 GROUP BY user_id, session_id
            HAVING end_us - start_us <= {day}
        )
        SELECT {columns} FROM sessions
    """,
}


def latest_us(args):
    """The latest time of the data, from the footers: the peers need it to tell a timeout from the end of the data."""
    import duckdb

    sql = f"SELECT epoch_us(max(event_time)) FROM read_parquet('{args.data}/*/*.parquet')"
    return duckdb.execute(sql).fetchone()[0]


def run_clickhouse(kind, args):
    import chdb

    query = CLICKHOUSE.get(f"{kind}_lean") if args.lean else CLICKHOUSE[kind]
    columns = LEAN if args.lean else COLUMNS["clickhouse"]
    sql = query.format(data=args.data, timeout=TIMEOUT_US, day=DAY_US, latest=args.latest, columns=columns)
    settings = f"max_threads = {args.threads}, output_format_parquet_compression_method = 'zstd'"
    chdb.query(f"{sql} INTO OUTFILE '{args.out}' FORMAT Parquet SETTINGS {settings}")


def run_duckdb(kind, args):
    import duckdb

    db = duckdb.connect()
    db.execute(f"SET threads = {args.threads}")
    if args.spill:
        db.execute(f"SET temp_directory = '{args.out}.spill'")
    ends = lambda key, reason: "" if args.lean else f", arg_min(event_type, {key}) AS first_event, arg_max(event_type, {key}) AS last_event, {reason} AS end_reason"
    reason = f"CASE WHEN {args.latest} - max(t) >= {TIMEOUT_US} THEN 'timeout' ELSE 'end_of_data' END"
    sql = DUCKDB[kind].format(
        data=args.data,
        timeout=TIMEOUT_US,
        day=DAY_US,
        event="" if args.lean else ", event_type",
        columns=LEAN if args.lean else COLUMNS["duckdb"],
        reasons_timeout=ends("t", reason),
        reasons_session_id=ends("event_time", "'session_id'"),
    )
    db.execute(f"COPY ({sql}) TO '{args.out}' (FORMAT parquet, COMPRESSION zstd)")


def run_polars(kind, args):
    os.environ["POLARS_MAX_THREADS"] = str(args.threads)
    import polars as pl

    events = pl.scan_parquet(f"{args.data}/*/*.parquet", hive_partitioning=False)
    time_us = pl.col("event_time").dt.epoch("us")
    kept = [] if args.lean else ["event_type"]
    first_and_last = [] if args.lean else [
        pl.col("event_type").first().alias("first_event"), pl.col("event_type").last().alias("last_event")
    ]
    if kind == "timeout":
        events = events.select("user_id", *kept, t=time_us).sort("user_id", "t")
        new = (pl.col("user_id") != pl.col("user_id").shift()) | (pl.col("t").diff() >= TIMEOUT_US)
        events = events.with_columns(k=new.fill_null(True).cum_sum())
        sessions = events.group_by("k").agg(
            pl.col("user_id").first(), *first_and_last, start_us=pl.col("t").min(), end_us=pl.col("t").max(), events=pl.len()
        )
        silent = args.latest - pl.col("end_us") >= TIMEOUT_US
        reason = pl.when(silent).then(pl.lit("timeout")).otherwise(pl.lit("end_of_data"))
    else:
        events = events.filter(pl.col("session_id") != -1).select("user_id", "session_id", *kept, t=time_us)
        if not args.lean:
            first_and_last = [
                pl.col("event_type").sort_by("t").first().alias("first_event"),
                pl.col("event_type").sort_by("t").last().alias("last_event"),
            ]
        sessions = events.group_by("user_id", "session_id").agg(*first_and_last, end_us=pl.col("t").max(), events=pl.len())
        start = pl.col("session_id") * 1000
        sessions = sessions.with_columns(start_us=start, end_us=pl.max_horizontal("end_us", start))
        reason = pl.lit("session_id")
    sessions = sessions.filter(pl.col("end_us") - pl.col("start_us") <= DAY_US)
    if args.lean:
        sessions = sessions.select("user_id", "start_us", "end_us", "events")
    else:
        instant = lambda name: pl.col(name).cast(pl.Datetime("us", "UTC"))
        sessions = sessions.select(
            "user_id",
            session_id=pl.col("start_us") // 1000,
            start_time=instant("start_us"),
            end_time=instant("end_us"),
            length_ms=(pl.col("end_us") - pl.col("start_us")) // 1000,
            event_count=pl.col("events").cast(pl.UInt32),
            first_event="first_event",
            last_event="last_event",
            end_reason=reason,
        )
    sessions.sink_parquet(args.out, compression="zstd", engine="streaming")


DEFINITIONS = {
    "timeout": ["--timeout", "30m"],
    "session_id": [],
    "start_and_timeout": ["--timeout", "30m", "--start-event", "search"],
    "property_and_timeout": ["--timeout", "30m", "--property", "session_id"],
    "everything": ["--timeout", "30m"],
    "memory_1GiB": ["--timeout", "30m", "--memory-limit", "1GiB"],
    "one_thread": ["--timeout", "30m"],
}


def run_dwell(kind, args):
    command = [args.dwell, "run", "--input", args.data, "--output", args.out, "--quiet"]
    command += [] if kind == "everything" else ["--only", "sessions"]
    command += ["--threads", "1" if kind == "one_thread" else str(args.threads)]
    os.execv(args.dwell, command + DEFINITIONS[kind])


def answer(engine, args, out):
    """Sessions, events in them and summed length of what an engine wrote."""
    import duckdb

    start, end, events = "epoch_us(start_time)", "epoch_us(end_time)", "event_count"
    source = f"'{out}/sessions/*/*.parquet'" if engine == "dwell" else f"'{out}'"
    if args.lean and engine != "dwell":
        start, end, events = "start_us", "end_us", "events"
    sql = f"SELECT count(*), sum({events})::BIGINT, sum({end} - {start})::BIGINT FROM read_parquet({source})"
    return duckdb.execute(sql).fetchone()


def measure(engine, kind, args, out):
    """Runs one engine as a process of its own: seconds, and peak memory in bytes."""
    command = [sys.executable, __file__, "--engine", engine, "--kind", kind, "--out", out, "--latest", str(args.latest)]
    command += ["--dwell", args.dwell, "--data", args.data, "--threads", str(args.threads)]
    command += ["--lean"] * args.lean + ["--spill"] * args.spill
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    return (None if status else seconds), usage.ru_maxrss * 1024


def remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.remove(path)


def rounds(runs, args):
    """Lets runs take turns: seconds and peak memory of each, by round, and the answer of each."""
    figures, answers = {run: [] for run in runs}, {}
    if args.scratch:
        os.makedirs(args.scratch, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.scratch) as folder:
        # The first round warms the page cache and is not counted.
        for round_ in range(0, args.rounds + 1) if not args.no_warm_up else range(1, args.rounds + 1):
            for engine, kind in runs:
                out = os.path.join(folder, engine)
                remove(out)
                figure = measure(engine, kind, args, out)
                if figure[0] is None:
                    sys.exit(f"{engine} failed on {kind}")
                if round_:
                    figures[engine, kind].append(figure)
                if (engine, kind) not in answers:
                    answers[engine, kind] = answer(engine, args, out)
                remove(out)
    return figures, answers


def table(figures, base, title):
    print(f"\n| {title} | median s | min – max s | times as long (median of rounds) | peak memory MiB |")
    print("|---|---|---|---|---|")
    for run, of_run in figures.items():
        seconds = [figure[0] for figure in of_run]
        ratio = statistics.median(figure[0] / other[0] for figure, other in zip(of_run, figures[base]))
        peak = max(figure[1] for figure in of_run)
        name = run[0] if run[0] != "dwell" or run == base else f"dwell, {run[1]}"
        print(
            f"| {name} | {statistics.median(seconds):.2f} | {min(seconds):.2f} – {max(seconds):.2f} "
            f"| {ratio:.2f} | {peak / 2**20:,.0f} |"
        )


def compare(kind, args):
    runs = [(engine, kind) for engine in args.engines.split(",")]
    figures, answers = rounds(runs, args)
    if len(set(answers.values())) != 1:
        sys.exit(f"the engines disagree on {kind}: {answers}")
    sessions, events, _ = answers["dwell", kind]
    print(f"\n{kind}: {sessions:,} sessions of {events:,} events; all engines agree")
    table(figures, ("dwell", kind), kind)


def compare_own(args):
    """dwell's definitions, outputs and limits against its own plain run under a timeout."""
    base = ("dwell", "timeout")
    figures, answers = rounds([base] + [("dwell", kind) for kind in DEFINITIONS if kind not in ("timeout", "session_id")], args)
    for kind in ("everything", "memory_1GiB", "one_thread"):
        if answers["dwell", kind] != answers[base]:
            sys.exit(f"{kind} gives other sessions: {answers}")
    table(figures, base, "dwell")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dwell", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--generate")
    parser.add_argument("--events", type=int, default=20_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="timeout,session_id,own")
    parser.add_argument("--engines", default="dwell,clickhouse,duckdb,polars")
    parser.add_argument("--lean", action="store_true")
    parser.add_argument("--no-warm-up", action="store_true", help="count the first round, too: for data beyond the page cache")
    parser.add_argument("--spill", action="store_true", help="let DuckDB write to disk what does not fit")
    parser.add_argument("--scratch", help="folder for what the engines write")
    parser.add_argument("--latest", type=int, help=argparse.SUPPRESS)
    for internal in ("--engine", "--kind", "--out"):
        parser.add_argument(internal, help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.dwell = os.path.abspath(args.dwell)
    if args.engine:
        globals()[f"run_{args.engine}"](args.kind, args)
        return
    import chdb
    import duckdb
    import polars

    if not os.path.exists(args.data):
        generate = [args.generate, "--events", str(args.events), "--columns", "bench", "--out", args.data]
        subprocess.run(generate, check=True)
    args.latest = latest_us(args)
    print(f"chdb {chdb.__version__}, DuckDB {duckdb.__version__}, polars {polars.__version__}, {args.threads} threads")
    for kind in args.only.split(","):
        if kind == "own":
            compare_own(args)
        else:
            compare(kind, args)


if __name__ == "__main__":
    main()
