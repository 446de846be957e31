"""Runs dwell under the rules of custom definitions, one after the other, and recomputes their sessions from the events with DuckDB.

usage: rules_in_sql.py DWELL EVENTS
"""

import pathlib
import subprocess
import sys
import tempfile

import duckdb

dwell, events = sys.argv[1:3]
db = duckdb.connect()
db.execute("SET TimeZone = 'UTC'")
db.execute(f"""
    CREATE TABLE events AS
    SELECT user_id AS u, event_type AS e, client_event_time AS t, epoch_us(client_event_time) AS us, platform, utm_source
    FROM read_parquet('{events}/*/*.parquet')
    WHERE user_id IS NOT NULL AND user_id <> ''
      AND client_event_time >= TIMESTAMPTZ '2000-01-01 00:00:00+00'
      AND client_event_time < TIMESTAMPTZ '2100-01-01 00:00:00+00'
""")
MINUTE = 60_000_000

RULES = {}
RULES["at_midnight = 'split'\ntimeout = '30m'"] = f"""
    WITH looked AS (
        SELECT *, us - lag(us) OVER w AS gap, lag((t AT TIME ZONE 'Europe/Paris')::DATE) OVER w AS date_before
        FROM events WINDOW w AS (PARTITION BY u ORDER BY us, e NULLS FIRST)
    ), numbered AS (
        SELECT *, sum((gap IS NULL OR gap >= {30 * MINUTE} OR (t AT TIME ZONE 'Europe/Paris')::DATE <> date_before)::INT)
            OVER (PARTITION BY u ORDER BY us, e NULLS FIRST ROWS UNBOUNDED PRECEDING) AS k
        FROM looked
    )
    SELECT u, min(us) AS a, max(us) AS b, count(*) AS n FROM numbered GROUP BY u, k
"""

# The gap after an event is judged by its platform; of events that are equal otherwise, the last one has the last platform.
RULES["timeout = { by = 'platform', ios = '5m', android = '10m', default = '30m' }"] = f"""
    WITH looked AS (
        SELECT *, us - lag(us) OVER w AS gap, lag(platform) OVER w AS platform_before
        FROM events WINDOW w AS (PARTITION BY u ORDER BY us, e NULLS FIRST, platform NULLS FIRST)
    ), numbered AS (
        SELECT *, sum((gap IS NULL OR gap >= CASE platform_before WHEN 'ios' THEN 5 WHEN 'android' THEN 10 ELSE 30 END * {MINUTE})::INT)
            OVER (PARTITION BY u ORDER BY us, e NULLS FIRST, platform NULLS FIRST ROWS UNBOUNDED PRECEDING) AS k
        FROM looked
    )
    SELECT u, min(us) AS a, max(us) AS b, count(*) AS n FROM numbered GROUP BY u, k
"""

# A campaign lasts until the next one, or until a silence that cuts; of events that are equal otherwise, campaigns ascend.
ORDER = "ORDER BY us, e NULLS FIRST, utm_source NULLS FIRST"
RULES["new_on_change = ['utm_source']\ntimeout = '30m'"] = f"""
    WITH looked AS (
        SELECT *, us - lag(us) OVER (PARTITION BY u {ORDER}) AS gap FROM events
    ), visits AS (
        SELECT *, sum((gap IS NULL OR gap >= {30 * MINUTE})::INT)
            OVER (PARTITION BY u {ORDER} ROWS UNBOUNDED PRECEDING) AS visit
        FROM looked
    ), campaigns AS (
        SELECT *, nullif(utm_source, '') AS campaign,
            last_value(nullif(utm_source, '') IGNORE NULLS)
                OVER (PARTITION BY u, visit {ORDER} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
        FROM visits
    ), numbered AS (
        SELECT *, sum((coalesce(campaign <> before, FALSE))::INT) OVER (PARTITION BY u, visit {ORDER} ROWS UNBOUNDED PRECEDING) AS k
        FROM campaigns
    )
    SELECT u, min(us) AS a, max(us) AS b, count(*) AS n FROM numbered GROUP BY u, visit, k
"""

# Visits of one channel each, which is made of a column.
CHANNEL = "CASE WHEN utm_source = 'google' THEN 'search' WHEN utm_source IS NULL THEN 'direct' ELSE LOWER(utm_source) END"
RULES["property = 'channel'\ntimeout = '30m'"] = f"""
    WITH made AS (
        SELECT *, {CHANNEL} AS channel FROM events
    ), looked AS (
        SELECT *, us - lag(us) OVER (PARTITION BY u, channel ORDER BY us) AS gap FROM made
    ), numbered AS (
        SELECT *, sum((gap IS NULL OR gap >= {30 * MINUTE})::INT) OVER (PARTITION BY u, channel ORDER BY us ROWS UNBOUNDED PRECEDING) AS k
        FROM looked
    )
    SELECT u, min(us) AS a, max(us) AS b, count(*) AS n, channel FROM numbered GROUP BY u, channel, k
"""

