//! `dwell kernel`: flags to a stream's job and options.

use std::io::{Read, Write};
use std::path::PathBuf;

use clap::Args;

use super::definition::DefinitionFlags;
use super::resources::{ResourceFlags, Setup};
use crate::commands::kernel::{kernel, KernelOptions, Latest, StreamContents, StreamTable};
use crate::error::Error;
use crate::job::dates::parse_instant;
use crate::job::{Job, JobError};

/// A stream of events to make sessions of, as asked for.
#[derive(Debug, Args)]
pub struct KernelRequest {
    #[command(flatten)]
    definition: DefinitionFlags,

    /// The table to write
    #[arg(long, value_enum, value_name = "TABLE", default_value_t, help_heading = "Output")]
    table: StreamTable,
    /// Write the table of this segment of the job instead of that of all events
    #[arg(long, value_name = "NAME", help_heading = "Output")]
    segment: Option<String>,
    /// Write all tables of the job, in parts, for the run that puts those of all kernels together (dwell run --by-kernels)
    #[arg(long, conflicts_with_all = ["table", "segment"], help_heading = "Output")]
    parts: bool,
    /// The latest time of the whole input, of which the stream is a part (ISO 8601); or the word stream, where the stream is
    /// the whole input [default: that of the stream, with a warning]
    #[arg(long, value_name = "TIME", help_heading = "Output")]
    latest: Option<String>,
    /// Append a line of JSON with counts to this file: summed over streams of different users, they are those of run.json
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    counts: Option<PathBuf>,
    #[command(flatten)]
    resources: ResourceFlags,
}

impl KernelRequest {
    /// What is set up before it begins.
    pub(super) fn setup(&self) -> Setup {
        self.resources.setup()
    }

    /// Makes sessions of what comes in.
    ///
    /// # Errors
    /// Those of the flags and the job, of reading the stream and of writing the other one.
    pub fn answer(self, input: impl Read + Send + 'static, stdout: impl Write) -> Result<(), Error> {
        let resources = self.resources.resources()?;
        let latest = self.latest.as_deref().map(latest).transpose()?;
        let output = match self.parts {
            true => StreamContents::Parts,
            false => StreamContents::Table { table: self.table, segment: self.segment },
        };
        let options = KernelOptions { output, latest, counts: self.counts };
        let job = Job::for_stream(self.definition.keys()?)?;
        kernel(job, &resources, &options, input, stdout)
    }
}

fn latest(text: &str) -> Result<Latest, JobError> {
    if text == "stream" {
        return Ok(Latest::OfStream);
    }
    Ok(Latest::At(parse_instant("--latest", text)?))
}
