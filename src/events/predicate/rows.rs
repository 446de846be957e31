//! Functions that are computed row by row, as DuckDB has them, where polars means something else by them.

use polars::prelude::*;

/// An expression that a function computes from the columns of some others. A column of one row among longer ones is a
/// constant.
pub fn computed(
    arguments: Vec<Expr>,
    gives: DataType,
    function: impl Fn(&[Column]) -> PolarsResult<Column> + Send + Sync + 'static,
) -> Expr {
    let mut arguments = arguments.into_iter();
    let first = arguments.next().unwrap_or_else(|| lit(NULL));
    let others: Vec<Expr> = arguments.collect();
    first.map_many(
        move |columns| {
            let name = columns.first().map(|column| column.name().clone()).unwrap_or_default();
            Ok(function(columns)?.with_name(name))
        },
        &others,
        move |_, fields| {
            let name = fields.first().map(|field| field.name().clone()).unwrap_or_default();
            Ok(Field::new(name, gives.clone()))
        },
    )
}

/// How many rows some columns make together.
pub fn height(columns: &[Column]) -> usize {
    columns.iter().map(Column::len).find(|rows| *rows != 1).unwrap_or(1)
}

/// A column of texts.
pub struct Texts(StringChunked);

impl Texts {
    /// Of a column that is text.
    pub fn of(column: &Column) -> PolarsResult<Texts> {
        Ok(Texts(column.as_materialized_series().rechunk().str()?.clone()))
    }

    /// The text of a row; the only one for all of them, where there is one.
    pub fn at(&self, row: usize) -> Option<&str> {
        self.0.get(if self.0.len() == 1 { 0 } else { row })
    }
}

/// A column of integers of 64 bits, or of something that is counted in them.
pub struct Ints(Int64Chunked);

impl Ints {
    /// Of a column of integers, dates, or times: those are counted in the unit that they have.
    pub fn of(column: &Column) -> PolarsResult<Ints> {
        let counts = column.as_materialized_series().to_physical_repr().cast(&DataType::Int64)?;
        Ok(Ints(counts.rechunk().i64()?.clone()))
    }

    /// The number of a row; the only one for all of them, where there is one.
    pub fn at(&self, row: usize) -> Option<i64> {
        self.0.get(if self.0.len() == 1 { 0 } else { row })
    }
}

/// A column of floating numbers.
pub struct Floats(Float64Chunked);

impl Floats {
    /// Of a column of numbers.
    pub fn of(column: &Column) -> PolarsResult<Floats> {
        Ok(Floats(column.as_materialized_series().cast(&DataType::Float64)?.rechunk().f64()?.clone()))
    }

    /// The number of a row; the only one for all of them, where there is one.
    pub fn at(&self, row: usize) -> Option<f64> {
        self.0.get(if self.0.len() == 1 { 0 } else { row })
    }
}

/// A column of texts, row by row.
pub fn texts<T: AsRef<str>>(rows: usize, of: impl FnMut(usize) -> Option<T>) -> Column {
    StringChunked::from_iter_options("".into(), (0..rows).map(of)).into_column()
}

/// A column of truths, row by row.
pub fn truths(rows: usize, of: impl FnMut(usize) -> Option<bool>) -> Column {
    BooleanChunked::from_iter_options("".into(), (0..rows).map(of)).into_column()
}

/// A column of integers, row by row.
pub fn ints(rows: usize, of: impl FnMut(usize) -> Option<i64>) -> Column {
    Int64Chunked::from_iter_options("".into(), (0..rows).map(of)).into_column()
}

/// A column of integers, row by row, the first of which that cannot be computed ends the run.
pub fn try_ints(rows: usize, of: impl FnMut(usize) -> PolarsResult<Option<i64>>) -> PolarsResult<Column> {
    let numbers: Vec<Option<i64>> = (0..rows).map(of).collect::<PolarsResult<_>>()?;
    Ok(Int64Chunked::from_iter_options("".into(), numbers.into_iter()).into_column())
}

/// A column of floating numbers, row by row.
pub fn floats(rows: usize, of: impl FnMut(usize) -> Option<f64>) -> Column {
    Float64Chunked::from_iter_options("".into(), (0..rows).map(of)).into_column()
}
