//! What conditions mean: the answers of DuckDB 2.0, taken from it by hand.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int64Array, RecordBatch,
    StringViewArray, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, UInt64Array,
};
use polars::prelude::*;
use proptest::prelude::{any, prop, prop_assert, proptest, ProptestConfig, Strategy};

use super::typed::typed;
use super::ParsedCondition;
use crate::events::bridge::to_polars;
use crate::events::decode::decoded::settle;

/// 2026-01-04 10:07:09.75, in milliseconds.
const TIME: i64 = 1_767_521_229_750;

/// One row with a value of each kind.
fn row() -> RecordBatch {
    let text = |text: Option<&str>| Arc::new(StringViewArray::from(vec![text])) as ArrayRef;
    let decimal = Decimal128Array::from(vec![150]).with_precision_and_scale(10, 2).expect("a decimal");
    let columns: [(&str, ArrayRef); 25] = [
        ("h", text(Some("hello"))),
        ("a", text(Some("héllo"))),
        ("e", text(Some(""))),
        ("pct", text(Some("a%c"))),
        ("sharp", text(Some("straße"))),
        ("num", text(Some("12.5"))),
        ("tn", text(None)),
        ("n", Arc::new(Int64Array::from(vec![-7]))),
        ("z", Arc::new(Int64Array::from(vec![0]))),
        ("nn", Arc::new(Int64Array::from(vec![None]))),
        ("u", Arc::new(UInt64Array::from(vec![u64::MAX]))),
        ("big", Arc::new(Int64Array::from(vec![(1 << 53) + 1]))),
        ("dbl53", Arc::new(Float64Array::from(vec![9_007_199_254_740_992.0]))),
        ("f", Arc::new(Float64Array::from(vec![2.5]))),
        ("s", Arc::new(Float32Array::from(vec![0.1]))),
        ("nan", Arc::new(Float64Array::from(vec![f64::NAN]))),
        ("zero", Arc::new(Float64Array::from(vec![-0.0]))),
        ("d", Arc::new(decimal)),
        ("b", Arc::new(BooleanArray::from(vec![true]))),
        ("bn", Arc::new(BooleanArray::from(vec![None]))),
        ("t", Arc::new(TimestampMicrosecondArray::from(vec![TIME * 1_000]))),
        ("zoned", Arc::new(TimestampMicrosecondArray::from(vec![TIME * 1_000]).with_timezone("Asia/Tokyo"))),
        ("day", Arc::new(Date32Array::from(vec![20_457]))),
        ("ms", Arc::new(TimestampMillisecondArray::from(vec![TIME]))),
        ("ns", Arc::new(TimestampNanosecondArray::from(vec![TIME * 1_000_000]))),
    ];
    let columns = columns.map(|(name, values)| (name, values, true));
    settle(RecordBatch::try_from_iter_with_nullable(columns).expect("a row")).expect("of all types")
}

/// The answer for each of some rows; or what is wrong with the condition.
fn answers(condition: &str, rows: &RecordBatch) -> Result<Vec<Option<bool>>, String> {
    let frame = to_polars(rows).expect("a frame");
    let parsed = ParsedCondition::parse(condition).map_err(|error| error.to_string())?;
    let condition = typed(parsed.sql(), frame.schema()).map_err(|problem| problem.reason)?;
    let answered =
        frame.lazy().with_columns([condition.expr.alias("answer")]).collect().map_err(|error| error.to_string())?;
    Ok(answered.column("answer").expect("an answer").bool().expect("truths").iter().collect())
}

fn all_are(known: &[(&str, Option<bool>)]) {
    let one = row();
    let two = arrow::compute::concat_batches(&one.schema(), [&one, &one]).expect("two rows");
    for (condition, expected) in known {
        assert_eq!(answers(condition, &one), Ok(vec![*expected]), "{condition}");
        assert_eq!(answers(condition, &two), Ok(vec![*expected; 2]), "{condition}, of two rows");
        assert_eq!(answers(condition, &one.slice(0, 0)), Ok(Vec::new()), "{condition}, of no rows");
    }
}

const TRUE: Option<bool> = Some(true);
const FALSE: Option<bool> = Some(false);
const NULL: Option<bool> = None;

