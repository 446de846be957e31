//! Values that cannot be read: they count as null, and are told of.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

/// How many rows of a run have something in a column that cannot be read.
#[derive(Clone, Debug, Default)]
pub struct Unread(Arc<AtomicU64>);

impl Unread {
    /// Counts some more.
    pub fn add(&self, rows: usize) {
        if rows > 0 {
            self.0.fetch_add(rows as u64, Ordering::Relaxed);
        }
    }

    /// How many there are so far.
    pub fn rows(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Begins anew.
    pub fn forget(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// A column is the same, however much of it has been read.
impl PartialEq for Unread {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Unread {}
