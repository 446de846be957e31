//! What can go wrong with the rows of a batch.

use std::path::Path;

use crate::events::error::InputError;
use crate::events::predicate::printed;

/// Why a batch has no columns by role.
#[derive(Debug)]
pub enum ProjectError {
    /// The condition fails on a value.
    Condition(String),
    /// A condition of a chart or segment does, or a derived column.
    Facts {
        /// The chart or segment, or the derived column.
        of: String,
        /// The condition.
        condition: String,
        /// What polars says.
        reason: String,
    },
    /// A value that its role cannot take.
    Input(InputError),
}

impl ProjectError {
    /// This error, of values of a file; `condition` is that of the job.
    pub fn of_values_in(self, path: &Path, condition: Option<&str>) -> InputError {
        match self {
            ProjectError::Condition(reason) => InputError::Condition {
                condition: printed(condition.unwrap_or_default()),
                reason: format!("it fails on values of {path:?}: {reason}"),
                position: None,
            },
            ProjectError::Facts { of, condition, reason } => {
                InputError::ChartConditionFails { of, condition, path: path.to_path_buf(), reason }
            }
            ProjectError::Input(error) => error.of_values_in(path),
        }
    }
}

impl From<InputError> for ProjectError {
    fn from(error: InputError) -> Self {
        ProjectError::Input(error)
    }
}
