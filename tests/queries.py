"""Runs the queries of the guide's page on SQL over tables that dwell makes of the sample, and checks what they say against the raw events
and against each other.

usage: queries.py DWELL EVENTS
"""

import pathlib
import re
import subprocess
import sys
import tempfile

import duckdb

dwell, events = (str(pathlib.Path(argument).resolve()) for argument in sys.argv[1:3])
root = pathlib.Path(__file__).resolve().parent.parent
page = (root / "src/guide/queries.md").read_text()

with tempfile.TemporaryDirectory() as work:
    out = pathlib.Path(work) / "out/joins"
    job = root / "data/jobs/joins.toml"
    subprocess.run([dwell, "run", job, "--input", events, "--output", out, "--quiet"], check=True)
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")

    def rows(sql):
        return db.execute(sql.replace("out/joins", str(out))).fetchall()

    def one(sql):
        [row] = rows(sql)
        return row if len(row) > 1 else row[0]

    answers = {}
    for title, sql in re.findall(r"^## ([^\n]+)\n+```sql\n(.*?)```", page, re.M | re.S):
        answers[title] = rows(sql)
        print(f"{title}: {len(answers[title])} rows, the first {answers[title][0]}")
    assert len(answers) == 7, answers.keys()

    sessions = "read_parquet('out/joins/sessions/*/*.parquet')"
    listed = "read_parquet('out/joins/events/*/*.parquet')"
    users = "read_parquet('out/joins/users/*.parquet')"

    # Numbers run from 1 without a hole, and each session's previous end is that of the one before.
    assert one(f"""
        SELECT count(*) FROM (
            SELECT session_number, row_number() OVER w AS number, previous_end_time, lag(end_time) OVER w AS before
            FROM {sessions} WINDOW w AS (PARTITION BY user_id ORDER BY start_time, session_id)
        ) WHERE session_number <> number OR previous_end_time IS DISTINCT FROM before
    """) == 0
    assert one(f"SELECT count(*) FROM {sessions} WHERE since_previous_ms IS DISTINCT FROM "
               "epoch_ms(start_time) - epoch_ms(previous_end_time) AND since_previous_ms IS DISTINCT FROM "
               "floor((epoch_us(start_time) - epoch_us(previous_end_time)) / 1000)") == 0

    # Users: the sums of the two tables.
    assert one(f"SELECT count(*), sum(sessions), sum(events), sum(time_spent_ms) FROM {users}") == one(f"""
        SELECT (SELECT count(*) FROM (SELECT user_id FROM {sessions} UNION
                                      SELECT user_id FROM read_parquet('out/joins/activity/*/*.parquet'))),
               (SELECT count(*) FROM {sessions}),
               (SELECT sum(events) FROM read_parquet('out/joins/activity/*/*.parquet')),
               (SELECT sum(length_ms) FROM {sessions})""")

    # Events: as many in each session as it counts, in places from 1 on; and the raw events, with their columns.
    assert one(f"""
        SELECT count(*) FROM {sessions} s FULL JOIN (
            SELECT user_id, session_id, count(*) AS n, max(session_position) AS last, count(DISTINCT session_position) AS places,
                   arg_min(event_type, session_position) AS first_event, min(session_date) AS session_date
            FROM {listed} WHERE session_id IS NOT NULL GROUP BY ALL
        ) e USING (user_id, session_id)
        WHERE (s.event_count, s.event_count, s.event_count, s.first_event, s.session_date)
            IS DISTINCT FROM (e.n, e.last, e.places, e.first_event, e.session_date)
    """) == 0
    raw = f"""(SELECT user_id, client_event_time AS event_time, event_type, page, revenue FROM read_parquet('{events}/*/*.parquet')
               WHERE user_id <> '' AND client_event_time >= '2000-01-01' AND client_event_time < '2100-01-01')"""
    columns = "user_id, event_time, event_type, page, revenue"
    for a, b in [(listed, raw), (raw, listed)]:
        assert one(f"SELECT count(*) FROM (SELECT {columns} FROM {a} EXCEPT ALL SELECT {columns} FROM {b})") == 0
    assert one(f"SELECT count(*) FROM {listed} WHERE (session_id IS NULL) <> (out_of_session IS NOT NULL)") == 0

    # What the answers say of all sessions together.
    count = one(f"SELECT count(*) FROM {sessions}")
    first = one(f"SELECT count(DISTINCT user_id) FROM {sessions}")
    new = answers["New and returning"]
    assert (sum(row[1] for row in new), sum(row[2] for row in new)) == (first, count - first)
    assert sum(row[1] for row in answers["Time between sessions"]) == count - first
    assert sum(row[2] for row in answers["Retention by first session"] if row[1] == 0) == first
    [(viewed, added, bought)] = answers["Funnel"]
    assert viewed == one(f"SELECT count(DISTINCT (user_id, session_id)) FROM {listed} WHERE session_id IS NOT NULL AND event_type = 'view_item'")
    assert viewed > added > bought > 0
    spent = one(f"SELECT sum(revenue) FROM {sessions}")
    for touch in ["first_touch", "last_touch"]:
        assert abs(sum(row[2] for row in answers["First-touch and last-touch attribution"] if row[0] == touch) - spent) < 0.01
print("all queries answered")
