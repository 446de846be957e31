//! What we compute is what polars computes.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Date32Array, DictionaryArray, Float32Array, Float64Array, Int16Array, Int32Array,
    Int64Array, Int8Array, RecordBatch, StringViewArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, TimestampSecondArray, UInt16Array, UInt32Array, UInt64Array, UInt8Array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType as ArrowType, TimestampMicrosecondType, UInt32Type};
use polars::prelude::*;
use proptest::prelude::*;

use super::compile::formula;
use super::known::{KnownConditions, Seen};
use super::typed::{typed, Typed};
use super::{Conjunct, ParsedCondition};
use crate::events::bridge::frame_of;
use crate::events::decode::decoded::settle;
use crate::events::normalise::extract::made_of;
use crate::events::source::columns::Columns;
use crate::events::source::footer::{FileSchema, Footer};
use crate::events::source::input_file::InputFile;

/// What a column of the files holds, and what is written of it in conditions.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sort {
    Text,
    Int,
    UInt64,
    Float,
    Boolean,
    Time,
}

const COLUMNS: [(&str, Sort); 24] = [
    ("text", Sort::Text),
    ("coded", Sort::Text),
    ("i8", Sort::Int),
    ("i16", Sort::Int),
    ("i32", Sort::Int),
    ("i64", Sort::Int),
    ("u8", Sort::Int),
    ("u16", Sort::Int),
    ("u32", Sort::Int),
    ("u64", Sort::UInt64),
    ("f32", Sort::Float),
    ("f64", Sort::Float),
    ("truth", Sort::Boolean),
    ("day", Sort::Time),
    ("seconds", Sort::Time),
    ("millis", Sort::Time),
    ("micros", Sort::Time),
    ("nanos", Sort::Time),
    ("folder_text", Sort::Text),
    ("folder_int", Sort::Int),
    ("folder_day", Sort::Time),
    ("folder_null", Sort::Text),
    ("missing_text", Sort::Text),
    ("missing_int", Sort::Int),
];

const DAY: i64 = 86_400;
/// 2026-01-04.
const FIRST: i64 = 20_457 * DAY;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![5 => "[ab]{0,3}", 1 => "[ab]{0,2}%?é?b", 1 => "common beginning, [ab]{1,2}"]
}

/// The same small choice of values for all numbers, with the ends of each type by wrapping.
fn number() -> impl Strategy<Value = i64> {
    prop_oneof![-3i64..=4, Just(127), Just(128), Just(300), Just(i64::MAX), Just(i64::MIN), Just(1 << 53)]
}

fn float() -> impl Strategy<Value = f64> {
    let special = [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0];
    prop_oneof![3 => (-3i32..=4).prop_map(|n| f64::from(n) / 2.0), 1 => prop::sample::select(special.to_vec())]
}

/// Seconds about a few days, some of them whole days.
fn seconds() -> impl Strategy<Value = i64> {
    (-1i64..=3, prop_oneof![Just(0), Just(1), Just(DAY / 2)]).prop_map(|(day, seconds)| FIRST + day * DAY + seconds)
}

