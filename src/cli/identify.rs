//! `dwell identify`: flags to a mapping of devices to users.

use clap::Args;

use super::definition::DefinitionFlags;
use super::resources::{ResourceFlags, Setup};
use crate::commands::identify::{identify, Ask};
use crate::error::Error;
use crate::job::{local_folder, Job};

/// A mapping, as asked for.
#[derive(Debug, Args)]
pub struct IdentifyRequest {
    #[command(flatten)]
    definition: DefinitionFlags,
    /// Column of the device, which events without a user have, too
    #[arg(long, value_name = "COLUMN", required = true, help_heading = "Mapping")]
    device: String,
    /// Folder of the mapping
    #[arg(long, value_name = "FOLDER", required = true, help_heading = "Mapping")]
    output: String,
    /// Leave devices out that more users have signed in on [default: no limit]
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..),
        help_heading = "Mapping"
    )]
    max_users_per_device: Option<u64>,
    #[command(flatten)]
    resources: ResourceFlags,
}

impl IdentifyRequest {
    /// What is set up before it begins.
    pub(super) fn setup(&self) -> Setup {
        self.resources.setup()
    }

    /// Writes the mapping, and returns what to print.
    ///
    /// # Errors
    /// Those of the flags and the job, of reading the events, and of writing.
    pub fn answer(self) -> Result<String, Error> {
        let output = local_folder("--output", self.output)?;
        let resources = self.resources.resources()?;
        let job = Job::for_question(self.definition.keys()?)?;
        let ask = Ask { device: self.device, output, most_users: self.max_users_per_device };
        identify(job, &resources, &ask)
    }
}