/// Three-valued logic.
const LOGIC: &[(&str, Option<bool>)] = &[
    ("b AND bn", NULL),
    ("NOT b AND bn", FALSE),
    ("b OR bn", TRUE),
    ("NOT b OR bn", NULL),
    ("NOT bn", NULL),
    ("bn IS TRUE", FALSE),
    ("bn IS NOT TRUE", TRUE),
    ("bn IS FALSE", FALSE),
    ("bn IS NOT FALSE", TRUE),
    ("bn IS UNKNOWN", TRUE),
    ("b IS NOT UNKNOWN", TRUE),
    ("NOT (bn IS TRUE)", TRUE),
    ("NOT (bn IS FALSE)", TRUE),
    ("NOT (bn IS NOT TRUE)", FALSE),
    ("(bn IS TRUE) = false", TRUE),
    ("(n > nn) IS TRUE", FALSE),
    ("NOT ((n > nn) IS TRUE)", TRUE),
    ("((n > nn) IS NOT TRUE) IS TRUE", TRUE),
    ("bn = bn", NULL),
    ("bn IS NOT DISTINCT FROM bn", TRUE),
    ("b IS DISTINCT FROM bn", TRUE),
    ("n IS DISTINCT FROM NULL", TRUE),
    ("nn IS DISTINCT FROM NULL", FALSE),
    ("n IS DISTINCT FROM -7", FALSE),
    ("nn IS DISTINCT FROM -7", TRUE),
    ("nn IS NOT DISTINCT FROM n", FALSE),
    ("u IS DISTINCT FROM n", TRUE),
    ("nn = NULL", NULL),
    ("NULL IN (1, 2)", NULL),
    ("n IN (-7, NULL)", TRUE),
    ("n IN (7, NULL)", NULL),
    ("n NOT IN (7, NULL)", NULL),
    ("n NOT IN (-7, NULL)", FALSE),
    ("nn IN (1, 2)", NULL),
    ("nn NOT IN (1, 2)", NULL),
    ("tn IN ('a')", NULL),
    ("n BETWEEN NULL AND 1", NULL),
    ("n NOT BETWEEN NULL AND 1", NULL),
    ("n NOT BETWEEN NULL AND -10", TRUE),
    ("n BETWEEN -7 AND -7", TRUE),
    ("n BETWEEN 1 AND -10", FALSE),
    ("b > false", TRUE),
    ("b = false", FALSE),
];

/// Numbers beside constants and beside each other.
const COMPARED: &[(&str, Option<bool>)] = &[
    ("u > -1", TRUE),
    ("u >= 0", TRUE),
    ("u <> -1", TRUE),
    ("u = -1", FALSE),
    ("u NOT IN (-1)", TRUE),
    ("NOT (u <= -1)", TRUE),
    ("u = 18446744073709551615", TRUE),
    ("u > 18446744073709551614", TRUE),
    ("u < 18446744073709551616", TRUE),
    ("u > 1.5", TRUE),
    ("u BETWEEN -5 AND 5", FALSE),
    ("u IN (-1, 18446744073709551615)", TRUE),
    ("n < 9223372036854775808", TRUE),
    ("n > -9223372036854775809", TRUE),
    ("n = 9223372036854775808", FALSE),
    ("n <> 99999999999999999999999999", TRUE),
    ("n < -6.5", TRUE),
    ("n <= -7.5", FALSE),
    ("n > -7.5", TRUE),
    ("n = -7.0", TRUE),
    ("n = -7.5", FALSE),
    ("n <> -7.5", TRUE),
    ("big = 9007199254740993", TRUE),
    ("big = 9007199254740992.0", FALSE),
    ("big > 9007199254740992.5", TRUE),
    ("big = 9007199254740992::double", TRUE),
    ("big = dbl53", TRUE),
    ("big > dbl53", FALSE),
    ("u > n", TRUE),
    ("u = big", FALSE),
    ("n < u", TRUE),
    ("n <> u", TRUE),
    ("d = 1.5", TRUE),
    ("d = 1.501", FALSE),
    ("d < 1.501", TRUE),
    ("d >= 1.5", TRUE),
    ("d > 1", TRUE),
    ("d IN (1.5, 2)", TRUE),
    ("d = f - 1", TRUE),
    ("d > n", TRUE),
    ("u > d", TRUE),
    ("f = 2.5", TRUE),
    ("f > 2", TRUE),
    ("f IN (2.5, 3)", TRUE),
    ("s = 0.1", TRUE),
    ("s < 0.1", FALSE),
    ("s = 0.1::double", FALSE),
    ("s IN (0.1)", TRUE),
    ("s < f", TRUE),
    ("nan > 1e300", TRUE),
    ("nan = 'nan'::double", TRUE),
    ("nan < 5", FALSE),
    ("zero = -0.0", TRUE),
    ("zero = 0", TRUE),
    ("f < 1e400", TRUE),
];