fn column(name: &'static str, rows: usize) -> BoxedStrategy<ArrayRef> {
    fn nullable<T: std::fmt::Debug + 'static>(
        values: impl Strategy<Value = T> + 'static,
        rows: usize,
    ) -> BoxedStrategy<Vec<Option<T>>> {
        let some = prop::option::weighted(0.8, values);
        prop::collection::vec(some, rows).boxed()
    }
    macro_rules! of {
        ($array:ty, $values:expr, $to:expr) => {
            nullable($values, rows)
                .prop_map(|values| {
                    let values = values.into_iter().map(|value| value.map($to));
                    Arc::new(<$array>::from(values.collect::<Vec<_>>())) as ArrayRef
                })
                .boxed()
        };
    }
    match name {
        "text" => of!(StringViewArray, text(), |text: String| text),
        "coded" => nullable(text(), rows)
            .prop_map(|texts| {
                let texts: DictionaryArray<UInt32Type> = texts.iter().map(Option::as_deref).collect();
                Arc::new(texts) as ArrayRef
            })
            .boxed(),
        "i8" => of!(Int8Array, number(), |n: i64| n as i8),
        "i16" => of!(Int16Array, number(), |n: i64| n as i16),
        "i32" => of!(Int32Array, number(), |n: i64| n as i32),
        "i64" => of!(Int64Array, number(), |n: i64| n),
        "u8" => of!(UInt8Array, number(), |n: i64| n as u8),
        "u16" => of!(UInt16Array, number(), |n: i64| n as u16),
        "u32" => of!(UInt32Array, number(), |n: i64| n as u32),
        "u64" => of!(UInt64Array, number(), |n: i64| n as u64),
        "f32" => of!(Float32Array, float(), |n: f64| n as f32),
        "f64" => of!(Float64Array, float(), |n: f64| n),
        "truth" => of!(BooleanArray, any::<bool>(), |truth: bool| truth),
        "day" => of!(Date32Array, seconds(), |s: i64| (s / DAY) as i32),
        "seconds" => of!(TimestampSecondArray, seconds(), |s: i64| s),
        "millis" => of!(TimestampMillisecondArray, seconds(), |s: i64| s * 1_000),
        "micros" => of!(TimestampMicrosecondArray, seconds(), |s: i64| s * 1_000_000),
        _ => of!(TimestampNanosecondArray, seconds(), |s: i64| s * 1_000_000_000 + s % 2),
    }
}

fn rows(count: usize) -> impl Strategy<Value = RecordBatch> {
    let in_file = COLUMNS.iter().take_while(|(name, _)| !name.starts_with("folder"));
    let columns: Vec<BoxedStrategy<(&str, ArrayRef, bool)>> =
        in_file.map(|(name, _)| column(name, count).prop_map(|values| (*name, values, true)).boxed()).collect();
    columns.prop_map(|mut columns| {
        // One with a zone.
        for (name, values, _) in &mut columns {
            if let ("micros", Some(times)) = (*name, values.as_primitive_opt::<TimestampMicrosecondType>()) {
                *values = Arc::new(times.clone().with_timezone("Europe/Paris"));
            }
        }
        settle(RecordBatch::try_from_iter_with_nullable(columns).expect("of one length")).expect("of all types")
    })
}

/// A constant beside a column.
fn constant(sort: Sort, for_days: bool) -> BoxedStrategy<String> {
    let days = (3u32..=8).prop_map(|day| format!("'2026-01-{day:02}'"));
    match sort {
        Sort::Text => text().prop_map(|text| format!("'{text}'")).boxed(),
        Sort::Int => prop_oneof![
            4 => (-4i64..=5).prop_map(|n| n.to_string()),
            1 => prop::sample::select(vec!["127", "128", "300", "9223372036854775807", "0.5", "-1.5", "2.0"])
                .prop_map(str::to_string),
        ]
        .boxed(),
        Sort::UInt64 => {
            prop::sample::select(vec!["0", "1", "3", "300", "-1", "0.5", "9223372036854775808", "18446744073709551615"])
                .prop_map(str::to_string)
                .boxed()
        }
        Sort::Float => prop_oneof![
            (-4i32..=5).prop_map(|n| format!("{:?}", f64::from(n) / 2.0)),
            (-2i32..=2).prop_map(|n| n.to_string()),
        ]
        .boxed(),
        Sort::Boolean => any::<bool>().prop_map(|truth| truth.to_string()).boxed(),
        Sort::Time if for_days => days.boxed(),
        Sort::Time => {
            let clock = |(day, clock): (u32, &str)| format!("'2026-01-{day:02} {clock}'");
            let clocks = prop::sample::select(vec!["00:00:00", "00:00:01", "12:00"]);
            prop_oneof![days, (3u32..=8, clocks).prop_map(clock)].boxed()
        }
    }
}

