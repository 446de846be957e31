//! `dwell dbt`: flags to a folder of tables, and how they are called in dbt.

use clap::Args;

use super::history::HistoryRequest;
use crate::commands::dbt::{sources, Naming};
use crate::error::Error;

/// The folder whose tables are described.
#[derive(Debug, Args)]
pub struct DbtRequest {
    #[command(flatten)]
    folder: HistoryRequest,
    /// Name of the source in dbt, the first argument of source()
    #[arg(long, value_name = "NAME", default_value = "dwell")]
    source: String,
    /// Schema of the warehouse that the tables were loaded into, instead of the files themselves
    #[arg(long, value_name = "SCHEMA")]
    schema: Option<String>,
}

impl DbtRequest {
    /// The sources file.
    ///
    /// # Errors
    /// A job file or tables that cannot be read.
    pub fn answer(self) -> Result<String, Error> {
        sources(&self.folder.resolve()?, &Naming { source: self.source, schema: self.schema })
    }
}
