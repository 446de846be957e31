//! Whether numbers fit signed integers of 64 bits: ids that do not are text in all of a run's tables, so it has to be
//! known before anything is read. Footers mostly tell; where they do not, the column is looked at.

use std::fs::File;
use std::sync::Arc;

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::ProjectionMask;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::ChunkReader;
use parquet::file::statistics::Statistics;
use polars::prelude::*;
use rayon::prelude::*;

use super::annotated::text_as_strings;
use super::columns::{ColumnRef, Source};
use super::footer::{decoded_schema, Footer};
use super::kind::Kind;
use super::metadata::read_metadata;
use crate::events::bridge;
use crate::events::bridge::polars_error;
use crate::events::decode::decoded::settle;
use crate::events::decode::page_file::{Expansion, PageFile, Pages};
use crate::events::derive::compute::{Derivation, SeenTexts};
use crate::events::error::InputError;
use crate::events::normalise::extract::expr_of;
use crate::guard::against_damage;

/// Whether all whole numbers of a column fit; those of a column of other values do not.
///
/// # Errors
/// A file that cannot be read.
pub fn fits(column: &ColumnRef, footers: &[Footer]) -> Result<bool, InputError> {
    if column.kind == Kind::Int {
        return Ok(true);
    }
    if !column.kind.is_whole() {
        return Ok(false);
    }
    let Source::File { column: name, path } = &column.source else { return Ok(true) };
    let may_not = |footer: &&Footer| match footer.schema.kind(name) {
        None | Some(Kind::Int | Kind::Null) => false,
        Some(_) if path.is_some() => true,
        Some(_) => !is_short(footer, name),
    };
    let files: Vec<&Footer> = footers.iter().filter(may_not).collect();
    if files.iter().any(|footer| footer.is_stream()) {
        return Err(InputError::Untold { column: column.spelled.clone() });
    }
    let fit: Vec<bool> = files.par_iter().map(|footer| of_file(column, footer)).collect::<Result<_, _>>()?;
    Ok(fit.into_iter().all(|fits| fits))
}

/// Whether a column's type has no number that does not fit.
fn is_short(footer: &Footer, name: &str) -> bool {
    use arrow::datatypes::DataType as T;
    const DIGITS: u8 = 18;
    matches!(footer.schema.data_type(name), Some(T::Decimal128(precision, _)) if *precision <= DIGITS)
}

fn of_file(column: &ColumnRef, footer: &Footer) -> Result<bool, InputError> {
    let path = &footer.file.path;
    let damaged = |reason: String| InputError::Damaged { path: path.clone(), reason };
    let Some(object) = &footer.file.object else {
        let file = File::open(path).map_err(|source| InputError::Open { path: path.clone(), source })?;
        return guarded(&damaged, || {
            let metadata = ParquetMetaDataReader::new().parse_and_finish(&file)?;
            let untold = match untold(column, footer, metadata)? {
                Told::Answer(fits) => return Ok(Ok(fits)),
                Told::Untold(untold) => untold,
            };
            rows_fit(column, footer, file.try_clone()?, &untold.metadata, untold.row_groups)
        })?;
    };
    let told = guarded(&damaged, || untold(column, footer, read_metadata(object.as_ref())?))?;
    let Untold { metadata, row_groups } = match told {
        Told::Answer(fits) => return Ok(fits),
        Told::Untold(untold) => untold,
    };
    let names = in_file(column, footer);
    for number in row_groups {
        let schema = metadata.file_metadata().schema_descr();
        let is_needed =
            |leaf: &usize| schema.column(*leaf).path().parts().first().is_some_and(|name| names.contains(name));
        let needed = (0..schema.num_columns()).filter(is_needed);
        let ranges = needed
            .map(|leaf| metadata.row_group(number).column(leaf).byte_range())
            .map(|(start, length)| start..start.saturating_add(length));
        let fetched = Arc::new(object.fetch(ranges.collect())?);
        let pages = || PageFile::of(Pages::Fetched(Arc::clone(&fetched), object.bytes), Expansion::of(&metadata));
        if !guarded(&damaged, || rows_fit(column, footer, pages(), &metadata, vec![number]))?? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What a reader that panics over some damage makes of the file.
fn guarded<T>(
    damaged: &impl Fn(String) -> InputError,
    read: impl FnOnce() -> Result<T, ParquetError>,
) -> Result<T, InputError> {
    match against_damage(read) {
        Ok(read) => read.map_err(|error| damaged(error.to_string())),
        Err(_) => Err(damaged("the Parquet reader gave up".to_string())),
    }
}

/// What the footer of a file tells.
enum Told {
    /// All there is to know.
    Answer(bool),
    /// That some row groups have to be looked at.
    Untold(Untold),
}

/// Row groups of which the footer does not tell.
struct Untold {
    metadata: Arc<ParquetMetaData>,
    row_groups: Vec<usize>,
}

fn untold(column: &ColumnRef, footer: &Footer, metadata: ParquetMetaData) -> Result<Told, ParquetError> {
    let metadata = match &footer.file.table {
        Some(file) => file.table.named(metadata)?,
        None => metadata,
    };
    let metadata = Arc::new(text_as_strings(metadata)?);
    let mut row_groups = Vec::new();
    for (number, told) in by_footer(column, footer, &metadata).into_iter().enumerate() {
        match told {
            Some(false) => return Ok(Told::Answer(false)),
            Some(true) => {}
            None => row_groups.push(number),
        }
    }
    match row_groups.is_empty() {
        true => Ok(Told::Answer(true)),
        false => Ok(Told::Untold(Untold { metadata, row_groups })),
    }
}

/// The column of a schema that a column is, or is inside of.
fn of_schema(column: &ColumnRef) -> Vec<String> {
    column.file_column().into_iter().map(str::to_string).collect()
}

/// The columns of a file that it is, or is made of.
fn in_file(column: &ColumnRef, footer: &Footer) -> Vec<String> {
    footer.schema.derived.in_files(&of_schema(column))
}

/// Whether the values of some row groups fit; an error of its own where a derived one fails.
fn rows_fit<R: ChunkReader + 'static>(
    column: &ColumnRef,
    footer: &Footer,
    file: R,
    metadata: &Arc<ParquetMetaData>,
    row_groups: Vec<usize>,
) -> Result<Result<bool, InputError>, ParquetError> {
    let options = ArrowReaderOptions::new().with_schema(Arc::new(decoded_schema(metadata)?));
    let schema = metadata.file_metadata().schema_descr();
    let names = in_file(column, footer);
    let roots = schema.root_schema().get_fields().iter().enumerate();
    let roots = roots.filter(|(_, root)| names.iter().any(|name| name == root.name()));
    let mask = ProjectionMask::roots(schema, roots.map(|(place, _)| place));
    let derivation = match Derivation::new(&of_schema(column), footer) {
        Ok(derivation) => derivation,
        Err(error) => return Ok(Err(error)),
    };
    let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata), options)?;
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
    for batch in reader.with_projection(mask).with_row_groups(row_groups).with_batch_size(1 << 16).build()? {
        let batch = settle(batch?)?;
        let batch = match derivation.apply(&batch, &mut SeenTexts::default()) {
            Ok(batch) => batch,
            Err(error) => return Ok(Err(error.of_values_in(&footer.file.path, None))),
        };
        let value = expr_of(column, &footer.schema, &footer.file.hive).alias("dwell id");
        let fits = bridge::to_polars(&batch).and_then(|rows| all_fit(rows.lazy().select([value])));
        let told = |error: PolarsError| ParquetError::General(polars_error(&column.spelled, &error).to_string());
        if !fits.map_err(told)? {
            return Ok(Ok(false));
        }
    }
    Ok(Ok(true))
}