/// A test of one column.
fn test() -> impl Strategy<Value = String> {
    let of_column = |(name, sort): (&'static str, Sort)| {
        let constant = || constant(sort, name.ends_with("day"));
        let operator = prop::sample::select(vec!["=", "<>", "<", "<=", ">", ">="]);
        let compared =
            (constant(), operator, any::<bool>()).prop_map(move |(constant, operator, turned)| match turned {
                true => format!("{constant} {operator} {name}"),
                false => format!("{name} {operator} {constant}"),
            });
        let not = || prop::sample::select(vec!["", "NOT "]);
        let list = (not(), prop::collection::vec(constant(), 1..4))
            .prop_map(move |(not, list)| format!("{name} {not}IN ({})", list.join(", ")));
        let between = (not(), constant(), constant())
            .prop_map(move |(not, low, high)| format!("{name} {not}BETWEEN {low} AND {high}"));
        let null = not().prop_map(move |not| format!("{name} IS {not}NULL"));
        let distinct =
            (not(), constant()).prop_map(move |(not, other)| format!("{name} IS {not}DISTINCT FROM {other}"));
        let unknown = Just(format!("{name} = NULL"));
        let plain = prop_oneof![4 => compared, 2 => list, 2 => between, 1 => null, 1 => distinct, 1 => unknown];
        match sort {
            Sort::Text => {
                let pattern = (not(), "%?", "[ab.*é]{1,2}", "%?");
                let like = pattern
                    .prop_map(move |(not, before, text, after)| format!("{name} {not}LIKE '{before}{text}{after}'"));
                prop_oneof![2 => plain, 1 => like].boxed()
            }
            Sort::Boolean => {
                let alone = prop::sample::select(vec!["truth", "NOT truth", "truth IS TRUE", "truth IS NOT TRUE"]);
                prop_oneof![1 => plain, 1 => alone.prop_map(str::to_string)].boxed()
            }
            _ => plain.boxed(),
        }
    };
    prop::sample::select(COLUMNS.to_vec()).prop_flat_map(of_column)
}

fn condition() -> impl Strategy<Value = String> {
    test().prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left}) AND ({right})")),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left}) OR ({right})")),
            inner.clone().prop_map(|inner| format!("NOT ({inner})")),
            inner.clone().prop_map(|inner| format!("({inner}) IS NULL")),
            inner.clone().prop_map(|inner| format!("({inner}) IS NOT TRUE")),
            inner.clone().prop_map(|inner| format!("({inner}) IS FALSE")),
            inner.prop_map(|inner| format!("({inner}) IS NOT FALSE")),
        ]
    })
}

/// Two files: the first one lacks columns of the second.
fn footers(schema: &arrow::datatypes::Schema) -> [Footer; 2] {
    let decoded = |data_type: &ArrowType| match data_type {
        ArrowType::Dictionary(..) => ArrowType::Utf8View,
        other => other.clone(),
    };
    let mut fields: Vec<(String, ArrowType)> =
        schema.fields().iter().map(|field| (field.name().clone(), decoded(field.data_type()))).collect();
    let hive = [("folder_text", Some("ab")), ("folder_int", Some("2")), ("folder_day", Some("2026-01-05"))];
    let hive = hive.into_iter().chain([("folder_null", None)]);
    let hive: Vec<_> = hive.map(|(key, value)| (key.to_string(), value.map(str::to_string))).collect();
    let footer = |fields: &[(String, ArrowType)]| Footer {
        file: InputFile {
            path: PathBuf::from("x.parquet"),
            hive: hive.clone(),
            folder_kinds: None,
            object: None,
            table: None,
        },
        bytes: 0,
        modified: None,
        footer_bytes: 0,
        hash: String::new(),
        schema: Arc::new(FileSchema::of(fields.to_vec())),
        row_groups: Vec::new(),
        deleted: None,
    };
    let first = footer(&fields);
    fields.push(("missing_text".to_string(), ArrowType::Utf8View));
    fields.push(("missing_int".to_string(), ArrowType::Int64));
    [first, footer(&fields)]
}