failures = 0
with tempfile.TemporaryDirectory() as folder:
    for number, (keys, sql) in enumerate(RULES.items()):
        output, job = f"{folder}/out{number}", pathlib.Path(folder, f"{number}.toml")
        by_channel = "channel" in keys
        derive, column = (f'derive.channel = "{CHANNEL}"\n', ", channel") if by_channel else ("", "")
        job.write_text(f"[input]\npath = '{events}'\n{derive}[session]\n{keys}\n[output]\npath = '{output}'\ntimezone = 'Europe/Paris'\n")
        subprocess.run([dwell, "run", str(job), "--quiet"], check=True)
        found = f"""
            SELECT user_id, epoch_us(start_time), epoch_us(end_time), event_count{column}
            FROM read_parquet('{output}/sessions/*/*.parquet', hive_partitioning = true)
        """
        expected = f"SELECT u, a, b, n{column} FROM ({sql}) WHERE b - a <= 86400000000"
        count = lambda sql: db.execute(f"SELECT count(*) FROM ({sql})").fetchone()[0]
        counts = count(found), count(expected)
        apart = count(f"({found}) EXCEPT ALL ({expected})") + count(f"({expected}) EXCEPT ALL ({found})")
        same = apart == 0 and counts[0] == counts[1] > 0
        failures += not same
        print(f"{'ok  ' if same else 'FAIL'} {keys.replace(chr(10), ', ')}: {counts[0]} sessions, {counts[1]} by SQL, {apart} not in both")

# Derived columns of each type, beside what DuckDB makes of the same expressions.
EXPRESSIONS = [
    "CASE WHEN utm_source = 'google' THEN 'search' WHEN utm_source IS NULL THEN 'direct' ELSE UPPER(utm_source) END",
    "SPLIT_PART(page, '/', 2)",
    "LENGTH(page)",
    "NULLIF(REPLACE(platform, 'Web', 'web'), 'web')",
    "COALESCE(country, '?') || '-' || platform",
    "page LIKE '/p%' AND revenue > 10",
    "revenue * 2 - 1",
    "CAST(revenue AS BIGINT) // 3",
    "GREATEST(revenue, LENGTH(page))",
    "EPOCH_MS(DATE_TRUNC('second', client_event_time))",
    "EXTRACT(hour FROM client_event_time) * 60 + EXTRACT(minute FROM client_event_time)",
    "DATE_TRUNC('week', CAST(client_event_time AS DATE))",
    "CAST(client_event_time AS DATE) + 7",
    "TRY_CAST(SUBSTR(device_id, 2) AS BIGINT)",
    "IF(country IN ('FR', 'DE'), 'EU', country)",
    "7 / 2",
    "NULL",
]
with tempfile.TemporaryDirectory() as folder:
    names = [f"own_{number}" for number in range(len(EXPRESSIONS))]
    derive = "".join(f'{name} = """{text}"""\n' for name, text in zip(names, EXPRESSIONS))
    job = pathlib.Path(folder, "job.toml")
    job.write_text(
        f"[input]\npath = '{events}'\n[session]\ntimeout = '30m'\n[output]\npath = '{folder}/out'\nevents = {names}\n[input.derive]\n{derive}"
    )
    subprocess.run([dwell, "run", job, "--quiet"], check=True)
    read = f"read_parquet('{folder}/out/events/*/*.parquet', hive_partitioning = true)"
    source = f"(SELECT * FROM read_parquet('{events}/*/*.parquet') SEMI JOIN events ON user_id = u AND epoch_us(client_event_time) = us)"
    for name, text in zip(names, EXPRESSIONS):
        found = f"SELECT user_id, epoch_us(event_time), {name} FROM {read}"
        expected = f"SELECT user_id, epoch_us(client_event_time), {text} FROM {source}"
        counts = count(found), count(expected)
        apart = count(f"({found}) EXCEPT ALL ({expected})") + count(f"({expected}) EXCEPT ALL ({found})")
        same = apart == 0 and counts[0] == counts[1] > 0
        failures += not same
        print(f"{'ok  ' if same else 'FAIL'} {text}: {counts[0]} values, {counts[1]} by SQL, {apart} not in both")

print(f"\n{failures} failed")
sys.exit(1 if failures else 0)
