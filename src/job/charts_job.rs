//! What `dwell charts` needs of a job: where the tables are, and what to make of them. Where events came from is
//! no matter.

use std::path::PathBuf;

use super::chart::Chart;
use super::error::JobError;
use super::file::JobFile;
use super::segment::Segment;

/// The part of a job that is about charts.
#[derive(Clone, Debug)]
pub struct ChartsJob {
    /// The folder of the tables.
    pub output: PathBuf,
    /// The time zone, where the job names one.
    pub zone_name: Option<String>,
    /// Segments of the events.
    pub segments: Vec<Segment>,
    /// The charts.
    pub charts: Vec<Chart>,
}

impl ChartsJob {
    /// Validates the part of a job as typed.
    ///
    /// # Errors
    /// A missing output, and everything that is wrong with segments and charts.
    pub fn new(keys: JobFile) -> Result<Self, JobError> {
        let output = keys.output.path.ok_or(JobError::Missing { key: "output.path", flag: "--output" })?;
        if output.is_empty() {
            return Err(JobError::Empty { key: "output.path" });
        }
        let segments = Segment::all_of(keys.segment)?;
        let charts = Chart::all_of(keys.chart, &segments)?;
        Ok(ChartsJob { output: PathBuf::from(output), zone_name: keys.output.timezone, segments, charts })
    }
}
