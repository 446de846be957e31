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

/// Says which file made reading fail: polars names none.
pub fn blame(plan: &ReadPlan, error: &PolarsError) -> InputError {
    let reason = first_line(error);
    let Ok(frames) = plan.frames_by_file() else { return InputError::Unreadable { reason } };
    for frame in frames {
        let path = frame.files[0].clone();
        if let Some(Err(error)) = Batches::read(vec![frame]).find(Result::is_err) {
            return InputError::Damaged { path, reason: first_line(&error) };
        }
    }
    InputError::Unreadable { reason }
}

fn first_line(error: &PolarsError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_string()
}
