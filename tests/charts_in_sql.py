"""Makes charts of funnels, sequences and times on pages with dwell, and recomputes them from the events with DuckDB.

usage: charts_in_sql.py DWELL EVENTS
"""

import pathlib
import subprocess
import sys
import tempfile

import duckdb

dwell, events = sys.argv[1:3]
MINUTE = 60_000_000
JOB = """
[input]
path = '{events}'
[session]
timeout = '30m'
[output]
path = '{output}'
timezone = 'Europe/Paris'
[[chart]]
name = 'funnel'
interval = 'week'
group_by = {{ first = 'platform' }}
funnel = {{ steps = [{steps}], within = '10m' }}
[[chart]]
name = 'anytime'
interval = 'total'
funnel = {{ steps = [{steps}] }}
[[chart]]
name = 'sequence'
interval = 'week'
sequence = {{ steps = [{steps}], within = '5m' }}
[[chart]]
name = 'order'
interval = 'total'
sequence = {{ steps = [{steps}] }}
[[chart]]
name = 'time'
interval = 'month'
min_length = '1m'
time_on = {{ property = 'page', event = 'page_view', cap = '10m', top = 1000 }}
"""
STEPS = [
    ("{ event = 'view_item' }", "e = 'view_item'"),
    ("{ event = 'add_to_cart' }", "e = 'add_to_cart'"),
    ("{ event = 'purchase', where = 'revenue > 50' }", "e = 'purchase' AND revenue > 50"),
]

db = duckdb.connect()
db.execute("SET TimeZone = 'Europe/Paris'")
# Sessions, and the place of each event in its own. Events that nothing orders are in the order of their values.
db.execute(f"""
    CREATE TABLE looked AS
    SELECT user_id AS u, event_type AS e, epoch_us(client_event_time) AS us, client_event_time AS t, platform, page, revenue,
        us - lag(us) OVER (PARTITION BY user_id ORDER BY us, event_type NULLS FIRST) AS gap
    FROM (SELECT *, epoch_us(client_event_time) AS us FROM read_parquet('{events}/*/*.parquet'))
    WHERE user_id IS NOT NULL AND user_id <> ''
      AND client_event_time >= TIMESTAMPTZ '2000-01-01 00:00:00+00' AND client_event_time < TIMESTAMPTZ '2100-01-01 00:00:00+00';
    CREATE TABLE cut AS
    SELECT *, sum((gap IS NULL OR gap >= {30 * MINUTE})::INT) OVER (PARTITION BY u ORDER BY us, e NULLS FIRST ROWS UNBOUNDED PRECEDING) AS k
    FROM looked;
    CREATE TABLE sessions AS
    SELECT u, k, min(us) AS a, max(us) AS b, date_trunc('week', min(t)) AS week, date_trunc('month', min(t)) AS month,
        min_by(platform, {{'us': us, 'e': coalesce(e, ''), 'v': platform}}) FILTER (platform IS NOT NULL) AS platform
    FROM cut GROUP BY u, k HAVING b - a <= {24 * 60 * MINUTE};
    CREATE TABLE s AS
    SELECT c.u, c.k, c.e, c.us, c.page, c.revenue, row_number() OVER (PARTITION BY c.u, c.k ORDER BY c.us, c.e NULLS FIRST, c.page NULLS FIRST) AS p
    FROM cut c JOIN sessions USING (u, k);
""")
# The first event of each step after that of the step before.
db.execute(f"CREATE TABLE step1 AS SELECT u, k, min(p) AS p FROM s WHERE {STEPS[0][1]} GROUP BY ALL")
for number, (_, condition) in enumerate(STEPS[1:], 2):
    db.execute(f"""
        CREATE TABLE step{number} AS
        SELECT s.u, s.k, min(s.p) AS p FROM s JOIN step{number - 1} AS before USING (u, k) WHERE s.p > before.p AND {condition} GROUP BY ALL
    """)
db.execute("""
    CREATE TABLE reached AS
    SELECT week, coalesce(platform, '(none)') AS platform, t1.us AS t1, t2.us AS t2, t3.us AS t3
    FROM sessions JOIN step1 USING (u, k) JOIN s AS t1 ON (t1.u, t1.k, t1.p) = (step1.u, step1.k, step1.p)
    LEFT JOIN step2 ON (step2.u, step2.k) = (step1.u, step1.k) LEFT JOIN s AS t2 ON (t2.u, t2.k, t2.p) = (step2.u, step2.k, step2.p)
    LEFT JOIN step3 ON (step3.u, step3.k) = (step1.u, step1.k) LEFT JOIN s AS t3 ON (t3.u, t3.k, t3.p) = (step3.u, step3.k, step3.p)
""")