/// Numbers reckoned with.
const RECKONED: &[(&str, Option<bool>)] = &[
    ("n % 3 = -1", TRUE),
    ("n % 3 = 2", FALSE),
    ("n % -3 = -1", TRUE),
    ("mod(n, 3) = -1", TRUE),
    ("abs(n) % 3 = 1", TRUE),
    ("n // 2 = -3", TRUE),
    ("-n // 2 = 3", TRUE),
    ("n / 2 = -3.5", TRUE),
    ("n / 0 = '-inf'::double", TRUE),
    ("z / 0 = 'nan'::double", TRUE),
    ("n * 3 = -21", TRUE),
    ("n - 1 = -8", TRUE),
    ("-n = 7", TRUE),
    ("- -n = -7", TRUE),
    ("+n = -7", TRUE),
    ("u % 100 = 15", TRUE),
    ("u % n = 1", TRUE),
    ("u // 2 = 9223372036854775807", TRUE),
    ("u - big > 0", TRUE),
    ("big - u < 0", TRUE),
    ("u + n = 18446744073709551608", TRUE),
    ("d + 1 = 2.5", TRUE),
    ("d * 1.5 = 2.25", TRUE),
    ("d * d = 2.25", TRUE),
    ("d - n = 8.5", TRUE),
    ("d / 3 = 0.5", TRUE),
    ("d % 0.4 = 0.3", TRUE),
    ("d % n = 1.5", TRUE),
    ("-d = -1.5", TRUE),
    ("n * 0.1 = -0.7", TRUE),
    ("n + 0.5 = -6.5", TRUE),
    ("f % 2 = 0.5", TRUE),
    ("-f % 2 = -0.5", TRUE),
    ("f * 2 = 5", TRUE),
    ("f / 0 = 'inf'::double", TRUE),
    ("f + n = -4.5", TRUE),
    ("f - d = 1", TRUE),
    ("s + s = 0.2::float", TRUE),
    ("s * 3 < 0.3", FALSE),
    ("s / 3 = 0.1::float / 3", TRUE),
    ("s % 2 = 0.1::float", TRUE),
    ("1 + 2 * 3 = 7", TRUE),
    ("(1 + 2) * 3 = 9", TRUE),
    ("10 - 4 - 3 = 3", TRUE),
    ("2 - -2 = 4", TRUE),
    ("nn + 1 = 1", NULL),
    ("n + nn IS NULL", TRUE),
    ("abs(d) = 1.5", TRUE),
    ("abs(-f) = 2.5", TRUE),
    ("abs(u) = u", TRUE),
    ("sign(n) = -1", TRUE),
    ("sign(f) = 1", TRUE),
    ("sign(nan) = 0", TRUE),
    ("sign(d) = 1", TRUE),
    ("round(f) = 3", TRUE),
    ("round(-f) = -3", TRUE),
    ("round(d) = 2", TRUE),
    ("round(2.345, 2) = 2.35", TRUE),
    ("round(f, 1) = 2.5", TRUE),
    ("round(1250, -2) = 1300", TRUE),
    ("round(n, 2) = -7", TRUE),
    ("round(d, 5) = 1.5", TRUE),
    ("floor(f) = 2", TRUE),
    ("floor(-f) = -3", TRUE),
    ("ceil(f) = 3", TRUE),
    ("ceiling(-f) = -2", TRUE),
    ("floor(d) = 1", TRUE),
    ("ceil(d) = 2", TRUE),
    ("floor(n) = -7", TRUE),
    ("trunc(-f) = -2", TRUE),
    ("trunc(d) = 1", TRUE),
    ("sqrt(4) = 2", TRUE),
    ("power(2, 10) = 1024", TRUE),
    ("pow(f, 2) = 6.25", TRUE),
    ("greatest(1, n, 3) = 3", TRUE),
    ("greatest(n, nn) = -7", TRUE),
    ("least(1, n) = -7", TRUE),
    ("least(nn, nn) IS NULL", TRUE),
    ("greatest(f, nan) = 'nan'::double", TRUE),
    ("least(f, nan) = 2.5", TRUE),
    ("greatest(n, f) = 2.5", TRUE),
    ("greatest(u, n) = u", TRUE),
    ("least(u, n) = -7", TRUE),
    ("greatest(h, a) = a", TRUE),
    ("coalesce(nn, n) = -7", TRUE),
    ("coalesce(nn, 5) = 5", TRUE),
    ("coalesce(nn, d) = 1.5", TRUE),
    ("coalesce(tn, 'x') = 'x'", TRUE),
    ("ifnull(nn, 2) = 2", TRUE),
    ("nullif(n, -7) IS NULL", TRUE),
    ("nullif(n, 7) = -7", TRUE),
    ("nullif(n, NULL) = -7", TRUE),
    ("nullif(nn, 1) IS NULL", TRUE),
];

