"""Random event tables: columns of every type, each with its name in a job and its expression in DuckDB."""

import dataclasses
import decimal
import json
import uuid

import numpy as np
import pyarrow as pa

SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
FIRST = 1_767_225_600_000_000  # 2026-01-01
EVENTS = ["view", "open", "close", "push", "", "Zoom", "état", "a longer name, as some have them"]


@dataclasses.dataclass
class Column:
    """A column of the input, or a value inside of one."""

    name: str  # in a job
    kind: str  # what conditions may ask of it
    sql: str  # in DuckDB, of a type that orders as the specification says
    pool: list  # values that constants are taken from
    number: bool = False  # a number that is compared and counted with
    unit: str | None = None  # of times that are integers
    type: str = ""

    @property
    def quoted(self):
        return ".".join(f'"{part}"' for part in self.name.split("."))


@dataclasses.dataclass
class Table:
    table: pa.Table
    users: list
    times: list
    events: list
    ids: list
    properties: list
    sequences: list
    dedups: list
    asked: list  # columns for conditions alone


def quoted(name):
    return f'"{name}"'


class Maker:
    def __init__(self, rng, rows, writer):
        self.rng, self.rows, self.writer = rng, rows, writer
        self.arrays = {}

    def chance(self, share):
        return self.rng.random() < share

    def pick(self, values):
        return values[int(self.rng.integers(len(values)))]

    def take(self, pool, of_type, nulls=None):
        """A column of values of a pool, each row one of them or null."""
        indices = self.rng.integers(len(pool), size=self.rows)
        if self.chance(0.3):  # as a sorted file has them
            indices = np.sort(indices)
        nulls = self.pick([0, 0.02, 0.3]) if nulls is None else nulls
        mask = self.rng.random(self.rows) < nulls
        return pa.array(pool, of_type).take(pa.array(indices, pa.int64(), mask=mask))

    def add(self, name, array):
        self.arrays[name] = array
        return array

    def text_array(self, array, is_json=False):
        """Text in one of the types that Arrow has for it; JSON perhaps with the annotation that it is."""
        if is_json and self.writer in ("pyarrow", "duckdb") and self.chance(0.5):
            return pa.ExtensionArray.from_storage(pa.json_(pa.string()), array)
        return array.cast(self.pick([pa.string(), pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())]))

    # Roles

    def user(self, name):
        count = self.pick([3, 40, 400])
        numbers = [int(number) for number in self.rng.integers(-100, 100_000, size=count)]
        kind = self.pick(["text", "text", "text", "int64", "int32", "uint32", "uint64", "float", "decimal", "uuid"])
        as_text = f"CAST({quoted(name)} AS VARCHAR)"
        if kind == "text":
            pool = [f"u{number}" for number in numbers] + [""]
            self.add(name, self.text_array(self.take(pool, pa.string())))
        elif kind == "float":
            self.add(name, self.take([float(number) for number in numbers], pa.float64()))
            as_text = f"CAST(CAST({quoted(name)} AS BIGINT) AS VARCHAR)"
        elif kind == "decimal":
            self.add(name, self.take([decimal.Decimal(number) for number in numbers], pa.decimal128(38, 0)))
        elif kind == "uuid":
            pool = [str(uuid.UUID(int=abs(number) * 7919 + (1 << 100))) for number in numbers]
            if self.writer in ("polars", "parquet-rs"):  # of which one has no such type, and one does not say so
                self.add(name, self.take(pool, pa.string()))
            else:
                storage = self.take([uuid.UUID(text).bytes for text in pool], pa.binary(16))
                self.add(name, pa.ExtensionArray.from_storage(pa.uuid(), storage))
        else:
            pool = [abs(number) for number in numbers] if kind[0] == "u" else numbers
            self.add(name, self.take(pool, getattr(pa, kind)()))
        return Column(name, "role", as_text, [], type=kind)

    def time(self, name):
        timeouts = [SECOND, MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, DAY]
        steps = self.rng.choice(timeouts, size=self.rows) * self.rng.integers(0, 4, size=self.rows)
        counts = FIRST + steps + self.rng.choice([0, 0, 1, 1000, -1000, SECOND, 123_456], size=self.rows)
        odd = self.rng.random(self.rows)
        counts = np.where(odd < 0.01, 915_148_800_000_000, counts)  # 1999
        counts = np.where(odd > 0.99, 4_133_980_800_000_000, counts)  # 2101
        nulls = self.rng.random(self.rows) < self.pick([0, 0.02])
        kind = self.pick(["us", "us", "ms", "ns", "us zone", "ms zone", "ns zone", "iso", "iso", "int s", "int ms", "int us", "int ns", "int96"])
        unit, as_micros = None, f"epoch_us({quoted(name)})"
        if kind == "iso":
            spelled = [self.spelled(count) for count in np.unique(counts)]
            places = np.searchsorted(np.unique(counts), counts)
            pool = pa.array(spelled + ["", "no time", "2026-13-01"])
            places = np.where(self.rng.random(self.rows) < 0.01, len(spelled) + self.rng.integers(0, 3, size=self.rows), places)
            self.add(name, self.text_array(pool.take(pa.array(places, mask=nulls))))
            as_micros = f"epoch_us(TRY_CAST({quoted(name)} AS TIMESTAMPTZ))"
        elif kind.startswith("int "):
            unit = kind[4:]
            numbers, as_micros = {
                "s": (counts // SECOND, f"{quoted(name)} * 1000000"),
                "ms": (counts // 1000, f"{quoted(name)} * 1000"),
                "us": (counts, quoted(name)),
                "ns": (counts * 1000 + self.rng.integers(0, 1000, size=self.rows), f"{quoted(name)} // 1000"),
            }[unit]
            self.add(name, pa.array(numbers, pa.int64(), mask=nulls))
        else:
            of = "ns" if kind == "int96" else kind[:2]
            if of == "ns" and self.writer == "duckdb":
                of = "us"  # DuckDB's own writer has nanoseconds in milliseconds' place otherwise
            zone = self.pick(["UTC", "Europe/Paris", "+05:30"]) if "zone" in kind else None
            if (of == "ns" and zone) or (self.writer == "polars" and zone == "+05:30"):
                zone = "UTC"
            scaled = {"ms": counts // 1000, "us": counts, "ns": counts * 1000 + 7}[of]
            self.add(name, pa.array(scaled, pa.int64(), mask=nulls).cast(pa.timestamp(of, zone)))
            if of == "ns":
                as_micros = f"epoch_ns({quoted(name)}) // 1000"
        return Column(name, "role", as_micros, [], unit=unit, type=kind)

    def spelled(self, micros):
        moment = np.datetime64(int(micros), "us").item()
        return self.pick([
            lambda: moment.isoformat() + "Z",
            lambda: moment.isoformat(),
            lambda: moment.isoformat(sep=" "),
            lambda: np.datetime64(int(micros) + 2 * HOUR, "us").item().isoformat() + "+02:00",
            lambda: np.datetime64(int(micros) - 3 * HOUR - 30 * MINUTE, "us").item().isoformat(sep=" ") + "-03:30",
        ])()

    def event(self, name):
        self.add(name, self.text_array(self.take(EVENTS[: int(self.rng.integers(2, len(EVENTS) + 1))], pa.string())))
        return Column(name, "text", f"CAST({quoted(name)} AS VARCHAR)", EVENTS)

    def session_id(self, name):
        times = [int((FIRST + offset) // 1000) for offset in self.rng.integers(-2 * DAY, 8 * DAY, size=self.pick([5, 300]))]
        kind = self.pick(["int64", "int64", "uint64", "float", "text", "text of numbers"])
        typed = f"CAST({quoted(name)} AS BIGINT)"
        if kind == "text":
            pool = [f"s{number % 1000}" for number in times] + ["", "none", "-1", "None"]
            self.add(name, self.text_array(self.take(pool, pa.string())))
            typed = f"CAST({quoted(name)} AS VARCHAR)"
        elif kind == "text of numbers":
            self.add(name, self.text_array(self.take([str(number) for number in times] + ["-1", "17"], pa.string())))
            typed = f"CAST({quoted(name)} AS VARCHAR)"
        elif kind == "float":
            self.add(name, self.take([float(number) for number in times] + [-1.0, 0.5, 12.0], pa.float64()))
            typed = f"CASE WHEN {quoted(name)} = floor({quoted(name)}) THEN {typed} END"
        else:
            self.add(name, self.take(times + [3, 12] + ([-1] if kind == "int64" else []), getattr(pa, kind)()))
        return Column(name, "role", typed, [], type=kind)

    def property(self, name):
        kind = self.pick(["text", "text", "int64", "int16", "many"])
        if kind == "many":
            self.add(name, self.text_array(self.take([f"order {number}" for number in range(3000)], pa.string())))
        elif kind == "text":
            self.add(name, self.text_array(self.take(["a", "b", "", "é", "none", "-1"], pa.string())))
        else:
            self.add(name, self.take([-1, 0, 7, 300], getattr(pa, kind)()))
        typed = quoted(name) if kind.startswith("int") else f"CAST({quoted(name)} AS VARCHAR)"
        return Column(name, "role", typed, [], type=kind)

    def sequence(self, name):
        of = self.pick([pa.int64(), pa.int32(), pa.uint16()])
        self.add(name, self.take(list(range(20)), of))
        return Column(name, "int", quoted(name), list(range(20)), number=True)

    def dedup(self, name):
        kind = self.pick(["text", "int64", "uint64", "uuid", "date", "float"])
        as_text = f"CAST({quoted(name)} AS VARCHAR)"
        if kind == "text":
            self.add(name, self.text_array(self.take([f"id{number}" for number in range(50)] + [""], pa.string())))
        elif kind == "uuid" and self.writer != "polars":
            pool = [uuid.UUID(int=number * 7919 + (1 << 99)).bytes for number in range(50)]
            self.add(name, pa.ExtensionArray.from_storage(pa.uuid(), self.take(pool, pa.binary(16))))
        elif kind == "date":
            self.add(name, self.take([20_000 + number for number in range(50)], pa.int32()).cast(pa.date32()))
        elif kind == "float":
            self.add(name, self.take([number / 2 for number in range(50)], pa.float64()))
        else:
            self.add(name, self.take(list(range(50)), pa.uint64() if kind == "uint64" else pa.int64()))
        return Column(name, "role", as_text, [], type=kind)

    # Columns that conditions ask about

    def asked(self):
        columns = []

        def add(name, kind, array, pool, number=False):
            self.add(name, array)
            sql = f"CAST({quoted(name)} AS VARCHAR)" if kind == "text" else quoted(name)
            columns.append(Column(name, kind, sql, pool, number))

        for bits in (8, 16, 32, 64):
            # DuckDB writes differences of 32 bits that take 33, which other readers, pyarrow among them, refuse.
            top = 1 << (29 if bits == 32 and self.writer == "duckdb" else bits - 1)
            pool = [0, 1, -1, 2, 7, -7, top - 1, -top]
            add(f"i{bits}", "int", self.take(pool, getattr(pa, f"int{bits}")()), pool, bits in (16, 32))
            pool = [0, 1, 2, 7, 2 * top - 1, top]
            add(f"n{bits}", "int", self.take(pool, getattr(pa, f"uint{bits}")()), pool + [-1], bits == 16)
        pool = [0.0, -0.0, 0.5, -0.5, 1.25, -3.0, 1e9] + ([] if self.chance(0.5) else [float("nan"), float("inf"), float("-inf")])
        add("f32", "float", self.take(pool, pa.float32()), pool)
        add("f64", "float", self.take(pool, pa.float64()), pool)
        add("truth", "truth", self.take([True, False], pa.bool_()), [])
        words = ["", "a", "ab", "abc", "b", "aé", "日本", "A_b", "50%", "a b", "same beginning, long enough to be cut: " + "x" * 80]
        many = [f"w{number}" for number in range(self.pick([10, 4000]))]
        add("word", "text", self.text_array(self.take(words, pa.string())), words)
        add("many", "text", self.text_array(self.take(many, pa.string())), many[:12])
        days = [20_452 + day for day in range(-3, 6)]
        dates = [str(np.datetime64(day, "D")) for day in days]
        add("day", "date", self.take(days, pa.int32()).cast(pa.date32()), dates)
        moments = [FIRST + offset for offset in (0, 1_000, 1_000_000, HOUR, DAY, 25 * HOUR, -DAY, -1_000)]
        spelled = [np.datetime64(moment, "us").item().isoformat(sep=" ") for moment in moments] + dates
        for unit, zone in (("ms", None), ("us", None), ("us", "UTC"), ("ms", "UTC")):
            scaled = [moment // {"ms": 1000, "us": 1}[unit] for moment in moments]
            add(f"{unit}_{'zone' if zone else 'plain'}", "time", self.take(scaled, pa.int64()).cast(pa.timestamp(unit, zone)), spelled)
        money = [decimal.Decimal(text) for text in ("0.00", "1.50", "-1.50", "99.99", "1000000.01")]
        add("money", "decimal", self.take(money, pa.decimal128(self.pick([9, 12, 30]), 2)), [str(value) for value in money])
        return columns

    def nested(self):
        """Values inside of a struct, a map and JSON text."""
        columns = []
        words, numbers = ["x", "y", "", "z é"], [0, 1, -5, 12345]
        pool = [{"word": self.pick([*words, None]), "number": self.pick([*numbers, None])} for _ in range(30)]
        of = pa.struct([("word", pa.string()), ("number", pa.int64())])
        self.add("box", self.take(pool, of))
        columns.append(Column("box.word", "text", "struct_extract(box, 'word')", words))
        columns.append(Column("box.number", "int", "struct_extract(box, 'number')", numbers, number=True))
        documents = [json.dumps({"word": self.pick(words), "number": self.pick(numbers), "more": {"word": self.pick(words)}}) for _ in range(30)]
        documents += [json.dumps({"word": None}), "{}"]
        self.add("doc", self.text_array(self.take(documents, pa.string()), is_json=True))
        scalars = ['"a"', '"b"', "17", "true", "null"]
        self.add("scalar", self.text_array(self.take(scalars, pa.string()), is_json=True))
        columns.append(Column("scalar", "text", "CAST(scalar AS VARCHAR)", scalars))
        columns.append(Column("doc.word", "text", "json_extract_string(doc, '$.word')", words))
        columns.append(Column("doc.number", "int", "TRY_CAST(json_extract_string(doc, '$.number') AS BIGINT)", numbers))
        columns.append(Column("doc.more.word", "text", "json_extract_string(doc, '$.more.word')", words))
        entries = [
            [
                {"key": key, "value": {"word": self.pick([*words, None]), "number": None} if key == "word" else {"word": None, "number": self.pick(numbers)}}
                for key in self.pick([["word", "number"], ["number"], ["other", "number", "word"], []])
            ]
            for _ in range(30)
        ]
        of = pa.list_(pa.struct([("key", pa.string()), ("value", pa.struct([("word", pa.string()), ("number", pa.int64())]))]))
        self.add("params", self.take(entries, of))
        of_key = "list_filter(params, lambda entry: entry.key = '{}')[1]"
        columns.append(Column("params.word", "text", f"{of_key.format('word')}.value.word", words))
        columns.append(Column("params.number", "int", f"{of_key.format('number')}.value.number", numbers))
        if self.writer != "polars":  # which makes lists of them
            maps = [[("word", self.pick([*words, None])), ("other", "o")][: int(self.rng.integers(3))] for _ in range(30)]
            self.add("tags", self.take(maps, pa.map_(pa.string(), pa.string())))
            columns.append(Column("tags.word", "text", "tags['word']", words))
        return columns


def make(rng, rows, writer):
    """A table, and which of its columns may play which role."""
    maker = Maker(rng, rows, writer)
    users = [maker.user("user_id"), maker.user("who")]
    times = [maker.time("event_time"), maker.time("seen_at")]
    events = [maker.event("event_type"), maker.event("did")]
    ids = [maker.session_id("session_id"), maker.session_id("visit")]
    properties = [maker.property("order_id"), maker.property("basket")]
    sequences, dedups = [maker.sequence("place")], [maker.dedup("insert_id"), maker.dedup("other_id")]
    asked, nested = maker.asked(), maker.nested()
    texts = [column for column in nested if column.kind == "text"]
    users, events, properties, dedups = users + texts[:2], events + texts, properties + texts, dedups + texts[:1]
    names = list(maker.arrays)
    rng.shuffle(names)
    table = pa.table({name: maker.arrays[name] for name in names})
    return Table(table, users, times, events, ids, properties, sequences, dedups, asked + nested + events[:2] + sequences)
