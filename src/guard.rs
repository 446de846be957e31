//! No panic reaches a user.

use std::any::Any;
use std::panic::{catch_unwind, resume_unwind, set_hook, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

use crate::error::Error;

/// What the last panic said.
static LAST: Mutex<Option<String>> = Mutex::new(None);

/// Runs the program; a panic anywhere in it becomes one line that asks for a report, and an error.
///
/// # Errors
/// Those of the program, [`Error::Refused`] in place of any that is about memory that the system refused, or
/// [`Error::Bug`].
pub fn against_bugs<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    set_hook(Box::new(|panic| {
        // Said only where the panic turns out to be a bug: readers of files panic over damaged ones.
        let what = said_in(panic.payload()).replace('\n', " ");
        let place = panic.location().map(|at| format!(" ({}:{})", file_name(at.file()), at.line())).unwrap_or_default();
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(what + &place);
    }));
    let done = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done,
        Err(panic) if is_of_memory(said_in(panic.as_ref())) => Err(Error::Refused),
        Err(_) => Err(Error::Bug { what: last_panic() }),
    };
    done.map_err(|error| if is_of_memory(&error.to_string()) { Error::Refused } else { error })
}

/// Whether a panic or an error says that the system, or a compressor written in C, had no memory; or that there was none for
/// a thread.
fn is_of_memory(said: &str) -> bool {
    // As zstd's bindings, zstd itself, the system and the libraries that start threads say it.
    const SAID: [&str; 6] = [
        "OS can't spawn worker thread",
        "failed to spawn thread",
        "zstd returned null pointer when creating new context",
        "Allocation error : not enough memory",
        "Cannot allocate memory (os error 12)",
        "failed to allocate memory",
    ];
    SAID.iter().any(|of_memory| said.contains(of_memory))
}

fn said_in(panic: &(dyn Any + Send)) -> &str {
    let said = panic.downcast_ref::<&str>().copied();
    said.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("unknown")
}

/// A reader of files panicked; what it said is of its own insides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

/// Runs a reader of files that panics over some damage. A panic over memory that the system refused goes on: no file is
/// to blame for it.
///
/// # Errors
/// It panicked.
pub fn against_damage<T>(read: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|panic| {
        if is_of_memory(said_in(panic.as_ref())) {
            resume_unwind(panic);
        }
        Panicked
    })
}

/// What the last panic said.
fn last_panic() -> String {
    LAST.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_else(|| "unknown".to_string())
}

/// The end of a source path: where it was built is nobody's business.
fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_is_to_blame_for_memory_that_is_refused() {
        let refused = || -> Result<(), Error> {
            against_damage(|| panic!("zstd returned null pointer when creating new context"))
                .map_err(|_| Error::Interrupted)
        };
        assert!(matches!(against_bugs(refused), Err(Error::Refused)));
        let damaged = || against_damage(|| panic!("index out of bounds")).map_err(|_| Error::Interrupted);
        assert!(matches!(against_bugs(damaged), Err(Error::Interrupted)));
        let bug = || -> Result<(), Error> { panic!("no such row") };
        assert!(matches!(against_bugs(bug), Err(Error::Bug { what }) if what.contains("no such row")));
    }
}
