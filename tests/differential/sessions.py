"""Sessions and their declared columns as DuckDB computes them, from the specification's sections 2 to 4."""

import dataclasses

from tables import DAY, HOUR, MINUTE, SECOND

SPELLED = {1: "1us", SECOND: "1s", MINUTE: "1m", 10 * MINUTE: "10m", 30 * MINUTE: "30m", HOUR: "1h", DAY: "1d", 7 * DAY: "7d"}


@dataclasses.dataclass
class Case:
    user: list
    time: object
    event: object
    session_id: object
    property: object = None
    sequence: object = None
    dedup: object = None
    dedup_within: int = 7 * DAY
    inactive: list = dataclasses.field(default_factory=list)
    timeout: int | None = None
    equal_splits: bool = True
    midnight: bool = False
    start: list = dataclasses.field(default_factory=list)
    end: list = dataclasses.field(default_factory=list)
    max_length: int | None = DAY
    condition: tuple | None = None
    held: object = None  # the property that declared columns are of
    held_events: list = dataclasses.field(default_factory=list)

    def is_default(self):
        return self.timeout is None and self.property is None and not self.start and not self.end and not self.midnight


def make(rng, table, condition):
    """Random roles and a random definition."""
    pick = lambda values: values[int(rng.integers(len(values)))]
    chance = lambda share: rng.random() < share
    users = [pick(table.users)]
    if chance(0.15):
        users.append(pick([user for user in table.users if user is not users[0]]))
    case = Case(users, pick(table.times), pick(table.events), pick(table.ids), condition=condition)
    kind = pick(["rows", "rows", "timeout", "timeout", "id", "property", "events"])
    if kind in ("rows", "timeout", "events"):
        case.timeout = 1 if kind == "rows" else pick([SECOND, MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, DAY])
        case.equal_splits = chance(0.8)
    if kind == "property" or (kind != "id" and chance(0.2)):
        case.property = pick(table.properties + [case.session_id])
    if kind == "events":
        case.start = ["open"] if chance(0.7) else []
        case.end = ["close"] if chance(0.5) else []
    case.midnight = kind in ("timeout", "property", "events") and chance(0.3)
    case.sequence = pick(table.sequences) if chance(0.3) else None
    case.dedup = pick(table.dedups) if chance(0.25) else None
    case.dedup_within = pick([MINUTE, DAY, 7 * DAY])
    case.inactive = ["push"] if chance(0.2) else []
    case.max_length = pick([DAY, DAY, HOUR, None])
    if chance(0.5):
        case.held = pick([column for column in table.asked if column.kind in ("text", "date") or column.name in WHOLE + ["f64"]])
        case.held_events = pick([[], ["view"], ["open", "view"]])
    return case


# Columns whose sums fit 64 bits.
WHOLE = ["i8", "i16", "i32", "n8", "n16", "n32"]


def held(case):
    """The declared columns of a case: each name with its key in a job and its aggregate in DuckDB."""
    if not case.held:
        return {}
    of = f"e IN ({', '.join(map(repr, case.held_events))})" if case.held_events else "TRUE"
    valued = f"FILTER (WHERE p IS NOT NULL AND {of})"
    columns = {
        "x_first": ("first", f"first(p ORDER BY tie, p) {valued}"),
        "x_last": ("last", f"last(p ORDER BY tie, p) {valued}"),
        "x_min": ("min", f"min(p) {valued}"),
        "x_max": ("max", f"max(p) {valued}"),
        "x_distinct": ("distinct", f"count(DISTINCT p) {valued}"),
        "x_count": ("count", f"count(*) FILTER (WHERE {of})"),
    }
    if case.held.name in WHOLE:
        columns["x_sum"] = ("sum", f"coalesce(sum(p) {valued}, 0)")
    return columns


def held_sql(case):
    return "".join(f", CAST({sql} AS VARCHAR) AS {name}" for name, (_, sql) in held(case).items())


