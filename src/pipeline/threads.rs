//! The threads of a command.

use std::ops::Deref;

use polars_core::runtime::THREAD_POOL;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::Error;
use crate::guard::against_damage;

/// The threads that all stages share.
#[derive(Debug)]
pub enum Pool {
    /// Those of polars. What a thread asks of polars is then done at once, where it is asked: across two pools, the
    /// thread would wait, and take up another row group meanwhile.
    Shared(&'static ThreadPool),
    /// Others, where polars has more or fewer.
    Own(ThreadPool),
}

impl Deref for Pool {
    type Target = ThreadPool;

    fn deref(&self) -> &ThreadPool {
        match self {
            Pool::Shared(pool) => pool,
            Pool::Own(pool) => pool,
        }
    }
}

/// A pool of this many threads.
///
/// # Errors
/// They cannot be started.
pub fn pool(threads: usize) -> Result<Pool, Error> {
    let failed = |reason: String| Error::Threads { threads, reason };
    let of_polars = against_damage(|| -> &'static ThreadPool { &THREAD_POOL });
    let of_polars = of_polars.map_err(|_| failed("the system does not give that many".to_string()))?;
    if of_polars.current_num_threads() == threads {
        return Ok(Pool::Shared(of_polars));
    }
    let pool = ThreadPoolBuilder::new().num_threads(threads).thread_name(|number| format!("dwell-{number}"));
    pool.build().map(Pool::Own).map_err(|error| failed(error.to_string()))
}
