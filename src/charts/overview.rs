//! All sessions of a run together, for its summary: in the memory of one row group's lengths a thread, however many sessions
//! there are. The median takes a second look at the files, at the sessions that are about as long.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;
use rayon::ThreadPool;

use super::rows::FileRows;
use super::spread::magnitude;
use super::tables::row_groups;
use crate::job::bins::DEFAULT_BINS_MS;
use crate::tables::error::TableError;

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
pub fn overview(pool: &ThreadPool, files: &[PathBuf]) -> Result<Overview, TableError> {
    let parts = in_row_groups(files)?;
    let tallies: Vec<Tally> = on_all(pool, &parts, Tally::of)?;
    let mut tally = tallies.into_iter().fold(Tally::default(), Tally::with);
    let middle = (tally.overview.sessions + 1) / 2;
    let median = tally.magnitude_of(middle).map(|(median, before)| -> Result<i64, TableError> {
        let alike = |lengths: &[i64]| {
            let mut counts = BTreeMap::<i64, i64>::new();
            let alike = lengths.iter().filter(|length| magnitude(**length) == median);
            alike.for_each(|length| *counts.entry(*length).or_default() += 1);
            counts
        };
        let mut counts = BTreeMap::<i64, i64>::new();
        for of_file in on_all(pool, &parts, alike)? {
            of_file.into_iter().for_each(|(length, count)| *counts.entry(length).or_default() += count);
        }
        let mut left = middle - before;
        let is_middle = |(_, count): &(i64, i64)| {
            left -= count;
            left <= 0
        };
        Ok(counts.into_iter().find(is_middle).map_or(0, |(length, _)| length))
    });
    tally.overview.median_ms = median.transpose()?;
    tally.overview.bins.resize(DEFAULT_BINS_MS.len(), 0);
    Ok(tally.overview)
}

/// A file, and a row group of it; all of them where it is none.
type RowGroup = (PathBuf, Option<usize>);

/// Large files in their row groups.
fn in_row_groups(files: &[PathBuf]) -> Result<Vec<RowGroup>, TableError> {
    const LARGE: u64 = 1 << 23;
    let mut parts = Vec::with_capacity(files.len());
    for file in files {
        parts.extend(row_groups(file, LARGE)?.into_iter().map(|row_group| (file.clone(), row_group)));
    }
    Ok(parts)
}

/// What comes of the lengths of each part, on all threads.
fn on_all<T: Send>(
    pool: &ThreadPool,
    parts: &[RowGroup],
    work: impl Fn(&[i64]) -> T + Sync,
) -> Result<Vec<T>, TableError> {
    let one = |part: &RowGroup| Ok(work(&lengths(part)?));
    pool.install(|| parts.par_iter().with_max_len(1).map(one).collect())
}

fn lengths((file, row_group): &RowGroup) -> Result<Arc<Vec<i64>>, TableError> {
    const LENGTH: &str = "length_ms";
    FileRows::read_row_group(file, *row_group, &[LENGTH.to_string()].into())?.ints(LENGTH)
}

/// What is counted of sessions: how many are about as long as which, too.
#[derive(Debug, Default)]
struct Tally {
    overview: Overview,
    magnitudes: Vec<i64>,
}

impl Tally {
    fn of(lengths: &[i64]) -> Self {
        let mut tally = Tally::default();
        let Overview { sessions, time_spent_ms, zero_length, bins, .. } = &mut tally.overview;
        *sessions = lengths.len() as i64;
        *time_spent_ms = lengths.iter().sum();
        *zero_length = lengths.iter().filter(|length| **length == 0).count() as i64;
        bins.resize(DEFAULT_BINS_MS.len(), 0);
        for length in lengths {
            if let Some(bin) = DEFAULT_BINS_MS.iter().rposition(|start| start <= length) {
                bins[bin] += 1;
            }
            add_at(&mut tally.magnitudes, magnitude(*length), 1);
        }
        tally
    }

    fn with(mut self, other: Tally) -> Self {
        let (mine, theirs) = (&mut self.overview, other.overview);
        mine.sessions += theirs.sessions;
        mine.time_spent_ms += theirs.time_spent_ms;
        mine.zero_length += theirs.zero_length;
        theirs.bins.into_iter().enumerate().for_each(|(bin, count)| add_at(&mut mine.bins, bin, count));
        let magnitudes = other.magnitudes.into_iter().enumerate();
        magnitudes.for_each(|(magnitude, count)| add_at(&mut self.magnitudes, magnitude, count));
        self
    }

    /// The magnitude of the session at a place among all, counted from 1, and how many are of a smaller one.
    fn magnitude_of(&self, place: i64) -> Option<(usize, i64)> {
        let mut before = 0;
        for (magnitude, count) in self.magnitudes.iter().enumerate().filter(|(_, count)| **count > 0) {
            if before + count >= place {
                return Some((magnitude, before));
            }
            before += count;
        }
        None
    }
}

fn add_at(counts: &mut Vec<i64>, place: usize, count: i64) {
    if counts.len() <= place {
        counts.resize(place + 1, 0);
    }
    counts[place] += count;
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use parquet::arrow::ArrowWriter;
    use proptest::prelude::*;
    use std::path::Path;

    fn write(path: &Path, lengths: &[i64]) {
        let lengths: ArrayRef = Arc::new(Int64Array::from(lengths.to_vec()));
        let rows = RecordBatch::try_from_iter([("length_ms", lengths)]).expect("a batch");
        let file = std::fs::File::create(path).expect("a file");
        let mut writer = ArrowWriter::try_new(file, rows.schema(), None).expect("a writer");
        writer.write(&rows).expect("written");
        writer.close().expect("closed");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_sum_of_all_is_what_sorting_them_finds(
            lengths in prop::collection::vec(prop_oneof![Just(0i64), 0i64..70_000, 0i64..86_400_001], 0..200),
            cut in any::<prop::sample::Index>(),
        ) {
            let folder = tempfile::tempdir().expect("a folder");
            let files = ["a", "b"].map(|name| folder.path().join(name)).to_vec();
            let cut = cut.index(lengths.len() + 1);
            write(&files[0], &lengths[..cut]);
            write(&files[1], &lengths[cut..]);
            let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
            let found = overview(&pool, &files).expect("readable");
            let mut sorted = lengths.clone();
            sorted.sort_unstable();
            prop_assert_eq!(found.sessions as usize, sorted.len());
            prop_assert_eq!(found.time_spent_ms, sorted.iter().sum::<i64>());
            prop_assert_eq!(found.zero_length as usize, sorted.iter().filter(|length| **length == 0).count());
            prop_assert_eq!(found.median_ms, sorted.len().checked_sub(1).map(|last| sorted[last / 2]));
            let bin = |(place, start): (usize, &i64)| {
                let end = DEFAULT_BINS_MS.get(place + 1).copied().unwrap_or(i64::MAX);
                sorted.iter().filter(|length| (*start..end).contains(*length)).count() as i64
            };
            prop_assert_eq!(found.bins, DEFAULT_BINS_MS.iter().enumerate().map(bin).collect::<Vec<_>>());
        }
    }
}
