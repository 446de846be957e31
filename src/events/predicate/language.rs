//! The language of conditions: a closed list of operators, functions and types (SPEC 1).
//!
//! What is not on it is refused where it stands, before anything is read: an engine that happens to take it may mean
//! something else by it. What is on it means what DuckDB means by it.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, CastKind, CeilFloorKind, DataType as SqlType, DateTimeField, ExactNumberInfo, Expr as Sql,
    Function as Call, FunctionArg, FunctionArgExpr, FunctionArguments, Spanned, UnaryOperator, Value,
};
use sqlparser::tokenizer::Location;

use crate::stats::nearest::nearest;

/// What is wrong with a condition, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// What is wrong, and what to do.
    pub reason: String,
    /// Where, if it is known: line and column, from 1.
    pub at: Location,
}

impl Problem {
    /// Something wrong with a part of a condition.
    pub fn new(sql: &Sql, reason: impl Into<String>) -> Self {
        Problem { reason: reason.into(), at: place_of(sql) }
    }
}

/// Where a part of a condition begins.
fn place_of(sql: &Sql) -> Location {
    match sql {
        Sql::Function(call) => call.name.span().start,
        other => other.span().start,
    }
}

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `LOWER(text)`
    Lower,
    /// `UPPER(text)`
    Upper,
    /// `LENGTH(text)`, in characters.
    Length,
    /// `TRIM(text)`, `TRIM(text, signs)`, and of one side only.
    Trim(Sides),
    /// `REPLACE(text, part, by)`
    Replace,
    /// `SUBSTR(text, start)`, `SUBSTR(text, start, length)`
    Substring,
    /// `LEFT(text, length)`
    Left,
    /// `RIGHT(text, length)`
    Right,
    /// `CONCAT(value, …)`, which passes over null.
    Concat,
    /// `STARTS_WITH(text, beginning)`
    StartsWith,
    /// `ENDS_WITH(text, end)`
    EndsWith,
    /// `CONTAINS(text, part)`
    Contains,
    /// `STRPOS(text, part)`
    Position,
    /// `SPLIT_PART(text, separator, number)`
    SplitPart,
    /// `REGEXP_MATCHES(text, pattern)`
    Matches,
    /// `ABS(number)`
    Abs,
    /// `SIGN(number)`
    Sign,
    /// `ROUND(number)`, `ROUND(number, digits)`
    Round,
    /// `FLOOR(number)`
    Floor,
    /// `CEIL(number)`
    Ceil,
    /// `TRUNC(number)`
    Trunc,
    /// `MOD(number, by)`
    Mod,
    /// `SQRT(number)`
    Sqrt,
    /// `POWER(number, exponent)`
    Power,
    /// `COALESCE(value, …)`
    Coalesce,
    /// `NULLIF(value, other)`
    NullIf,
    /// `GREATEST(value, …)`, which passes over null.
    Greatest,
    /// `LEAST(value, …)`, which passes over null.
    Least,
    /// `IF(condition, value, other)`
    If,
    /// `YEAR(time)` and the like.
    Field(Field),
    /// `DATE_PART('year', time)`
    DatePart,
    /// `DATE_TRUNC('month', time)`
    DateTrunc,
}

/// The sides of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sides {
    /// Both of them.
    Both,
    /// Its beginning.
    Start,
    /// Its end.
    End,
}

/// A part of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Its year.
    Year,
    /// 1 to 4.
    Quarter,
    /// 1 to 12.
    Month,
    /// The ISO week, 1 to 53.
    Week,
    /// The day of its month.
    Day,
    /// The day of its year.
    DayOfYear,
    /// The day of its week: 0 is Sunday.
    DayOfWeek,
    /// The day of its week: 1 is Monday, 7 Sunday.
    IsoDayOfWeek,
    /// The year of its ISO week.
    IsoYear,
    /// 0 to 23.
    Hour,
    /// 0 to 59.
    Minute,
    /// 0 to 59.
    Second,
    /// Those of its minute, seconds included.
    Millisecond,
    /// Those of its minute, seconds included.
    Microsecond,
    /// Seconds since 1970, with a fraction.
    Epoch,
    /// Whole milliseconds since 1970.
    EpochMillis,
}