/// A condition's parts over the first file.
struct Over {
    parts: Vec<(Typed, Conjunct)>,
    made: Vec<Expr>,
}

impl Over {
    fn new(condition: &str, footers: &[Footer]) -> PolarsResult<Over> {
        let parsed = ParsedCondition::parse(condition).expect("SQL");
        let resolved = parsed.resolve(&Columns::of(footers)).expect("known columns");
        let uses = || resolved.parts().flat_map(|part| &part.uses);
        let made: Vec<Expr> = made_of(uses(), &footers[0]).into_values().collect();
        let columns: Vec<String> =
            uses().filter_map(|(_, used)| used.column.file_column()).map(str::to_string).collect();
        let rows = footers[0].schema.no_rows(&columns)?.lazy();
        let mut rows = if made.is_empty() { rows } else { rows.with_columns(made.clone()) };
        let schema = rows.collect_schema()?;
        let parts = resolved.parts().map(|part| match typed(&part.sql, &schema) {
            Ok(expr) => Ok((expr, part.clone())),
            Err(problem) => Err(polars_err!(ComputeError: "{}", problem.reason)),
        });
        Ok(Over { parts: parts.collect::<PolarsResult<_>>()?, made })
    }

    fn formula(&self, footer: &Footer) -> Option<super::formula::Formula<super::compile::Question>> {
        let parts: Vec<(Typed, &Conjunct)> = self.parts.iter().map(|(typed, part)| (typed.clone(), part)).collect();
        formula(&parts, footer)
    }

    /// Row by row, as polars has it.
    fn by_polars(&self, batch: &RecordBatch) -> Vec<bool> {
        let plain = |values: &ArrayRef| match values.data_type() {
            ArrowType::Dictionary(..) => cast(values, &ArrowType::Utf8View).expect("text"),
            _ => Arc::clone(values),
        };
        let names = batch.schema_ref().fields().iter().map(|field| field.name().clone());
        let columns = names.zip(batch.columns()).map(|(name, values)| (name, plain(values), true));
        let plain = RecordBatch::try_from_iter_with_nullable(columns).expect("of one length");
        self.of_rows(&plain).unwrap_or_else(|_| {
            // polars trips over constants beside columns of nothing but nulls, where there are several rows.
            let row = |row| self.of_rows(&plain.slice(row, 1)).expect("computed");
            (0..plain.num_rows()).flat_map(row).collect()
        })
    }

