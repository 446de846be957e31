"""Reads dwell's tables with DuckDB and recomputes them from the sample's events.

usage: read_back.py DEFAULT_OUTPUT TIMEOUT_OUTPUT EVENTS CHARTS_OUTPUT

DEFAULT_OUTPUT was made under the default definition, TIMEOUT_OUTPUT with --timeout 30m and
--timezone Europe/Paris. The events are read by DuckDB itself, so nothing of dwell's reader is trusted.
"""

import json
import sys

import duckdb

default, timeout, events, charts = sys.argv[1:5]
db = duckdb.connect()
db.execute("SET TimeZone = 'UTC'")
failures = 0


def check(what, found, expected):
    global failures
    same = found == expected
    failures += not same
    print(f"{'ok  ' if same else 'FAIL'} {what}: {found}" + ("" if same else f", expected {expected}"))


def rows(sql):
    return db.execute(sql).fetchall()


def table(folder, name):
    return f"read_parquet('{folder}/{name}/*/*.parquet', hive_partitioning = true)"


db.execute(f"""
    CREATE VIEW events AS
    SELECT user_id AS u, session_id AS s, event_type AS e, client_event_time AS t
    FROM read_parquet('{events}/*/*.parquet')
    WHERE user_id IS NOT NULL AND user_id <> ''
      AND client_event_time >= TIMESTAMPTZ '2000-01-01 00:00:00+00'
      AND client_event_time < TIMESTAMPTZ '2100-01-01 00:00:00+00'
""")

# A session of the default definition: the events of one id from a day before it until seven days after it.
db.execute("""
    CREATE VIEW by_id AS
    SELECT u, s, count(*) AS n, max(epoch_us(t)) AS last FROM events
    WHERE s <> -1 AND epoch_us(t) >= s * 1000 - 86400000000 AND epoch_us(t) < s * 1000 + 7 * 86400000000
    GROUP BY u, s
""")
lengths = "SELECT u, s, n, greatest(last - s * 1000, 0) // 1000 AS l FROM by_id WHERE last - s * 1000 <= 86400000000"
expected = rows(f"SELECT count(*), sum(n), sum(l), count(*) FILTER (l = 0) FROM ({lengths})")
found = rows(f"""
    SELECT count(*), sum(event_count), sum(length_ms), count(*) FILTER (length_ms = 0)
    FROM {table(default, 'sessions')}
""")
check("sessions by id: sessions, events, length, zero-length", found, expected)
difference = f"(SELECT user_id, session_id, event_count, length_ms FROM {table(default, 'sessions')}) EXCEPT ({lengths})"
check("sessions by id that are not in both", rows(f"SELECT count(*) FROM ({difference})"), [(0,)])

# Sessions by a silence of 30 minutes.
db.execute("""
    CREATE VIEW by_silence AS
    WITH gaps AS (
        SELECT *, epoch_us(t) - lag(epoch_us(t)) OVER (PARTITION BY u ORDER BY t) AS gap FROM events
    ), numbered AS (
        SELECT *, sum((gap IS NULL OR gap >= 1800000000)::INT) OVER (PARTITION BY u ORDER BY t ROWS UNBOUNDED PRECEDING) AS k
        FROM gaps
    )
    SELECT u, min(t) AS a, max(t) AS b, count(*) AS n FROM numbered GROUP BY u, k
    HAVING epoch_us(max(t)) - epoch_us(min(t)) <= 86400000000
""")
found = f"SELECT user_id, start_time, end_time, event_count FROM {table(timeout, 'sessions')}"
expected = "SELECT u, a, b, n FROM by_silence"
check("sessions by timeout", rows(f"SELECT count(*) FROM ({found})"), rows(f"SELECT count(*) FROM ({expected})"))
check("sessions by timeout that are not in both", rows(f"SELECT count(*) FROM (({found}) EXCEPT ALL ({expected}))"), [(0,)])
dates = f"""
    SELECT count(*) FROM {table(timeout, 'sessions')}
    WHERE session_date <> (start_time AT TIME ZONE 'Europe/Paris')::DATE
"""
check("sessions on another date than that of their start in Paris", rows(dates), [(0,)])

found = rows(f"SELECT count(*), sum(events), sum(bit_count(hours)) FROM {table(timeout, 'activity')}")
expected = rows("""
    WITH at_paris AS (SELECT u, t AT TIME ZONE 'Europe/Paris' AS local FROM events)
    SELECT count(*), sum(n), sum(h) FROM (
        SELECT count(*) AS n, count(DISTINCT hour(local)) AS h FROM at_paris GROUP BY u, local::DATE
    )
""")
check("activity: rows, events, hours", found, expected)