/// Text.
const TEXT: &[(&str, Option<bool>)] = &[
    ("h = 'hello'", TRUE),
    ("h <> 'Hello'", TRUE),
    ("h < 'i'", TRUE),
    ("h > 'Hello'", TRUE),
    ("e = ' '", FALSE),
    ("e = ''", TRUE),
    ("h || 'x' = 'hellox'", TRUE),
    ("h || NULL IS NULL", TRUE),
    ("h || tn IS NULL", TRUE),
    ("h || n = 'hello-7'", TRUE),
    ("h || b = 'hellotrue'", TRUE),
    ("h || d = 'hello1.50'", TRUE),
    ("h || f = 'hello2.5'", TRUE),
    ("concat(h, tn, 'x') = 'hellox'", TRUE),
    ("concat(h, 1, true) = 'hello1true'", TRUE),
    ("concat(tn) = ''", TRUE),
    ("h LIKE 'h%'", TRUE),
    ("h LIKE '%llo'", TRUE),
    ("h LIKE '%ell%'", TRUE),
    ("h LIKE 'h_llo'", TRUE),
    ("h LIKE 'h%o'", TRUE),
    ("h LIKE 'H%'", FALSE),
    ("h LIKE ''", FALSE),
    ("e LIKE ''", TRUE),
    ("e LIKE '%'", TRUE),
    ("tn LIKE '%'", NULL),
    ("h LIKE NULL", NULL),
    ("h NOT LIKE 'x%'", TRUE),
    ("tn NOT LIKE 'x%'", NULL),
    ("a LIKE 'h_llo'", TRUE),
    (r"pct LIKE 'a\%c'", FALSE),
    (r"pct LIKE 'a\%c' ESCAPE '\'", TRUE),
    ("pct LIKE 'a!%c' ESCAPE '!'", TRUE),
    ("h LIKE 'h!ello' ESCAPE '!'", TRUE),
    ("h LIKE '%l' || 'lo'", TRUE),
    ("h ILIKE 'HE%'", TRUE),
    ("a ILIKE 'HÉLLO'", TRUE),
    ("h NOT ILIKE 'HE%'", FALSE),
    ("sharp ILIKE 'STRASSE'", FALSE),
    ("lower('ΑΣ') = 'ασ'", TRUE),
    ("upper(sharp) = 'STRAẞE'", TRUE),
    ("upper(a) = 'HÉLLO'", TRUE),
    ("lower(upper(a)) = a", TRUE),
    ("length(a) = 5", TRUE),
    ("length(e) = 0", TRUE),
    ("length(tn) IS NULL", TRUE),
    ("char_length(h) = 5", TRUE),
    ("substr(h, 2) = 'ello'", TRUE),
    ("substr(h, 0) = 'hello'", TRUE),
    ("substr(h, 0, 2) = 'h'", TRUE),
    ("substr(h, -3) = 'llo'", TRUE),
    ("substr(h, -3, 2) = 'll'", TRUE),
    ("substr(h, -10, 7) = 'he'", TRUE),
    ("substr(h, 2, 0) = ''", TRUE),
    ("substr(h, 3, -2) = 'he'", TRUE),
    ("substr(h, 10) = ''", TRUE),
    ("substr(a, 2, 1) = 'é'", TRUE),
    ("substring(h FROM 2 FOR 2) = 'el'", TRUE),
    ("substring(h, 2, 2) = 'el'", TRUE),
    ("substr(h, nn) IS NULL", TRUE),
    ("left(h, 2) = 'he'", TRUE),
    ("left(h, -2) = 'hel'", TRUE),
    ("left(h, 0) = ''", TRUE),
    ("left(h, -9) = ''", TRUE),
    ("right(h, 2) = 'lo'", TRUE),
    ("right(h, -2) = 'llo'", TRUE),
    ("right(h, 99) = 'hello'", TRUE),
    ("trim('  a ') = 'a'", TRUE),
    ("ltrim(' a ') = 'a '", TRUE),
    ("rtrim(' a ') = ' a'", TRUE),
    ("trim('xaxb', 'xb') = 'a'", TRUE),
    ("trim(BOTH 'x' FROM 'xax') = 'a'", TRUE),
    ("trim(LEADING 'h' FROM h) = 'ello'", TRUE),
    ("trim(TRAILING 'o' FROM h) = 'hell'", TRUE),
    ("ltrim(h, 'he') = 'llo'", TRUE),
    ("replace(h, 'l', 'L') = 'heLLo'", TRUE),
    ("replace(h, '', 'x') = h", TRUE),
    ("replace(h, tn, 'x') IS NULL", TRUE),
    ("strpos(h, 'l') = 3", TRUE),
    ("strpos(a, 'l') = 3", TRUE),
    ("strpos(h, 'z') = 0", TRUE),
    ("strpos(h, '') = 1", TRUE),
    ("instr(h, 'lo') = 4", TRUE),
    ("position('l' IN h) = 3", TRUE),
    ("starts_with(h, 'he')", TRUE),
    ("starts_with(h, '')", TRUE),
    ("starts_with(h, tn)", NULL),
    ("ends_with(h, 'lo')", TRUE),
    ("suffix(h, 'x')", FALSE),
    ("prefix(h, 'he')", TRUE),
    ("contains(h, 'ell')", TRUE),
    ("contains(h, '')", TRUE),
    ("split_part('a/b/c', '/', 2) = 'b'", TRUE),
    ("split_part('a/b/c', '/', -1) = 'c'", TRUE),
    ("split_part('a/b/c', '/', 0) = ''", TRUE),
    ("split_part('a/b/c', '/', 9) = ''", TRUE),
    ("split_part(h, '', 1) = 'h'", TRUE),
    ("regexp_matches(h, 'l+')", TRUE),
    ("regexp_matches(h, '^e')", FALSE),
    ("regexp_matches(h, '(?i)HELLO')", TRUE),
    ("regexp_matches(tn, 'x')", NULL),
];

