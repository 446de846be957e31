//! A run that finds nothing new.

use std::collections::BTreeSet;

use rayon::ThreadPool;

use super::compatibility::charts_mark;
use super::ran::Ran;
use super::record::record;
use super::scope::Past;
use crate::commands::charts::{stage_anew, Asked};
use crate::error::Error;
use crate::job::fingerprint::Canonical;
use crate::job::options::{Options, Table};
use crate::job::Job;
use crate::summary::grouped;
use crate::tables::folder::LockedFolder;

/// An incremental run whose input is that of the run before: the tables are not touched, and nothing but a
/// record says that it was there, unless there are other charts to make of them.
///
/// # Errors
/// A table that cannot be read, where charts are made again; a file that cannot be written.
pub fn nothing_new(
    pool: &ThreadPool,
    folder: LockedFolder,
    definition: &Canonical,
    job: &Job,
    options: &Options,
    past: &Past,
    started: jiff::Timestamp,
) -> Result<Ran, Error> {
    let files = past.file_count();
    let mut made = folder.before().made();
    let charts = Some(charts_mark(&job.charts, &job.segments, job.output.formulas));
    let mut gone = BTreeSet::new();
    let other_charts = options.writes(Table::Charts) && made.charts != charts;
    if other_charts {
        let limit = options.resources.memory_limit;
        let history = job.output.history;
        let asked = Asked {
            columns: &job.columns,
            charts: &job.charts,
            segments: &job.segments,
            history,
            derived: &job.input.derived,
        };
        (_, gone) = stage_anew(pool, &folder, definition, job.output.csv_style(), limit, asked)?;
        made.charts = charts;
    }
    let of_run = crate::summary::run_json::nothing_new(started, files);
    gone.extend(record(&folder, started, &of_run)?);
    let path = folder.path().to_path_buf();
    crate::cancel::check()?;
    crate::cancel::commit_begins();
    folder.commit(&gone, &BTreeSet::new(), definition, made)?;
    tracing::info!(files, other_charts, "nothing new");
    let charts = if other_charts { "; the charts are made again" } else { "" };
    let those = if files == 1 { "file is that" } else { "files are those" };
    let text = format!(
        "Nothing new: the {} {those} of the run before, and the tables in {} stay{charts}\n",
        grouped(files as u64),
        path.display()
    );
    Ok(Ran { text, record: serde_json::from_str(&of_run).ok() })
}
