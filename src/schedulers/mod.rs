//! What a run tells the systems that started it or watch it: [`prometheus`] by a file of metrics, [`openlineage`] by events
//! about datasets, [`dagster`] by messages to its orchestrator. Each speaks only where it is asked to, by a flag or by the
//! variables that its own tools look at; none of them can make a run fail.

pub mod dagster;
pub mod openlineage;
pub mod prometheus;
pub mod run;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::error::Error;
use crate::job::options::Options;
use crate::job::Job;
use dagster::Pipes;
use openlineage::Lineage;
use run::{Ended, Tables};

/// The variables of a process's environment.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Some variables; of several of one name, the last.
    pub fn new(variables: impl Iterator<Item = (String, String)>) -> Self {
        Environment(variables.collect())
    }

    /// A variable that is set, and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The variables whose names begin so, with the rest of the name.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }
}

/// Who listens to a run.
#[derive(Debug, Default)]
pub struct Listeners {
    metrics: Option<PathBuf>,
    lineage: Option<Lineage>,
    pipes: Option<Pipes>,
    started: Option<(Job, Options)>,
}

impl Listeners {
    /// Those who are asked for: a file of metrics, and what the environment names. Who started the run is told that it is there.
    pub fn open(metrics: Option<PathBuf>, environment: &Environment) -> Self {
        Listeners { metrics, lineage: Lineage::of(environment), pipes: Pipes::open(environment), started: None }
    }

    /// A job begins.
    pub fn start(&mut self, job: &Job, options: &Options) {
        if let Some(lineage) = &mut self.lineage {
            lineage.start(job);
        }
        if let Some(pipes) = &mut self.pipes {
            pipes.log(
                "INFO",
                &format!("dwell {} makes sessions in {}", env!("CARGO_PKG_VERSION"), job.output.place.name().display()),
            );
        }
        self.started = Some((job.clone(), options.clone()));
    }

    /// It ended: with a record, or with an error.
    pub fn end(mut self, result: Result<&Value, &Error>) {
        let job = self.started.as_ref().map(|(job, _)| job);
        let tables = job.map(|job| Tables::read(&job.output.place.folder)).unwrap_or_default();
        let message = result.err().map(Error::message);
        let ended = Ended {
            at: jiff::Timestamp::now(),
            exit_code: result.map_or_else(Error::exit_code, |_| 0),
            record: result.ok(),
            error: message.as_ref(),
            tables: &tables,
        };
        if let Some(path) = &self.metrics {
            prometheus::write(path, &ended);
        }
        if let (Some(lineage), Some(job)) = (&self.lineage, job) {
            lineage.end(job, &ended);
        }
        if let Some(pipes) = &mut self.pipes {
            pipes.end(&ended, self.started.as_ref().map(|(_, options)| options));
        }
    }
}