/// Values that are chosen.
const CHOSEN: &[(&str, Option<bool>)] = &[
    ("coalesce(1, 9223372036854775807) = 1", TRUE),
    ("coalesce(NULL, 1, 9223372036854775807) = 1", TRUE),
    ("(- CASE WHEN NULL THEN coalesce(1, 9223372036854775807) ELSE coalesce(1, 2) END) = -1", TRUE),
    ("CASE WHEN n > 0 THEN 'p' ELSE 'm' END = 'm'", TRUE),
    ("CASE WHEN n > 0 THEN 1 END IS NULL", TRUE),
    ("CASE WHEN bn THEN 1 ELSE 2 END = 2", TRUE),
    ("CASE n WHEN -7 THEN 'seven' WHEN 8 THEN 'eight' ELSE 'other' END = 'seven'", TRUE),
    ("CASE nn WHEN NULL THEN 'a' ELSE 'b' END = 'b'", TRUE),
    ("CASE WHEN n < 0 THEN d ELSE 1 END = 1.5", TRUE),
    ("CASE WHEN b THEN n ELSE f END = -7", TRUE),
    ("if(b, 1, 2) = 1", TRUE),
    ("if(bn, 1, 2) = 2", TRUE),
    ("CASE WHEN true THEN true ELSE false END", TRUE),
];

/// Values cast to other types.
const CAST: &[(&str, Option<bool>)] = &[
    ("CAST('5' AS INTEGER) = 5", TRUE),
    ("CAST(' 5 ' AS BIGINT) = 5", TRUE),
    ("CAST('5.5' AS INTEGER) = 6", TRUE),
    ("CAST(num AS INTEGER) = 13", TRUE),
    ("TRY_CAST(h AS INTEGER) IS NULL", TRUE),
    ("TRY_CAST(num AS DOUBLE) = 12.5", TRUE),
    ("CAST(d AS INTEGER) = 2", TRUE),
    ("CAST(f AS INTEGER) = 2", TRUE),
    ("CAST(-f AS BIGINT) = -2", TRUE),
    ("CAST(3.5::double AS BIGINT) = 4", TRUE),
    ("CAST(2.5 AS INTEGER) = 3", TRUE),
    ("CAST(-2.5 AS INTEGER) = -3", TRUE),
    ("TRY_CAST(1e30 AS BIGINT) IS NULL", TRUE),
    ("TRY_CAST(nan AS BIGINT) IS NULL", TRUE),
    ("TRY_CAST(300 AS TINYINT) IS NULL", TRUE),
    ("TRY_CAST(-1 AS UBIGINT) IS NULL", TRUE),
    ("CAST(u AS VARCHAR) = '18446744073709551615'", TRUE),
    ("CAST('18446744073709551615' AS UBIGINT) = u", TRUE),
    ("CAST(n AS VARCHAR) = '-7'", TRUE),
    ("CAST(f AS VARCHAR) = '2.5'", TRUE),
    ("CAST(f * 2 AS VARCHAR) = '5.0'", TRUE),
    ("CAST(d AS VARCHAR) = '1.50'", TRUE),
    ("CAST(s AS VARCHAR) = '0.1'", TRUE),
    ("CAST(b AS VARCHAR) = 'true'", TRUE),
    ("CAST(day AS VARCHAR) = '2026-01-04'", TRUE),
    ("CAST(t AS VARCHAR) = '2026-01-04 10:07:09.75'", TRUE),
    ("CAST(1e20 AS VARCHAR) = '1e+20'", TRUE),
    ("CAST(b AS INTEGER) = 1", TRUE),
    ("CAST(n AS BOOLEAN)", TRUE),
    ("CAST(z AS BOOLEAN)", FALSE),
    ("CAST('yes' AS BOOLEAN)", TRUE),
    ("TRY_CAST('maybe' AS BOOLEAN) IS NULL", TRUE),
    ("CAST(num AS DECIMAL(10, 2)) = 12.5", TRUE),
    ("CAST(1.555 AS DECIMAL(10, 2)) = 1.56", TRUE),
    ("TRY_CAST(12345 AS DECIMAL(4, 2)) IS NULL", TRUE),
    ("CAST(f AS DECIMAL(4, 1)) = 2.5", TRUE),
    ("CAST(n AS DOUBLE) = -7", TRUE),
    ("CAST(n AS FLOAT) = -7", TRUE),
    ("CAST('inf' AS DOUBLE) > 1e300", TRUE),
    ("CAST('2026-01-04' AS DATE) = day", TRUE),
    ("CAST('2026-01-04 10:00:00' AS DATE) = day", TRUE),
    ("CAST(t AS DATE) = day", TRUE),
    ("CAST(day AS TIMESTAMP) < t", TRUE),
    ("CAST('2026-01-04 10:07:09.75' AS TIMESTAMP) = t", TRUE),
    ("TRY_CAST(h AS DATE) IS NULL", TRUE),
    ("TRY_CAST('2026-02-30' AS DATE) IS NULL", TRUE),
    ("'5'::INTEGER = 5", TRUE),
    ("n::VARCHAR = '-7'", TRUE),
    ("CAST(nn AS VARCHAR) IS NULL", TRUE),
];