for folder in (default, timeout):
    run = json.load(open(f"{folder}/run.json"))
    left = run["filtered"] + sum(run["rejected"].values()) + run["duplicates"] + run["inactive"] + run["outside_window"]
    check("rows that the counts of run.json do not explain",
          run["rows"] - left - run["in_session"] - sum(run["out_of_session"].values()), 0)
    for measure in ("measures", "histogram"):
        parquet = rows(f"SELECT count(*) FROM '{folder}/{measure}.parquet'")
        check(f"{measure}: rows of CSV and Parquet", rows(f"SELECT count(*) FROM read_csv('{folder}/{measure}.csv')"), parquet)
    total = rows(f"SELECT sum(sessions) FROM '{folder}/histogram.parquet'")
    check("sessions in the histogram", total, [(run["sessions"],)])
    quantiles = f"""
        SELECT session_date, quantile_disc(length_ms, 0.5), quantile_disc(length_ms, 0.9), quantile_disc(length_ms, 0.99)
        FROM {table(folder, 'sessions')} GROUP BY 1 ORDER BY 1
    """
    measured = f"""
        SELECT (interval_start + INTERVAL 3 HOUR)::DATE, length_p50_ms, length_p90_ms, length_p99_ms
        FROM '{folder}/measures.parquet' WHERE total_sessions > 0 ORDER BY 1
    """
    check("percentiles by day agree", rows(quantiles) == rows(measured), True)

# Charts: the sessions of a segment by week, and of all events by their first campaign.
db.execute(f"""
    CREATE VIEW raw AS
    SELECT user_id AS u, session_id AS s, event_type AS e, client_event_time AS t, platform, page, utm_source, revenue
    FROM read_parquet('{events}/*/*.parquet')
    WHERE user_id IS NOT NULL AND user_id <> '' AND session_id <> -1
      AND epoch_us(client_event_time) >= session_id * 1000 - 86400000000
      AND epoch_us(client_event_time) < session_id * 1000 + 7 * 86400000000
""")
sessions_of = """
    SELECT u, s, least(s * 1000, max(epoch_us(t))) AS a, max(epoch_us(t)) AS b,
           count(*) FILTER (e = 'page_view' AND page LIKE '/p%') AS views, count(*) FILTER (e = 'purchase') AS buys,
           coalesce(sum(revenue) FILTER (e = 'purchase'), 0) AS revenue,
           min_by(utm_source, (epoch_us(t), e)) FILTER (utm_source IS NOT NULL) AS campaign
    FROM raw WHERE {condition} GROUP BY u, s HAVING b - a <= 86400000000
"""
for segment, condition in (("all", "true"), ("mobile", "platform IN ('ios', 'android')")):
    expected = rows(f"""
        SELECT date_trunc('week', make_timestamptz(a) AT TIME ZONE 'Europe/Paris')::DATE AS week, count(*),
               sum((b - a) // 1000)::BIGINT
        FROM ({sessions_of.format(condition=condition)}) GROUP BY 1 ORDER BY 1
    """)
    found = rows(f"""
        SELECT (interval_start AT TIME ZONE 'Europe/Paris')::DATE, total_sessions, time_spent_ms
        FROM '{charts}/measures.parquet' WHERE chart = 'weeks' AND segment = '{segment}' ORDER BY 1
    """)
    check(f"sessions and their length by week, {segment}", found, expected)

with_views = f"SELECT * FROM ({sessions_of.format(condition='true')}) WHERE views >= 1"
by_campaign = f"""
    WITH sessions AS ({with_views}), sizes AS (
        SELECT campaign, row_number() OVER (ORDER BY count(*) DESC, campaign) AS place
        FROM sessions WHERE campaign IS NOT NULL GROUP BY 1
    )
    SELECT CASE WHEN campaign IS NULL THEN '(none)' WHEN place <= 3 THEN campaign ELSE '(other)' END AS g,
           count(*), sum(buys)::BIGINT, round(sum(revenue) / count(DISTINCT u), 6)
    FROM sessions LEFT JOIN sizes USING (campaign) GROUP BY 1 ORDER BY 1
"""
found = rows(f"""
    SELECT a."group", a.total_sessions, a.total_events, round(f.formula, 6)
    FROM '{charts}/measures.parquet' a JOIN '{charts}/measures.parquet' f
      ON a.chart = 'campaigns' AND f.chart = a.chart AND a.series = 'A' AND f.series = 'formula' AND a."group" = f."group"
    ORDER BY 1
""")
check("sessions, purchases and revenue per user by campaign", found, rows(by_campaign))
uncounted = rows(f"""
    SELECT count(*) FROM (
        SELECT m.total_sessions AS n, (SELECT sum(h.sessions) FROM '{charts}/histogram.parquet' h
            WHERE (h.chart, h.series, h.segment, h.interval_start) = (m.chart, m.series, m.segment, m.interval_start)) AS k
        FROM '{charts}/measures.parquet' m WHERE chart = 'weeks'
    ) WHERE n <> k
""")
check("intervals whose histogram does not add up", uncounted, [(0,)])

print(f"\n{failures} failed")
sys.exit(1 if failures else 0)
