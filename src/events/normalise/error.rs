//! What can go wrong with the rows of a batch.

use crate::events::error::InputError;

/// Why a batch has no columns by role.
#[derive(Debug)]
pub enum ProjectError {
    /// The condition fails on a value.
    Condition(String),
    /// A condition of a chart or segment does.
    Facts {
        /// The chart or segment.
        of: String,
        /// The condition.
        condition: String,
        /// What polars says.
        reason: String,
    },
    /// A value that its role cannot take.
    Input(InputError),
}

impl From<InputError> for ProjectError {
    fn from(error: InputError) -> Self {
        ProjectError::Input(error)
    }
}