def named(case, of=lambda name: name):
    return "".join(f", {of(name)}" for name in [*held(case), *(["x_when"] if case.held else [])])


def job(case, inputs, output):
    """The job file."""
    text = lambda value: "'" + value + "'"
    listed = lambda values: "[" + ", ".join(map(text, values)) + "]"
    lines = ["[input]", f"path = {listed(map(str, inputs))}", f"user = {listed(user.name for user in case.user)}"]
    lines += [f"time = {text(case.time.name)}", f"event = {text(case.event.name)}"]
    lines += [f"time_unit = {text(case.time.unit)}"] if case.time.unit else []
    uses_id = case.is_default() or case.property is case.session_id
    lines += [f"session_id = {text(case.session_id.name)}"] if uses_id else []
    lines += [f"sequence = {text(case.sequence.name)}"] if case.sequence else []
    if case.dedup:
        lines += [f"dedup = {text(case.dedup.name)}", f"dedup_within = {text(SPELLED[case.dedup_within])}"]
    lines += [f"inactive = {listed(case.inactive)}"] if case.inactive else []
    if case.condition:
        lines.append(f'where = """{case.condition[0]}"""')
    lines += ["[session]", f"max_length = {text(SPELLED.get(case.max_length, 'none'))}"]
    lines += [f"property = {text(case.property.name)}"] if case.property else []
    lines += [f"timeout = {text(SPELLED[case.timeout])}"] if case.timeout else []
    lines += ["gap_equal = 'join'"] if case.timeout and not case.equal_splits else []
    lines += ["at_midnight = 'split'"] if case.midnight else []
    lines += [f"start_event = {listed(case.start)}"] if case.start else []
    lines += [f"end_event = {listed(case.end)}"] if case.end else []
    lines += ["[output]", f"path = {text(str(output))}"]
    for name, (key, _) in held(case).items():
        lines += ["[[column]]", f"name = {text(name)}", f"{key} = {text('*' if key == 'count' else case.held.name)}"]
        lines += [f"event = {listed(case.held_events)}"] if case.held_events else []
    lines += ["[[column]]", "name = 'x_when'", f"when = {text(WHEN)}"] if case.held else []
    return "\n".join([*lines, ""])


# In DuckDB as in a job; unknown where no event has a type.
WHEN = "x_distinct > 1 OR first_event = last_event AND event_count > x_count"


def is_one_of(column, values):
    return f"({column} IN ({', '.join(repr(value) for value in values)}))" if values else "FALSE"


