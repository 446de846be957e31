//! Signals: the first one ends a run cleanly, the second one at once.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Error;

static ASKED: AtomicBool = AtomicBool::new(false);
static COMMITTING: AtomicBool = AtomicBool::new(false);

/// Has SIGINT and SIGTERM end the run at its next step, and a second one at once.
pub fn listen() {
    let on_signal = || {
        if ASKED.swap(true, Ordering::Relaxed) && !COMMITTING.load(Ordering::Relaxed) {
            std::process::exit(1);
        }
    };
    // Where no handler can be installed, a signal ends the process as it always does.
    let _ = ctrlc::set_handler(on_signal);
}

/// From here on signals are too late: files are being put in place, which takes a moment.
pub fn commit_begins() {
    COMMITTING.store(true, Ordering::Relaxed);
}

/// Fails once a signal has come.
///
/// # Errors
/// [`Error::Interrupted`].
pub fn check() -> Result<(), Error> {
    if ASKED.load(Ordering::Relaxed) {
        return Err(Error::Interrupted);
    }
    Ok(())
}