/// The functions: name, how many arguments at least and at most, and what is meant.
const FUNCTIONS: &[(&str, usize, usize, Function)] = &[
    ("lower", 1, 1, Function::Lower),
    ("lcase", 1, 1, Function::Lower),
    ("upper", 1, 1, Function::Upper),
    ("ucase", 1, 1, Function::Upper),
    ("length", 1, 1, Function::Length),
    ("len", 1, 1, Function::Length),
    ("char_length", 1, 1, Function::Length),
    ("character_length", 1, 1, Function::Length),
    ("trim", 1, 2, Function::Trim(Sides::Both)),
    ("ltrim", 1, 2, Function::Trim(Sides::Start)),
    ("rtrim", 1, 2, Function::Trim(Sides::End)),
    ("replace", 3, 3, Function::Replace),
    ("substr", 2, 3, Function::Substring),
    ("substring", 2, 3, Function::Substring),
    ("left", 2, 2, Function::Left),
    ("right", 2, 2, Function::Right),
    ("concat", 1, MANY, Function::Concat),
    ("starts_with", 2, 2, Function::StartsWith),
    ("prefix", 2, 2, Function::StartsWith),
    ("ends_with", 2, 2, Function::EndsWith),
    ("suffix", 2, 2, Function::EndsWith),
    ("contains", 2, 2, Function::Contains),
    ("strpos", 2, 2, Function::Position),
    ("instr", 2, 2, Function::Position),
    ("split_part", 3, 3, Function::SplitPart),
    ("regexp_matches", 2, 2, Function::Matches),
    ("abs", 1, 1, Function::Abs),
    ("sign", 1, 1, Function::Sign),
    ("round", 1, 2, Function::Round),
    ("floor", 1, 1, Function::Floor),
    ("ceil", 1, 1, Function::Ceil),
    ("ceiling", 1, 1, Function::Ceil),
    ("trunc", 1, 1, Function::Trunc),
    ("mod", 2, 2, Function::Mod),
    ("sqrt", 1, 1, Function::Sqrt),
    ("power", 2, 2, Function::Power),
    ("pow", 2, 2, Function::Power),
    ("coalesce", 1, MANY, Function::Coalesce),
    ("ifnull", 2, 2, Function::Coalesce),
    ("nullif", 2, 2, Function::NullIf),
    ("greatest", 1, MANY, Function::Greatest),
    ("least", 1, MANY, Function::Least),
    ("if", 3, 3, Function::If),
    ("year", 1, 1, Function::Field(Field::Year)),
    ("quarter", 1, 1, Function::Field(Field::Quarter)),
    ("month", 1, 1, Function::Field(Field::Month)),
    ("week", 1, 1, Function::Field(Field::Week)),
    ("weekofyear", 1, 1, Function::Field(Field::Week)),
    ("day", 1, 1, Function::Field(Field::Day)),
    ("dayofmonth", 1, 1, Function::Field(Field::Day)),
    ("dayofyear", 1, 1, Function::Field(Field::DayOfYear)),
    ("dayofweek", 1, 1, Function::Field(Field::DayOfWeek)),
    ("isodow", 1, 1, Function::Field(Field::IsoDayOfWeek)),
    ("isoyear", 1, 1, Function::Field(Field::IsoYear)),
    ("hour", 1, 1, Function::Field(Field::Hour)),
    ("minute", 1, 1, Function::Field(Field::Minute)),
    ("second", 1, 1, Function::Field(Field::Second)),
    ("millisecond", 1, 1, Function::Field(Field::Millisecond)),
    ("microsecond", 1, 1, Function::Field(Field::Microsecond)),
    ("epoch", 1, 1, Function::Field(Field::Epoch)),
    ("epoch_ms", 1, 1, Function::Field(Field::EpochMillis)),
    ("date_part", 2, 2, Function::DatePart),
    ("datepart", 2, 2, Function::DatePart),
    ("date_trunc", 2, 2, Function::DateTrunc),
    ("datetrunc", 2, 2, Function::DateTrunc),
];

/// Arguments of functions that take any number of them.
const MANY: usize = 100;

const AGGREGATES: [&str; 9] = ["count", "sum", "avg", "min", "max", "median", "any_value", "first", "last"];
const CLOCKS: [&str; 8] = [
    "now",
    "today",
    "current_date",
    "current_time",
    "current_timestamp",
    "localtimestamp",
    "get_current_timestamp",
    "random",
];

impl Function {
    /// Whether it takes numbers: what may be one or text is one then.
    pub fn takes_numbers(self) -> bool {
        use Function as F;
        matches!(self, F::Abs | F::Sign | F::Round | F::Floor | F::Ceil | F::Trunc | F::Mod | F::Sqrt | F::Power)
    }