def events_sql(case):
    """Views of the events that pass, numbered in the order of section 2, and what became of the other rows."""
    user = f"coalesce({', '.join(f'nullif({user.sql}, {chr(39) * 2})' for user in case.user)})"
    value = "NULL"
    if case.is_default() or case.property is case.session_id:
        value = f"CASE WHEN CAST({case.session_id.sql} AS VARCHAR) NOT IN ('-1', '', 'none') THEN {case.session_id.sql} END"
    elif case.property:
        value = f"CASE WHEN CAST({case.property.sql} AS VARCHAR) <> '' THEN {case.property.sql} END"
    condition = case.condition[1] if case.condition else "TRUE"
    sequence = case.sequence.sql if case.sequence else "NULL"
    dedup = f"nullif({case.dedup.sql}, '')" if case.dedup else "NULL"
    property = case.held.sql if case.held else "NULL"
    if case.held and case.held.name == "f64":  # NaN is no value, and both zeros are one
        property = f"CASE WHEN NOT isnan({property}) THEN {property} + 0 END"
    return f"""
        CREATE OR REPLACE TEMP TABLE passed AS
        SELECT {user} AS u, {case.time.sql} AS t, {case.event.sql} AS e, {value} AS v, {sequence} AS q, {dedup} AS d, {property} AS p
        FROM input WHERE {condition};

        CREATE OR REPLACE TEMP TABLE judged AS
        SELECT *, CASE WHEN u IS NULL THEN 'no_user' WHEN t IS NULL THEN 'no_time'
                       WHEN t < 946684800000000 OR t >= 4102444800000000 THEN 'time_out_of_range' END AS rejected
        FROM passed;

        CREATE OR REPLACE TEMP TABLE placed AS
        SELECT * REPLACE (CASE WHEN d IS NULL THEN p WHEN count(*) OVER same = count(p) OVER same THEN min(p) OVER same END AS p),
            row_number() OVER (PARTITION BY u ORDER BY t, q NULLS FIRST, rank, e NULLS FIRST, v NULLS FIRST, d NULLS FIRST, p NULLS FIRST) AS place,
            dense_rank() OVER (PARTITION BY u ORDER BY t, q NULLS FIRST, rank, e NULLS FIRST, d NULLS FIRST) AS tie
        FROM (SELECT *, CASE WHEN {is_one_of('e', case.start)} THEN 0 WHEN {is_one_of('e', case.end)} THEN 2 ELSE 1 END AS rank
              FROM judged WHERE rejected IS NULL)
        WINDOW same AS (PARTITION BY u, t, q, rank, e, d);

        CREATE OR REPLACE TEMP TABLE told AS
        SELECT *, CASE WHEN d IS NOT NULL AND t - lag(t) OVER (PARTITION BY u, d ORDER BY place) <= {case.dedup_within} THEN 'duplicate'
                       WHEN {is_one_of('e', case.inactive)} THEN 'inactive' END AS dropped
        FROM placed;

        CREATE OR REPLACE TEMP TABLE events AS SELECT u, t, e, v, place, tie, p FROM told WHERE dropped IS NULL;
    """


def sessions_sql(case):
    """A table `sessions` with why each is none, where it is none."""
    if case.is_default():
        return by_id_sql(case)
    silence = case.timeout or 7 * DAY
    sign = ">=" if case.equal_splits else ">"
    midnight = f"t // {DAY} <> lag(t) OVER w // {DAY}" if case.midnight else "FALSE"
    keeps = "v IS NOT NULL" if case.property else "TRUE"
    nulls = ", NULL" * len(held(case))
    return f"""
        CREATE OR REPLACE TEMP TABLE sessions AS
        WITH gaps AS (
            SELECT *, t - lag(t) OVER w AS gap, lag({is_one_of('e', case.end)}) OVER w AS after_end,
                {midnight} AS on_another_date
            FROM events WHERE {keeps} WINDOW w AS (PARTITION BY u, v ORDER BY place)
        ), numbered AS (
            SELECT *, sum(CASE WHEN gap IS NULL OR gap {sign} {silence} OR after_end OR on_another_date OR {is_one_of('e', case.start)} THEN 1 ELSE 0 END)
                OVER (PARTITION BY u, v ORDER BY place ROWS UNBOUNDED PRECEDING) AS k
            FROM gaps
        ), made AS (
            SELECT u, v, min(t) AS a, max(t) AS b, count(*) AS n, first(e ORDER BY place) AS first, last(e ORDER BY place) AS last{held_sql(case)}
            FROM numbered GROUP BY u, v, k
        )
        SELECT *, b - a AS length, CASE WHEN NOT coalesce({is_one_of('first', case.start) if case.start else 'TRUE'}, FALSE) THEN 'no_start' END AS why
        FROM made
        UNION ALL
        SELECT u, NULL, t, t, 1, e, e{nulls}, 0, 'no_property' FROM events WHERE NOT ({keeps});
    """


