//! What can go wrong with a chart once its job has been read.

use crate::events::error::InputError;
use crate::tables::error::TableError;

/// A chart that cannot be made of the tables.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// A value that a property cannot be compared with.
    #[error("the value \"{value}\" cannot be compared with {property}, which holds {holds}")]
    Value {
        /// The property.
        property: String,
        /// The value.
        value: String,
        /// What the property holds.
        holds: &'static str,
    },
    /// A table that cannot be read.
    #[error("{0}")]
    Table(#[from] TableError),
    /// A condition of a chart that does not fit the columns of sessions.
    #[error("{0}")]
    Condition(#[from] InputError),
    /// A chart, by its name.
    #[error("[[chart]] \"{chart}\": {error}")]
    In {
        /// The chart.
        chart: String,
        /// What is wrong with it.
        error: Box<ChartError>,
    },
}

impl ChartError {
    /// Whether the job is wrong, rather than the tables.
    pub fn is_usage(&self) -> bool {
        match self {
            ChartError::Value { .. } | ChartError::Condition(_) => true,
            ChartError::Table(_) => false,
            ChartError::In { error, .. } => error.is_usage(),
        }
    }
}