    /// Whether what it gives is a number.
    pub fn gives_number(self) -> bool {
        self.takes_numbers()
            || matches!(self, Function::Length | Function::Position | Function::Field(_) | Function::DatePart)
    }
}

impl Field {
    /// The field of a name, such as `dow`.
    pub fn named(name: &str) -> Option<Field> {
        Some(match name.to_ascii_lowercase().as_str() {
            "year" | "years" => Field::Year,
            "quarter" | "quarters" => Field::Quarter,
            "month" | "months" => Field::Month,
            "week" | "weeks" | "weekofyear" => Field::Week,
            "day" | "days" | "dayofmonth" => Field::Day,
            "doy" | "dayofyear" => Field::DayOfYear,
            "dow" | "dayofweek" | "weekday" => Field::DayOfWeek,
            "isodow" => Field::IsoDayOfWeek,
            "isoyear" => Field::IsoYear,
            "hour" | "hours" => Field::Hour,
            "minute" | "minutes" => Field::Minute,
            "second" | "seconds" => Field::Second,
            "millisecond" | "milliseconds" => Field::Millisecond,
            "microsecond" | "microseconds" => Field::Microsecond,
            "epoch" => Field::Epoch,
            _ => return None,
        })
    }

    /// The field that `EXTRACT` asks for.
    pub fn of(field: &DateTimeField) -> Option<Field> {
        match field {
            DateTimeField::DayOfWeek => Some(Field::DayOfWeek),
            DateTimeField::DayOfYear => Some(Field::DayOfYear),
            other => Field::named(&other.to_string()),
        }
    }

    /// Whether times can be cut to it.
    pub fn is_unit(self) -> bool {
        use Field as F;
        matches!(
            self,
            F::Year
                | F::Quarter
                | F::Month
                | F::Week
                | F::Day
                | F::Hour
                | F::Minute
                | F::Second
                | F::Millisecond
                | F::Microsecond
        )
    }
}

/// A type that values can be cast to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// `BOOLEAN`
    Boolean,
    /// Whole numbers between two.
    Int(i128, i128),
    /// `FLOAT`, `REAL`
    Float,
    /// `DOUBLE`
    Double,
    /// `DECIMAL(precision, scale)`
    Decimal(u32, u32),
    /// `VARCHAR`, `TEXT`
    Text,
    /// `DATE`
    Date,
    /// `TIMESTAMP`
    Timestamp,
}

impl Target {
    /// The type that is meant by a name.
    pub fn of(name: &SqlType) -> Option<Target> {
        use SqlType as T;
        let int = |bits: u32| Target::Int(-(1 << (bits - 1)), (1 << (bits - 1)) - 1);
        let unsigned = |bits: u32| Target::Int(0, (1 << bits) - 1);
        Some(match name {
            T::Bool | T::Boolean => Target::Boolean,
            T::TinyInt(None) => int(8),
            T::SmallInt(None) | T::Int2(None) | T::Int16 => int(16),
            T::Int(None) | T::Integer(None) | T::Int4(None) | T::Int32 => int(32),
            T::BigInt(None) | T::Int8(None) | T::Int64 => int(64),
            T::UTinyInt | T::UInt8 => unsigned(8),
            T::USmallInt | T::UInt16 => unsigned(16),
            T::UInt32 => unsigned(32),
            T::UBigInt | T::UInt64 => unsigned(64),
            T::Real | T::Float4 | T::Float32 | T::Float(ExactNumberInfo::None) => Target::Float,
            T::Double(ExactNumberInfo::None) | T::DoublePrecision | T::Float8 | T::Float64 => Target::Double,
            T::Decimal(info) | T::Numeric(info) | T::Dec(info) => decimal(info)?,
            T::Varchar(None) | T::Char(None) | T::CharVarying(None) | T::CharacterVarying(None) => Target::Text,
            T::Text | T::String(None) => Target::Text,
            T::Date => Target::Date,
            // All instants are in UTC, with a zone or without.
            T::Timestamp(None, _) | T::Datetime(None) => Target::Timestamp,
            T::Custom(name, with) if with.is_empty() => return custom(&name.to_string()),
            _ => return None,
        })
    }

    /// Whether values of it are numbers.
    pub fn is_number(self) -> bool {
        matches!(self, Target::Int(..) | Target::Float | Target::Double | Target::Decimal(..))
    }
}