def by_id_sql(case):
    """Section 3, the default definition, with ids of milliseconds."""
    return f"""
        CREATE OR REPLACE TEMP TABLE sessions AS
        WITH read AS (
            SELECT *, CASE WHEN regexp_full_match(CAST(v AS VARCHAR), '[0-9]+') THEN TRY_CAST(CAST(v AS VARCHAR) AS BIGINT) END AS number,
                t - lag(t) OVER (PARTITION BY u, v ORDER BY place) AS gap
            FROM events
        ), timed AS (
            SELECT *, CASE WHEN number >= 946684800000 AND number < 4102444800000 THEN number * 1000 END AS id FROM read
        ), judged AS (
            SELECT *, CASE WHEN v IS NULL THEN 'no_session_id'
                WHEN id IS NOT NULL AND (t < id - {DAY} OR t - id >= {7 * DAY}) THEN 'stale_id'
                WHEN id IS NULL AND sum(CASE WHEN gap >= {7 * DAY} THEN 1 ELSE 0 END)
                    OVER (PARTITION BY u, v ORDER BY place ROWS UNBOUNDED PRECEDING) > 0 THEN 'stale_id' END AS why
            FROM timed
        )
        SELECT *, b - a AS length, NULL AS why
        FROM (
            SELECT u, v, CASE WHEN id IS NULL THEN min(t) ELSE least(id, max(t)) END AS a, max(t) AS b, count(*) AS n,
                first(e ORDER BY place) AS first, last(e ORDER BY place) AS last{held_sql(case)}
            FROM judged WHERE why IS NULL GROUP BY u, v, id
        )
        UNION ALL
        SELECT u, v, t, t, 1, e, e{', NULL' * len(held(case))}, 0, why FROM judged WHERE why IS NOT NULL;
    """


def counts_sql(case):
    """What run.json counts, by name."""
    within = "TRUE" if case.max_length is None else f"length <= {case.max_length}"
    return f"""
        SELECT 'rows', count(*) FROM input
        UNION ALL SELECT 'filtered', (SELECT count(*) FROM input) - count(*) FROM passed
        UNION ALL SELECT 'rejected ' || rejected, count(*) FROM judged WHERE rejected IS NOT NULL GROUP BY rejected
        UNION ALL SELECT 'duplicates', count(*) FROM told WHERE dropped = 'duplicate'
        UNION ALL SELECT 'inactive', count(*) FROM told WHERE dropped = 'inactive'
        UNION ALL SELECT 'in_session', coalesce(sum(n), 0) FROM sessions WHERE why IS NULL
        UNION ALL SELECT 'out_of_session ' || why, sum(n) FROM sessions WHERE why IS NOT NULL GROUP BY why
        UNION ALL SELECT 'sessions', count(*) FROM sessions WHERE why IS NULL AND {within}
        UNION ALL SELECT 'excluded', count(*) FROM sessions WHERE why IS NULL AND NOT ({within})
        UNION ALL SELECT 'zero_length_sessions', count(*) FROM sessions WHERE why IS NULL AND length // 1000 = 0 AND {within}
        UNION ALL SELECT 'users', count(DISTINCT u) FROM events
    """


def expected_sql(case):
    within = "TRUE" if case.max_length is None else f"length <= {case.max_length}"
    value = "CAST(v AS VARCHAR)" if case.is_default() or case.property else "NULL"
    truth = WHEN.replace("first_event", "first").replace("last_event", "last").replace("event_count", "n")
    truth = truth.replace("x_distinct", "CAST(x_distinct AS BIGINT)").replace("x_count", "CAST(x_count AS BIGINT)")
    columns = named(case, lambda name: f"CAST({truth} AS VARCHAR)" if name == "x_when" else name)
    return f"SELECT u, {value}, a, b, n, first, last{columns} FROM sessions WHERE why IS NULL AND {within}"


def found_sql(case, output, property_column):
    value = "session_id" if case.is_default() else property_column
    value = f"CAST({value} AS VARCHAR)" if value else "NULL"
    return f"""
        SELECT CAST(user_id AS VARCHAR), {value}, epoch_us(start_time), epoch_us(end_time), event_count, first_event, last_event{named(case, lambda name: f'CAST({name} AS VARCHAR)')}
        FROM read_parquet('{output}/sessions/**/*.parquet', hive_partitioning = false)
    """
