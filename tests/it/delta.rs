//! Delta tables as input. Their logs are written by hand here; `tests/delta.py` has tables of a writer.

mod checkpoints;
mod deletions;
mod log;
mod mapping;
mod nights;
mod partitions;
mod refused;
mod stored;
mod versions;