fn custom(name: &str) -> Option<Target> {
    match name.to_ascii_lowercase().as_str() {
        "uinteger" => Some(Target::Int(0, i128::from(u32::MAX))),
        "long" => Some(Target::Int(i128::from(i64::MIN), i128::from(i64::MAX))),
        _ => None,
    }
}

fn decimal(info: &ExactNumberInfo) -> Option<Target> {
    let (precision, scale) = match info {
        ExactNumberInfo::None => (18, 3),
        ExactNumberInfo::Precision(precision) => (u32::try_from(*precision).ok()?, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => {
            (u32::try_from(*precision).ok()?, u32::try_from(*scale).ok()?)
        }
    };
    ((1..=38).contains(&precision) && scale <= precision).then_some(Target::Decimal(precision, scale))
}

/// The function that a call is of by its name.
pub fn function_of(call: &Call) -> Option<Function> {
    let name = call.name.to_string().to_ascii_lowercase();
    FUNCTIONS.iter().find(|(known, ..)| *known == name).map(|(.., function)| *function)
}

/// The function that a call is of, with its arguments.
///
/// # Errors
/// A function that is not on the list, or with other arguments than it takes.
pub fn function<'c>(sql: &Sql, call: &'c Call) -> Result<(Function, Vec<&'c Sql>), Problem> {
    let name = call.name.to_string().to_ascii_lowercase();
    let known = FUNCTIONS.iter().find(|(known, ..)| *known == name);
    let Some((_, least, most, function)) = known else { return Err(Problem::new(sql, not_a_function(&name))) };
    let refused = |what: &str| Err(Problem::new(sql, format!("{what} is not known here, after {name}")));
    if call.filter.is_some() || call.over.is_some() || !call.within_group.is_empty() || call.null_treatment.is_some() {
        return refused("FILTER, OVER or WITHIN GROUP");
    }
    let list = match &call.args {
        FunctionArguments::List(list) if list.clauses.is_empty() && list.duplicate_treatment.is_none() => list,
        FunctionArguments::None => return refused("a name without brackets"),
        _ => return refused("DISTINCT or ORDER BY"),
    };
    let mut arguments = Vec::with_capacity(list.args.len());
    for argument in &list.args {
        match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) => arguments.push(argument),
            _ => return refused("* or a named argument"),
        }
    }
    if !(*least..=*most).contains(&arguments.len()) {
        let takes = match (least, most) {
            (least, most) if least == most => format!("{least}"),
            (least, &MANY) => format!("{least} or more"),
            (least, most) => format!("{least} or {most}"),
        };
        return Err(Problem::new(sql, format!("{name} takes {takes} arguments, not {}", arguments.len())));
    }
    Ok((*function, arguments))
}

fn not_a_function(name: &str) -> String {
    if AGGREGATES.contains(&name) {
        return format!("a condition is asked of each row by itself, so it cannot aggregate over rows with {name}");
    }
    if CLOCKS.contains(&name) {
        return format!(
            "{name} is another value in each run, and the same events have to give the same sessions; write a constant"
        );
    }
    match nearest(name, FUNCTIONS.iter().map(|(known, ..)| *known)) {
        Some(near) => format!("there is no function {name} here; did you mean {near}?"),
        None => {
            let mut names: Vec<&str> = FUNCTIONS.iter().map(|(known, ..)| *known).collect();
            names.sort_unstable();
            format!("there is no function {name} here; the functions are {}", names.join(", "))
        }
    }
}

/// Makes sure that a condition consists of what is on the list.
///
/// # Errors
/// The first thing that is not, and where it is.
pub fn check(sql: &Sql) -> Result<(), Problem> {
    let checked = sqlparser::ast::visit_expressions(sql, |expr| match check_one(expr) {
        Ok(()) => ControlFlow::Continue(()),
        Err(problem) => ControlFlow::Break(problem),
    });
    match checked {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(problem) => Err(problem),
    }
}