def funnel(keys: str, within: int) -> str:
    """The steps of a funnel by these columns: nearest ranks of the times, and shares."""
    steps = [f"SELECT {keys}, 1 AS step, NULL::BIGINT AS ms FROM reached"]
    for step in (2, 3):
        took = f"(t{step} - t{step - 1}) // 1000"
        steps.append(f"SELECT {keys}, {step}, {took} FROM reached WHERE t{step} - t1 <= {within}")
    keys = keys or "1"
    rank = lambda share: f"list_sort(list(ms) FILTER (ms IS NOT NULL))[greatest(1, ceil(count(ms) * {share}))::INT]"
    return f"SELECT {keys}, step, count(*), {rank('0.5')}, {rank('0.9')} FROM ({' UNION ALL '.join(steps)}) GROUP BY ALL"


def in_order(keys: str, within: int) -> str:
    """Sessions in which some events of the steps follow each other, whichever they are."""
    first, second, third = (condition.replace("e =", "{0}.e =").replace("revenue", "{0}.revenue") for _, condition in STEPS)
    return f"""
        SELECT {keys}, count(*) FROM (
            SELECT DISTINCT sessions.* FROM sessions JOIN s AS a USING (u, k) JOIN s AS b USING (u, k) JOIN s AS c USING (u, k)
            WHERE {first.format('a')} AND {second.format('b')} AND {third.format('c')} AND a.p < b.p AND b.p < c.p AND c.us - a.us <= {within}
        ) GROUP BY ALL
    """


EVER = 10**15
CAP_MS = 10 * 60 * 1000
EXPECTED = {
    "funnel": funnel("week, platform", 10 * MINUTE),
    "anytime": funnel("true", EVER),
    "sequence": in_order("week", 5 * MINUTE),
    "order": in_order("true", EVER),
    "time": f"""
        SELECT month, coalesce(page, '(none)') AS page, count(*), count(DISTINCT (u, k)), coalesce(sum(ms), 0), avg(ms),
            list_sort(list(ms) FILTER (ms IS NOT NULL))[greatest(1, ceil(count(ms) * 0.5))::INT]
        FROM (
            SELECT *, (lead(us) OVER (PARTITION BY u, k ORDER BY p) - us) // 1000 AS took, if(took > {CAP_MS}, {CAP_MS}, took) AS ms
            FROM s WHERE e = 'page_view'
        ) JOIN sessions USING (u, k) WHERE (b - a) // 1000 >= 60000 GROUP BY ALL
    """,
}
FOUND = {
    "funnel": "SELECT interval_start, \"group\", step, sessions, median_ms, p90_ms FROM funnel WHERE chart = 'funnel' AND sessions > 0",
    "anytime": "SELECT true, step, sessions, median_ms, p90_ms FROM funnel WHERE chart = 'anytime'",
    "sequence": "SELECT interval_start, total_sessions FROM measures WHERE chart = 'sequence' AND total_sessions > 0",
    "order": "SELECT true, total_sessions FROM measures WHERE chart = 'order'",
    "time": "SELECT interval_start, value, views, sessions, time_ms, avg_ms, p50_ms FROM time_on WHERE chart = 'time' AND views > 0",
}

failures = 0
with tempfile.TemporaryDirectory() as folder:
    output, job = f"{folder}/out", pathlib.Path(folder, "job.toml")
    job.write_text(JOB.format(events=events, output=output, steps=", ".join(step for step, _ in STEPS)))
    subprocess.run([dwell, "run", str(job), "--quiet"], check=True)
    for table in ("measures", "funnel", "time_on"):
        db.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{output}/{table}.parquet')")
    for name, sql in EXPECTED.items():
        count = lambda sql: db.execute(f"SELECT count(*) FROM ({sql})").fetchone()[0]
        counts = count(FOUND[name]), count(sql)
        apart = count(f"({FOUND[name]}) EXCEPT ALL ({sql})") + count(f"({sql}) EXCEPT ALL ({FOUND[name]})")
        same = apart == 0 and counts[0] == counts[1] > 0
        failures += not same
        print(f"{'ok  ' if same else 'FAIL'} {name}: {counts[0]} rows, {counts[1]} by SQL, {apart} not in both")

print(f"\n{failures} failed")
sys.exit(1 if failures else 0)
