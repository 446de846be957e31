//! All sessions of a run together, for its summary.

use std::path::PathBuf;

use polars::prelude::*;

use super::tables::{collect, scan_file};
use super::DEFAULT_BINS_MS;

/// All sessions of the tables together, for the summary.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    /// How many sessions there are.
    pub sessions: i64,
    /// The sum of their lengths in milliseconds.
    pub time_spent_ms: i64,
    /// The median length in milliseconds, by nearest rank.
    pub median_ms: Option<i64>,
    /// Sessions of length 0.
    pub zero_length: i64,
    /// Sessions by default bin, and last those at or above the last bound.
    pub bins: Vec<i64>,
}

/// Sums all sessions of the tables up.
///
/// # Errors
/// A table that cannot be read.
pub fn overview(files: &[PathBuf]) -> PolarsResult<Overview> {
    if files.is_empty() {
        return Ok(Overview { bins: vec![0; DEFAULT_BINS_MS.len()], ..Overview::default() });
    }
    let mut exprs = count_exprs();
    exprs.push(nearest_rank(0.5).alias("median"));
    let summary = collect(scan(files)?.select(exprs))?;
    let row = Row { frame: &summary, row: 0 };
    Ok(Overview {
        sessions: row.count("sessions")?,
        time_spent_ms: row.count("time_spent")?,
        median_ms: row.get("median")?,
        zero_length: row.count("zero_length")?,
        bins: row.bins()?,
    })
}

fn scan(files: &[PathBuf]) -> PolarsResult<LazyFrame> {
    concat(files.iter().map(|path| scan_file(path)).collect::<PolarsResult<Vec<_>>>()?, UnionArgs::default())
}

fn count_exprs() -> Vec<Expr> {
    let count = |condition: Expr| condition.cast(DataType::Int64).sum();
    let mut exprs = vec![
        len().cast(DataType::Int64).alias("sessions"),
        length().sum().alias("time_spent"),
        count(length().eq(lit(0i64))).alias("zero_length"),
    ];
    for (bin, start) in DEFAULT_BINS_MS.iter().enumerate() {
        let from = length().gt_eq(lit(*start));
        let inside = match DEFAULT_BINS_MS.get(bin + 1) {
            Some(end) => from.and(length().lt(lit(*end))),
            None => from,
        };
        exprs.push(count(inside).alias(format!("bin{bin}")));
    }
    exprs
}

fn length() -> Expr {
    col("length_ms")
}

/// The smallest length that at least this share of sessions does not exceed.
fn nearest_rank(share: f64) -> Expr {
    length().quantile(lit(share), QuantileMethod::Equiprobable).cast(DataType::Int64)
}

/// A row of what [`count_exprs`] came to.
struct Row<'a> {
    frame: &'a DataFrame,
    row: usize,
}

impl Row<'_> {
    fn get(&self, name: &str) -> PolarsResult<Option<i64>> {
        Ok(self.frame.column(name)?.i64()?.get(self.row))
    }

    fn count(&self, name: &str) -> PolarsResult<i64> {
        self.get(name).map(Option::unwrap_or_default)
    }

    fn bins(&self) -> PolarsResult<Vec<i64>> {
        (0..DEFAULT_BINS_MS.len()).map(|bin| self.count(&format!("bin{bin}"))).collect()
    }
}
