//! Reading: the frames of a plan, as a stream of batches.

use std::num::NonZeroUsize;
use std::sync::mpsc::{sync_channel, Receiver, SyncSender};

use polars::prelude::*;

use super::error::InputError;
use super::plan::{Frame, ReadPlan};

/// Rows of a batch, at most: a batch's columns then stay in the cache of the thread that lays it out.
const BATCH_ROWS: usize = 1 << 17;

/// Batches on their way from polars; dropping it stops the reading.
#[derive(Debug)]
pub struct Batches {
    batches: Receiver<Result<DataFrame, PolarsError>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Batches {
    /// Starts to read frames on a thread of its own; polars decodes on its own pool.
    pub fn read(frames: Vec<Frame>) -> Self {
        // Room for one batch: reading waits for whoever takes the batches, and memory stays bounded.
        let (sender, batches) = sync_channel(1);
        let reader = std::thread::spawn(move || {
            for frame in frames {
                match read_frame(frame, &sender) {
                    Ok(()) => {}
                    Err(error) => {
                        // Nobody listens any more where the run has failed already.
                        let _ = sender.send(Err(error));
                        return;
                    }
                }
            }
        });
        Batches { batches, reader: Some(reader) }
    }
}

impl Iterator for Batches {
    type Item = Result<DataFrame, PolarsError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.batches.recv() {
            Ok(batch) => Some(batch),
            Err(_) => {
                let outcome = self.reader.take().map(std::thread::JoinHandle::join);
                match outcome {
                    Some(Err(_)) => Some(Err(polars_err!(ComputeError: "the Parquet reader gave up"))),
                    _ => None,
                }
            }
        }
    }
}

fn read_frame(frame: Frame, sender: &SyncSender<Result<DataFrame, PolarsError>>) -> PolarsResult<()> {
    let sender = sender.clone();
    let hand_over = move |batch: DataFrame| Ok(sender.send(Ok(batch)).is_err());
    let sink = frame.frame.sink_batches(PlanCallback::new(hand_over), false, NonZeroUsize::new(BATCH_ROWS))?;
    sink.collect_with_engine(Engine::Streaming)?;
    Ok(())
}

/// Says what made reading fail: which file, or the condition. polars names neither.
pub fn blame(plan: &ReadPlan, error: &PolarsError) -> InputError {
    let reason = one_line(error);
    let Ok(files) = plan.frames_by_file() else { return InputError::Unreadable { reason } };
    for (filtered, unfiltered) in files {
        let path = filtered.files[0].clone();
        let Some(Err(error)) = Batches::read(vec![filtered]).find(Result::is_err) else { continue };
        let reason = one_line(&error);
        let reads_without = Batches::read(vec![unfiltered]).all(|batch| batch.is_ok());
        return match plan.condition().filter(|_| reads_without) {
            Some(condition) => InputError::Condition {
                condition: condition.to_string(),
                reason: format!("it fails on values of {path:?}: {reason}"),
                position: None,
            },
            None => InputError::Damaged { path, reason },
        };
    }
    InputError::Unreadable { reason }
}

fn one_line(error: &PolarsError) -> String {
    let text = error.to_string();
    // polars appends the plan that it failed in, which says nothing to who reads the message.
    let said = text.split("\n\n").next().unwrap_or_default();
    if said.contains("Panic") {
        return "the Parquet reader gave up".to_string();
    }
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}