fn check_one(sql: &Sql) -> Result<(), Problem> {
    let refused = |what: String| Err(Problem::new(sql, what));
    match sql {
        Sql::Identifier(_) | Sql::CompoundIdentifier(_) | Sql::Nested(_) | Sql::InList { .. } => Ok(()),
        Sql::Between { .. } | Sql::Case { .. } | Sql::Position { .. } | Sql::IsNull(_) | Sql::IsNotNull(_) => Ok(()),
        Sql::IsTrue(_) | Sql::IsNotTrue(_) | Sql::IsFalse(_) | Sql::IsNotFalse(_) => Ok(()),
        Sql::IsUnknown(_) | Sql::IsNotUnknown(_) | Sql::IsDistinctFrom(..) | Sql::IsNotDistinctFrom(..) => Ok(()),
        Sql::Like { any: false, .. } | Sql::ILike { any: false, .. } => Ok(()),
        Sql::Substring { special: _, substring_from: Some(_), .. } | Sql::Trim { .. } | Sql::Interval(_) => Ok(()),
        Sql::Ceil { field, .. } | Sql::Floor { field, .. } => match field {
            CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) => Ok(()),
            _ => refused("FLOOR and CEIL take a number alone; times are cut by DATE_TRUNC".to_string()),
        },
        Sql::BinaryOp { op, .. } if is_known(op) => Ok(()),
        Sql::BinaryOp { op, .. } => refused(format!("the operator {op} is not known here{}", instead_of(op))),
        Sql::UnaryOp { op: UnaryOperator::Not | UnaryOperator::Minus | UnaryOperator::Plus, .. } => Ok(()),
        Sql::UnaryOp { op, .. } => refused(format!("the operator {op} is not known here")),
        Sql::Value(value) => match &value.value {
            Value::Number(..) | Value::SingleQuotedString(_) | Value::Boolean(_) | Value::Null => Ok(()),
            Value::EscapedStringLiteral(_) | Value::DollarQuotedString(_) => Ok(()),
            other => refused(format!("a constant written like {other} is not known here")),
        },
        Sql::TypedString(typed) => match Target::of(&typed.data_type) {
            Some(Target::Date | Target::Timestamp) => Ok(()),
            _ => refused(format!("a constant of the type {} is not known here", typed.data_type)),
        },
        Sql::Cast { kind, data_type, array: false, format: None, .. } => match (kind, Target::of(data_type)) {
            (_, Some(_)) => Ok(()),
            (CastKind::Cast | CastKind::TryCast | CastKind::SafeCast | CastKind::DoubleColon, None) => {
                refused(format!("the type {data_type} is not known here; the types are {TYPES}"))
            }
        },
        Sql::Extract { field, .. } => match Field::of(field) {
            Some(_) => Ok(()),
            None => refused(format!("{field} cannot be extracted from a time here; {FIELDS}")),
        },
        Sql::Function(call) => function(sql, call).map(|_| ()),
        Sql::Subquery(_) | Sql::Exists { .. } | Sql::InSubquery { .. } => {
            refused("it is asked of each row by itself, so it cannot have a query in it".to_string())
        }
        other => {
            let text: String = other.to_string().chars().take(80).collect();
            refused(format!("this is not known here: {text}"))
        }
    }
}

/// The names of types.
pub const TYPES: &str = "BOOLEAN, TINYINT, SMALLINT, INTEGER, BIGINT, UTINYINT, USMALLINT, UINTEGER, UBIGINT, FLOAT, \
                         DOUBLE, DECIMAL(p, s), VARCHAR, DATE and TIMESTAMP";
/// The names of parts of times.
pub const FIELDS: &str = "its parts are year, quarter, month, week, day, doy, dow, isodow, isoyear, hour, minute, \
                          second, millisecond, microsecond and epoch";

fn is_known(op: &BinaryOperator) -> bool {
    use BinaryOperator as B;
    matches!(
        op,
        B::Plus
            | B::Minus
            | B::Multiply
            | B::Divide
            | B::Modulo
            | B::DuckIntegerDivide
            | B::StringConcat
            | B::Eq
            | B::NotEq
            | B::Lt
            | B::LtEq
            | B::Gt
            | B::GtEq
            | B::And
            | B::Or
    )
}

fn instead_of(op: &BinaryOperator) -> &'static str {
    use BinaryOperator as B;
    match op {
        B::MyIntegerDivide => "; write //",
        B::PGExp | B::BitwiseXor | B::PGBitwiseXor => "; write POWER(…)",
        B::Spaceship => "; write IS NOT DISTINCT FROM",
        B::PGRegexMatch | B::PGRegexIMatch | B::PGRegexNotMatch | B::PGRegexNotIMatch | B::Regexp => {
            "; write REGEXP_MATCHES(…)"
        }
        B::Xor => "; write IS DISTINCT FROM",
        _ => "",
    }
}
