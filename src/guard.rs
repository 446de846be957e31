//! No panic reaches a user.

use std::panic::{catch_unwind, set_hook, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

use crate::error::Error;

/// What the last panic said.
static LAST: Mutex<Option<String>> = Mutex::new(None);

/// Runs the program; a panic anywhere in it becomes one line that asks for a report, and an error.
///
/// # Errors
/// Those of the program, or [`Error::Bug`].
pub fn against_bugs<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    set_hook(Box::new(|panic| {
        // Said only where the panic turns out to be a bug: readers of files panic over damaged ones.
        let said = panic.payload();
        let what = said.downcast_ref::<&str>().copied().or_else(|| said.downcast_ref::<String>().map(String::as_str));
        let what = what.unwrap_or("unknown").replace('\n', " ");
        let place = panic.location().map(|at| format!(" ({}:{})", file_name(at.file()), at.line())).unwrap_or_default();
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(what + &place);
    }));
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error::Bug { what: last_panic() }))
}

/// A reader of files panicked; what it said is of its own insides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

/// Runs a reader of files that panics over some damage.
///
/// # Errors
/// It panicked.
pub fn against_damage<T>(read: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|_| Panicked)
}

/// What the last panic said.
fn last_panic() -> String {
    LAST.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_else(|| "unknown".to_string())
}

/// The end of a source path: where it was built is nobody's business.
fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}