/// Dates and times.
const TIMES: &[(&str, Option<bool>)] = &[
    ("t > '2026-01-04'", TRUE),
    ("t = '2026-01-04 10:07:09.75'", TRUE),
    ("t < DATE '2026-01-05'", TRUE),
    ("t >= TIMESTAMP '2026-01-04 10:07:09'", TRUE),
    ("day = '2026-01-04'", TRUE),
    ("day < t", TRUE),
    ("day = CAST(t AS DATE)", TRUE),
    ("day BETWEEN '2026-01-01' AND '2026-01-31'", TRUE),
    ("day IN ('2026-01-03', '2026-01-04')", TRUE),
    ("ms = t", TRUE),
    ("ns = t", TRUE),
    ("ns > ms", FALSE),
    ("EXTRACT(year FROM t) = 2026", TRUE),
    ("EXTRACT(quarter FROM t) = 1", TRUE),
    ("EXTRACT(month FROM day) = 1", TRUE),
    ("EXTRACT(week FROM t) = 1", TRUE),
    ("EXTRACT(day FROM t) = 4", TRUE),
    ("EXTRACT(doy FROM t) = 4", TRUE),
    ("EXTRACT(dow FROM t) = 0", TRUE),
    ("EXTRACT(isodow FROM t) = 7", TRUE),
    ("EXTRACT(isoyear FROM DATE '2027-01-01') = 2026", TRUE),
    ("EXTRACT(hour FROM t) = 10", TRUE),
    ("EXTRACT(minute FROM t) = 7", TRUE),
    ("EXTRACT(second FROM t) = 9", TRUE),
    ("EXTRACT(millisecond FROM t) = 9750", TRUE),
    ("EXTRACT(microsecond FROM t) = 9750000", TRUE),
    ("EXTRACT(epoch FROM t) = 1767521229.75", TRUE),
    ("EXTRACT(hour FROM day) = 0", TRUE),
    ("EXTRACT(hour FROM ms) = 10", TRUE),
    ("EXTRACT(hour FROM ns) = 10", TRUE),
    ("year(t) = 2026", TRUE),
    ("month(t) = 1", TRUE),
    ("day(t) = 4", TRUE),
    ("hour(t) = 10", TRUE),
    ("minute(t) = 7", TRUE),
    ("second(t) = 9", TRUE),
    ("week(t) = 1", TRUE),
    ("dayofweek(t) = 0", TRUE),
    ("isodow(t) = 7", TRUE),
    ("dayofyear(t) = 4", TRUE),
    ("quarter(t) = 1", TRUE),
    ("epoch(t) = 1767521229.75", TRUE),
    ("epoch_ms(t) = 1767521229750", TRUE),
    ("date_part('dow', t) = 0", TRUE),
    ("date_trunc('day', t) = '2026-01-04'", TRUE),
    ("date_trunc('hour', t) = '2026-01-04 10:00:00'", TRUE),
    ("date_trunc('week', t) = '2025-12-29'", TRUE),
    ("date_trunc('month', day) = '2026-01-01'", TRUE),
    ("date_trunc('quarter', DATE '2026-05-04') = '2026-04-01'", TRUE),
    ("date_trunc('year', t) = '2026-01-01'", TRUE),
    ("date_trunc('second', t) = '2026-01-04 10:07:09'", TRUE),
    ("t + INTERVAL '1 day' > '2026-01-05'", TRUE),
    ("t - INTERVAL '11 hours' < '2026-01-04'", TRUE),
    ("day + INTERVAL 1 DAY = '2026-01-05'", TRUE),
    ("DATE '2026-01-31' + INTERVAL '1 month' = '2026-02-28'", TRUE),
    ("INTERVAL '90 minutes' + t > '2026-01-04 11:30:00'", TRUE),
    ("day + 1 = '2026-01-05'", TRUE),
    ("day - 4 = '2025-12-31'", TRUE),
    ("1 + day = '2026-01-05'", TRUE),
    ("day - DATE '2026-01-01' = 3", TRUE),
    ("epoch(t) - epoch(day) > 36000", TRUE),
    ("greatest(day, DATE '2026-01-01') = day", TRUE),
    ("coalesce(NULL, day) = day", TRUE),
    ("epoch(CAST('1969-12-31 23:59:59.5' AS TIMESTAMP)) = -0.5", TRUE),
];

#[test]
fn logic_knows_what_is_not_known() {
    all_are(LOGIC);
}