/// What footers tell of each row group.
fn by_footer(column: &ColumnRef, footer: &Footer, metadata: &ParquetMetaData) -> Vec<Option<bool>> {
    let Source::File { column: name, path: None } = &column.source else {
        return vec![None; metadata.num_row_groups()];
    };
    let leaves = metadata.file_metadata().schema_descr().columns();
    let leaf = leaves.iter().position(|leaf| leaf.path().parts() == std::slice::from_ref(name));
    let kind = footer.schema.kind(name);
    let of_group = |statistics: Option<&Statistics>| {
        let statistics = statistics.filter(|statistics| !statistics.is_min_max_deprecated())?;
        let (min, max) = bounds(statistics, kind == Some(&Kind::UInt64))?;
        let both = |fits: bool| (min <= max).then_some(fits);
        both(min >= i128::from(i64::MIN) && max <= i128::from(i64::MAX))
    };
    let groups = metadata.row_groups().iter();
    groups.map(|group| of_group(group.column(leaf?).statistics())).collect()
}

/// The smallest and the largest whole number of a row group.
fn bounds(statistics: &Statistics, unsigned: bool) -> Option<(i128, i128)> {
    match statistics {
        Statistics::Int32(values) => Some((i128::from(*values.min_opt()?), i128::from(*values.max_opt()?))),
        Statistics::Int64(values) if unsigned => {
            Some((i128::from(*values.min_opt()? as u64), i128::from(*values.max_opt()? as u64)))
        }
        Statistics::Int64(values) => Some((i128::from(*values.min_opt()?), i128::from(*values.max_opt()?))),
        Statistics::Float(values) => whole_bounds(f64::from(*values.min_opt()?), f64::from(*values.max_opt()?)),
        Statistics::Double(values) => whole_bounds(*values.min_opt()?, *values.max_opt()?),
        Statistics::ByteArray(values) if values.min_is_exact() && values.max_is_exact() => {
            Some((big_endian(values.min_bytes_opt()?)?, big_endian(values.max_bytes_opt()?)?))
        }
        Statistics::FixedLenByteArray(values) if values.min_is_exact() && values.max_is_exact() => {
            Some((big_endian(values.min_bytes_opt()?)?, big_endian(values.max_bytes_opt()?)?))
        }
        _ => None,
    }
}

/// Bounds of floating numbers, where they tell something: what is not whole is none of these, and infinity is no number.
fn whole_bounds(min: f64, max: f64) -> Option<(i128, i128)> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let fits = (-LIMIT..LIMIT).contains(&min) && (-LIMIT..LIMIT).contains(&max);
    fits.then_some((min.floor() as i128, max.ceil().min(9_223_372_036_854_774_784.0) as i128))
}

fn big_endian(bytes: &[u8]) -> Option<i128> {
    let first = *bytes.first()?;
    let sign: i128 = if first >= 0x80 { -1 } else { 0 };
    (bytes.len() <= 16).then(|| bytes.iter().fold(sign, |all, byte| all << 8 | i128::from(*byte)))
}

/// Whether all whole numbers of a column fit.
fn all_fit(rows: LazyFrame) -> PolarsResult<bool> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let rows = rows.collect()?;
    let series = rows.column("dwell id")?.as_materialized_series();
    if series.dtype().is_float() {
        let floats = series.cast(&DataType::Float64)?;
        let fits = |value: f64| value.fract() != 0.0 || !value.is_finite() || (-LIMIT..LIMIT).contains(&value);
        return Ok(floats.f64()?.iter().flatten().all(fits));
    }
    Ok(series.cast(&DataType::Int64)?.null_count() == series.null_count())
}
