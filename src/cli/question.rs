//! The flags of the commands that answer questions about sessions.

use clap::Args;

use super::definition::DefinitionFlags;
use super::resources::{ResourceFlags, Setup};
use crate::commands::doctor::words::Words;
use crate::error::Error;
use crate::job::options::Resources;
use crate::job::{Job, JobFile};
use crate::summary::format::Format;

/// What every question has: a job, and how to print the answer.
#[derive(Debug, Args)]
pub struct QuestionFlags {
    #[command(flatten)]
    definition: DefinitionFlags,
    /// How to print the answer
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: Format,
    #[command(flatten)]
    resources: ResourceFlags,
}

impl QuestionFlags {
    /// What is set up before it begins.
    pub(super) fn setup(&self) -> Setup {
        self.resources.setup()
    }

    /// How to print the answer.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The words that say what is asked about, to be typed again after another command.
    ///
    /// # Errors
    /// A job file that cannot be read.
    pub fn words(&self) -> Result<Words, Error> {
        Ok(self.definition.words()?)
    }

    /// The keys of the job, and what the answer may take.
    ///
    /// # Errors
    /// A job file that cannot be read.
    pub fn keys(self) -> Result<(JobFile, Resources), Error> {
        let resources = self.resources.resources()?;
        Ok((self.definition.keys()?, resources))
    }

    /// The job that is asked about, and what the answer may take.
    ///
    /// # Errors
    /// A job file that cannot be read, and everything that is wrong with its keys or the flags.
    pub fn resolve(self) -> Result<(Job, Resources), Error> {
        let (keys, resources) = self.keys()?;
        Ok((Job::for_question(keys)?, resources))
    }
}