#[test]
fn numbers_of_all_types_are_compared_as_what_they_are() {
    all_are(COMPARED);
}

#[test]
fn numbers_are_reckoned_exactly() {
    all_are(RECKONED);
}

#[test]
fn text_is_of_characters() {
    all_are(TEXT);
}

#[test]
fn values_are_chosen() {
    all_are(CHOSEN);
}

#[test]
fn values_are_cast() {
    all_are(CAST);
}

#[test]
fn times_are_in_utc() {
    all_are(TIMES);
}

#[test]
fn a_zone_is_how_times_are_shown() {
    let same = |condition: &str| (condition.to_string(), condition.replace("zoned", "t"));
    for condition in [
        "hour(zoned) = 10",
        "zoned = t",
        "zoned > '2026-01-04'",
        "CAST(zoned AS DATE) = day",
        "zoned > day",
        "zoned + INTERVAL '1 day' > '2026-01-05'",
        "date_trunc('day', zoned) = day",
        "greatest(zoned, t) = t",
        "epoch(zoned) > 1e9",
    ] {
        let (zoned, plain) = same(condition);
        assert_eq!(answers(&zoned, &row()), answers(&plain, &row()), "{condition}");
    }
    all_are(&[("CAST(zoned AS VARCHAR) = '2026-01-04 10:07:09.75+00'", TRUE)]);
}

#[test]
fn any_number_of_values_is_chosen_from() {
    let many = |name: &str, last: &str| format!("{name}({}, {last})", vec!["n"; 99].join(", "));
    assert_eq!(answers(&format!("{} = 5", many("greatest", "5")), &row()), Ok(vec![TRUE]));
    assert_eq!(answers(&format!("{} = -7", many("coalesce", "5")), &row()), Ok(vec![TRUE]));
    assert_eq!(answers(&format!("{} = -9", many("least", "-9")), &row()), Ok(vec![TRUE]));
}

#[test]
fn what_dwell_decides_for_itself() {
    all_are(&[
        // DuckDB ends the query where something is divided by zero as whole numbers are.
        ("n // 0 IS NULL AND n % 0 IS NULL AND d % 0 IS NULL AND u // 0 IS NULL", TRUE),
        // DuckDB has no unsigned numbers below zero.
        ("-u < 0 AND u - 18446744073709551615 - 1 = -1", TRUE),
        // DuckDB reckons in the few bits of a column.
        ("CAST(n AS TINYINT) * 1000 = -7000", TRUE),
        // A date is its first instant.
        ("day < '2026-01-04 00:00:01' AND day >= '2026-01-04 00:00:00'", TRUE),
        // Offsets are kept.
        ("t = '2026-01-04T11:07:09.75+01:00'", TRUE),
        ("CAST('2026-01-04T11:07:09.75+01:00' AS TIMESTAMP) = t", TRUE),
        ("'2026-01-04' + INTERVAL '1 day' > t", TRUE),
    ]);
}

#[test]
fn what_cannot_be_computed_of_a_value_is_said() {
    let fails = |condition: &str, words: &str| {
        let said = answers(condition, &row()).expect_err(condition);
        assert!(said.contains(words), "{condition}: {said}");
    };
    fails("n * 9223372036854775807 > 0", "-7 * 9223372036854775807 has no room in 64 bits");
    fails("9223372036854775807 + 1 > 0", "has no room in 64 bits");
    fails("u * u * u > 0", "38 digits");
    fails("CAST(h AS INTEGER) = 1", "'hello' is no whole number");
    fails("CAST(h AS DOUBLE) = 1", "'hello' is no number");
    fails("CAST(h AS DATE) = day", "'hello' is no date or time");
    fails("CAST(h AS BOOLEAN)", "'hello' is neither true nor false");
    fails("CAST(300 AS TINYINT) = 1", "300 is no whole number from -128 to 127");
    fails("h LIKE concat('x', '!') ESCAPE '!'", "ends with the sign");
}

#[test]
fn what_does_not_fit_together_is_said() {
    let fails = |condition: &str, words: &str| {
        let said = answers(condition, &row()).expect_err(condition);
        assert!(said.contains(words), "{condition}: {said}");
    };
    fails("n > 'x'", "a number is compared with text");
    fails("h > 5", "a number is compared with text");
    fails("t > 5", "a time is compared with a number");
    fails("t > h", "CAST the text to TIMESTAMP");
    fails("b = 1", "true or false cannot be compared with a number");
    fails("t > 'noon'", "'noon' is no date or time");
    fails("n AND b", "this is a number, where something true or false is needed");
    fails("n", "it is a number, and a condition is true or false");
    fails("h + 1 > 0", "+ is not known between text and a number");
    fails("t - t > 0", "EPOCH(");
    fails("f // 2 = 1", "FLOOR(");
    fails("lower(n) = 'x'", "this is of text, and this is a number");
    fails("abs(h) = 1", "this is of a number, and this is text");
    fails("left(h, 1.5) = 'x'", "a place in text is a whole number");
    fails("h LIKE n", "LIKE is of text");
    fails("coalesce(n, 'x') = 1", "its values are a number and text");
    fails("regexp_matches(h, a)", "a regular expression is a constant");
    fails("regexp_matches(h, '(')", "the pattern is none");
    fails("round(f, n) = 1", "ROUND takes a constant number of digits");
    fails("date_part('fortnight', t) = 1", "this part of a time is not known here");
    fails("date_trunc('epoch', t) = t", "times are cut to");
    fails("t > '2026-01-01' + INTERVAL '1 fortnight'", "INTERVAL '1 day'");
    fails("h LIKE 'x!' ESCAPE '!'", "ends with the sign");
    fails("h LIKE 'x' ESCAPE '!!'", "one sign");
}