    fn of_rows(&self, rows: &RecordBatch) -> PolarsResult<Vec<bool>> {
        let names: Vec<String> = rows.schema_ref().fields().iter().map(|field| field.name().clone()).collect();
        let rows = frame_of(rows, &names, &self.made)?.lazy();
        let all = self.parts.iter().map(|(part, _)| part.expr.clone()).reduce(Expr::and).expect("a part");
        let holds = rows.with_columns([all.fill_null(lit(false)).alias("holds")]).collect()?;
        Ok(holds.column("holds")?.bool()?.iter().map(|holds| holds == Some(true)).collect())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn conditions_that_we_know_hold_where_they_do_in_polars(
        conditions in prop::collection::vec(condition(), 1..6), batch in rows(12), next in rows(5), cut in 0usize..12,
    ) {
        let footers = footers(batch.schema_ref());
        let overs: Vec<(String, Over)> = conditions
            .into_iter()
            .filter_map(|condition| Over::new(&condition, &footers).ok().map(|over| (condition, over)))
            .collect();
        let mut formulas = Vec::new();
        for (bit, (condition, over)) in (3..).step_by(20).zip(&overs) {
            let formula = over.formula(&footers[0]);
            prop_assert!(formula.is_some(), "known: {} as {:?}", condition, over.parts);
            formulas.extend(formula.map(|formula| (bit, formula)));
        }
        let (known, too_much) = KnownConditions::new(formulas);
        prop_assert!(too_much.is_empty());
        let mut seen = Seen::default();
        for batch in [batch.slice(0, 0), batch.slice(0, cut), batch.slice(cut, 12 - cut), next, batch] {
            let answers = known.answers(&batch, &mut seen);
            prop_assert_eq!(answers.codes.len(), batch.num_rows());
            for (bit, (condition, over)) in (3..).step_by(20).zip(&overs) {
                let holds = |code: &u32| answers.by_code[*code as usize] >> bit & 1 == 1;
                let ours: Vec<bool> = answers.codes.iter().map(holds).collect();
                prop_assert_eq!(ours, over.by_polars(&batch), "{}", condition);
            }
        }
    }
}

/// Rows of all columns that are the same in each test.
fn some_rows() -> RecordBatch {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    rows(40).new_tree(&mut runner).expect("rows").current()
}

fn is_known(condition: &str) -> bool {
    let batch = some_rows();
    let footers = footers(batch.schema_ref());
    let over = Over::new(condition, &footers).expect("polars knows it");
    let Some(formula) = over.formula(&footers[0]) else { return false };
    let (known, too_much) = KnownConditions::new(vec![(0, formula)]);
    assert!(too_much.is_empty(), "{condition}");
    let mut seen = Seen::default();
    let answers = known.answers(&batch, &mut seen);
    let ours: Vec<bool> = answers.codes.iter().map(|code| answers.by_code[*code as usize] == 1).collect();
    assert_eq!(ours, over.by_polars(&batch), "{condition}");
    true
}

#[test]
fn lists_too_long_to_be_spelled_out_are_known() {
    for column in ["text", "coded", "i64", "i32", "u8", "missing_int", "missing_text"] {
        let mut list = String::new();
        for number in 0..300 {
            let quote = if column == "text" || column == "coded" || column == "missing_text" { "'" } else { "" };
            let _ = write!(list, "{}{quote}{number}{quote}", if number == 0 { "" } else { ", " });
        }
        if column == "text" || column == "coded" {
            list.push_str(", 'a', 'ab', 'common beginning, a'");
        }
        for not in ["", "NOT "] {
            assert!(is_known(&format!("{column} {not}IN ({list})")), "{column}");
        }
    }
}

#[test]
fn what_is_no_column_beside_constants_is_left_to_polars() {
    for condition in [
        "i64 > i32",
        "i64 + 1 > 2",
        "LOWER(text) = 'a'",
        "text LIKE 'a_'",
        "text LIKE 'a%b'",
        "text ILIKE 'A%'",
        "CAST(i64 AS VARCHAR) = '1'",
        "CAST(micros AS DATE) = DATE '2026-01-05'",
        "COALESCE(text, 'a') = 'a' AND i64 > 1",
        // Between two values of the column's type.
        "day > '2026-01-05 12:00:00'",
    ] {
        assert!(!is_known(condition), "{condition}");
    }
}

#[test]
fn more_combinations_than_a_table_has_room_for_are_told_apart_as_they_come() {
    let batch = some_rows();
    let footers = footers(batch.schema_ref());
    let list = |quote: &str| (0..200).map(|n| format!("{quote}{n}{quote}")).collect::<Vec<_>>().join(", ");
    let (texts, numbers) = (list("'"), list(""));
    let condition = format!("text IN ('ab', {texts}) OR i64 IN ({numbers}) OR i32 IN ({numbers}) OR coded = 'a'");
    assert!(is_known(&condition));
    // So many that their number has no room in a number: the last condition is left to polars.
    let conditions = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "text"].map(|column| {
        let list = if column == "text" { &texts } else { &numbers };
        let over = Over::new(&format!("{column} IN ({list})"), &footers).expect("polars knows it");
        over.formula(&footers[0]).expect("so do we")
    });
    let (known, too_much) = KnownConditions::new((0..).zip(conditions).collect());
    assert_eq!((known.columns().count(), too_much), (7, vec![7]));
}
