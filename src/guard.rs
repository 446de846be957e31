//! No panic reaches a user.

use std::panic::{catch_unwind, set_hook, UnwindSafe};

use crate::error::Error;

/// Runs the program; a panic anywhere in it becomes one line that asks for a report, and an error.
///
/// # Errors
/// Those of the program, or [`Error::Bug`].
pub fn against_bugs<T>(work: impl FnOnce() -> Result<T, Error> + UnwindSafe) -> Result<T, Error> {
    set_hook(Box::new(|panic| {
        let said = panic.payload();
        let what = said.downcast_ref::<&str>().copied().or_else(|| said.downcast_ref::<String>().map(String::as_str));
        let place = panic.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
        let what = what.unwrap_or("unknown").replace('\n', " ");
        tracing::error!("this is a bug in dwell; please report this line and the job: {what} ({place})");
    }));
    catch_unwind(work).unwrap_or(Err(Error::Bug))
}