/// Words of conditions, in no order.
const WORDS: &[&str] = &[
    "h",
    "a",
    "tn",
    "n",
    "u",
    "d",
    "f",
    "s",
    "b",
    "bn",
    "t",
    "day",
    "ns",
    "nowhere",
    "1",
    "-1",
    "0",
    "0.5",
    "1e3",
    "1e999",
    "18446744073709551616",
    "9223372036854775807",
    "'x'",
    "'%a_'",
    "''",
    "'2026-01-04'",
    "NULL",
    "TRUE",
    "FALSE",
    "AND",
    "OR",
    "NOT",
    "IS",
    "IN",
    "BETWEEN",
    "LIKE",
    "ILIKE",
    "ESCAPE",
    "DISTINCT",
    "FROM",
    "UNKNOWN",
    "(",
    ")",
    "(",
    ")",
    ",",
    ",",
    "=",
    "<>",
    "<",
    ">=",
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "||",
    "::",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "CAST",
    "TRY_CAST",
    "AS",
    "INTEGER",
    "VARCHAR",
    "DECIMAL(38,10)",
    "DATE",
    "TIMESTAMP",
    "INTERVAL",
    "'1 day'",
    "EXTRACT",
    "year",
    "substr(",
    "round(",
    "coalesce(",
    "greatest(",
    "date_trunc(",
    "abs(",
    "left(",
    "split_part(",
    "concat(",
    "SELECT",
    ";",
    "--",
    "/*",
    "*/",
    "\"",
    "'",
    "\u{1F468}",
    "$$",
    "[",
    "}",
];

fn value() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(WORDS[..29].iter().copied().filter(|word| *word != "nowhere").collect::<Vec<_>>())
        .prop_map(str::to_string);
    leaf.prop_recursive(4, 16, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        let operators = ["+", "-", "*", "/", "//", "%", "||", "=", "<", ">=", "AND", "OR", "LIKE", "IS DISTINCT FROM"];
        let functions = [
            "lower",
            "length",
            "abs",
            "round",
            "floor",
            "sign",
            "trim",
            "sqrt",
            "year",
            "epoch",
            "coalesce",
            "greatest",
            "least",
            "nullif",
            "left",
            "right",
            "substr",
            "concat",
            "strpos",
            "mod",
            "power",
            "starts_with",
        ];
        let call = (prop::sample::select(functions.to_vec()), inner.clone(), inner.clone(), any::<bool>());
        let types =
            ["INTEGER", "UBIGINT", "DOUBLE", "FLOAT", "DECIMAL(12, 3)", "VARCHAR", "DATE", "TIMESTAMP", "BOOLEAN"];
        proptest::prop_oneof![
            (two.clone(), prop::sample::select(operators.to_vec()))
                .prop_map(|((left, right), operator)| format!("({left} {operator} {right})")),
            call.prop_map(|(name, left, right, both)| match both {
                true => format!("{name}({left}, {right})"),
                false => format!("{name}({left})"),
            }),
            (inner.clone(), prop::sample::select(types.to_vec()))
                .prop_map(|(value, to)| format!("TRY_CAST({value} AS {to})")),
            two.clone().prop_map(|(when, then)| format!("CASE WHEN {when} THEN {then} ELSE {then} END")),
            two.prop_map(|(value, other)| format!("{value} IN ({other}, NULL, {other})")),
            inner.prop_map(|value| format!("(- {value})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn whatever_is_written_is_answered_or_refused(words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..16)) {
        let _ = answers(&words.join(" "), &row());
    }

    #[test]
    fn whatever_is_put_together_is_answered_alike_row_by_row(left in value(), right in value(), is_equal in any::<bool>()) {
        let condition = if is_equal { format!("{left} = {right}") } else { left };
        let one = row();
        let three = arrow::compute::concat_batches(&one.schema(), [&one, &one, &one]).expect("three rows");
        if let Ok(answered) = answers(&condition, &one) {
            let again = answers(&condition, &three);
            prop_assert!(again == Ok(vec![answered[0]; 3]), "{}: {:?}, then {:?}", condition, answered, again);
        }
    }
}
