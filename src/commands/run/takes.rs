//! What writing a file of a table takes of memory, so that no more are written at once than it holds.

use crate::pipeline::event_buffer::MemoryBudget;
use crate::sessionize::partition::Partition;
use crate::sessionize::table_rows::dated::Dated;
use crate::sessionize::table_rows::merge::ByDate;
use crate::tables::write::parquet_file::{ROW_GROUP_ROWS, SLICE_ROWS};

/// What writing a file takes of memory, about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Takes {
    /// A row, in columns.
    row: u64,
}

impl Takes {
    /// What takes its part of memory whatever the rows: what the compressor has at hand.
    const FIXED: u64 = 4 << 20;
    /// The place of a row among those of its date, while these are put in order.
    const PLACE: u64 = 40;

    /// Of rows that are in memory; nothing where memory has no limit.
    pub fn of<R: Dated>(rows: &ByDate<'_, R>, budget: &MemoryBudget) -> Self {
        if budget.limit.is_none() {
            return Takes::default();
        }
        let bytes: usize = rows.partitions().iter().map(Partition::bytes).sum();
        let users = rows.users().bytes();
        let count: u64 = rows.days().into_iter().map(|day| rows.rows_of(day)).sum();
        Takes { row: ((bytes + users) as u64 / count.max(1)).clamp(48, 1 << 16) }
    }

    /// Of rows of a file, of which nothing is known before they are read: as much as of many columns.
    pub fn of_unread() -> Self {
        Takes { row: 256 }
    }

    /// Bytes for a part of a file, of so many rows in memory.
    pub fn of_part(self, rows: u64) -> u64 {
        Self::FIXED + rows * Self::PLACE + rows.min(SLICE_ROWS as u64) * self.row * 2
    }

    /// Bytes for a file of rows in memory and of rows in parts: of each part a slice is in memory, and of the file a row group.
    pub fn of_table(self, rows: u64, in_parts: u64, parts: usize) -> u64 {
        let slices = in_parts.min(parts as u64 * SLICE_ROWS as u64) * self.row * 2;
        self.of_part(rows) + slices + (rows + in_parts).min(ROW_GROUP_ROWS as u64) * self.row * 3 / 4
    }
}
