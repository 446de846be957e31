"""Random conditions: each in the words of a job and in those of DuckDB, which mostly are the same."""

COMPARISONS = ["=", "<>", "<", "<=", ">", ">="]


class Conditions:
    def __init__(self, rng, columns):
        self.rng, self.columns = rng, columns
        self.leaves = {
            "int": self.number,
            "float": self.number,
            "decimal": self.number,
            "text": self.text,
            "truth": self.truth,
            "date": self.spelled,
            "time": self.spelled,
        }

    def pick(self, values):
        return values[int(self.rng.integers(len(values)))]

    def make(self, depth=2):
        """A condition as a pair of texts."""
        if depth == 0 or self.rng.random() < 0.35:
            return self.leaf()
        kind = self.pick(["AND", "AND", "OR", "OR", "NOT", "IS"])
        left = self.make(depth - 1)
        if kind == "NOT":
            return tuple(f"NOT ({text})" for text in left)
        if kind == "IS":
            what = self.pick(["TRUE", "FALSE", "NOT TRUE", "NOT FALSE", "NULL", "NOT NULL"])
            return tuple(f"(({text}) IS {what})" for text in left)
        right = self.make(depth - 1)
        return tuple(f"({a} {kind} {b})" for a, b in zip(left, right))

    def leaf(self):
        column = self.pick(self.columns)
        if self.rng.random() < 0.1:
            what = self.pick(["IS NULL", "IS NOT NULL"])
            return f"{column.quoted} {what}", f"{column.sql} {what}"
        if self.rng.random() < 0.06:
            alike = [other for other in self.columns if other.kind == column.kind and other.type == column.type and "." not in other.name]
            if column.kind in ("int", "text", "float", "truth") and "." not in column.name and alike:
                other, sign = self.pick(alike), self.pick(COMPARISONS)
                return f"{column.quoted} {sign} {other.quoted}", f"{column.sql} {sign} {other.sql}"
        return self.leaves[column.kind](column)

    def compared(self, column, constants, both=None):
        """A column, or what is made of it, beside constants."""
        ours, theirs = both or (column.quoted, column.sql)
        form = self.pick(["one", "one", "one", "swapped", "in", "not in", "between", "not between"])
        if form == "one":
            rest = f"{self.pick(COMPARISONS)} {self.pick(constants)}"
        elif form == "swapped":
            beside = f"{self.pick(constants)} {self.pick(COMPARISONS)}"
            return f"{beside} {ours}", f"{beside} {theirs}"
        elif form.endswith("in"):
            some = [self.pick(constants) for _ in range(int(self.rng.integers(1, 6)))]
            some += ["NULL"] if self.rng.random() < 0.1 else []
            rest = f"{form.upper()} ({', '.join(some)})"
        else:
            rest = f"{form.upper()} {self.pick(constants)} AND {self.pick(constants)}"
        return f"{ours} {rest}", f"{theirs} {rest}"

    def number(self, column):
        finite = [value for value in column.pool if str(value) not in ("nan", "inf", "-inf")]
        constants = [str(value) if column.kind != "float" else f"{value:.2f}" for value in finite]
        if column.kind == "int":
            constants += ["0.5", "-0.5", "1.0"] if self.rng.random() < 0.3 else ["3", "-3", "100"]
        if column.number and self.rng.random() < 0.25:
            sign, other = self.pick([("%", 3), ("%", -3), ("+", 5), ("-", 5), ("*", 2), ("*", -1)])
            wide = f"CAST({column.sql} AS BIGINT)"
            return self.compared(column, constants, (f"({column.quoted} {sign} {other})", f"({wide} {sign} {other})"))
        return self.compared(column, constants)

    def text(self, column):
        spelled = lambda text: "'" + text.replace("'", "''") + "'"
        kind = self.pick(["compared", "compared", "like", "like", "made"])
        if kind == "compared":
            return self.compared(column, [spelled(value) for value in column.pool + ["a", "zz"]])
        if kind == "made":
            made = self.pick(["lower({})", "upper({})", "length({})", "coalesce({}, 'none')", "CASE WHEN {} = 'a' THEN 'b' ELSE 'c' END"])
            both = made.format(column.quoted), made.format(column.sql)
            constants = ["0", "1", "3"] if made.startswith("length") else [spelled(value) for value in ["a", "B", "none", "b", "zoom"]]
            return self.compared(column, constants, both)
        value = self.pick([value for value in column.pool if "%" not in value and "_" not in value] or [""])
        start = value[: int(self.rng.integers(len(value) + 1))]
        pattern = self.pick([f"{start}%", f"%{start}", f"%{start}%", f"{start}_%", f"_{start}%", f"{start}%{start}", value])
        rest = f"{self.pick(['LIKE', 'LIKE', 'NOT LIKE'])} {spelled(pattern)}"
        return f"{column.quoted} {rest}", f"{column.sql} {rest}"

    def truth(self, column):
        form = self.pick(["{}", "NOT {}", "{} = TRUE", "{} <> TRUE", "{} = FALSE", "{} IS TRUE", "{} IS NOT FALSE"])
        return form.format(column.quoted), form.format(column.sql)

    def spelled(self, column):
        constants = column.pool if column.kind == "time" else [value for value in column.pool if len(value) == 10]
        return self.compared(column, [f"'{value}'" for value in constants])
