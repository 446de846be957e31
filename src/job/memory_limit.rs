//! How much memory a run may take, and what for.
//!
//! Two things hold a run within its limit. What is planned: each stage has a share of the limit, and counts what it keeps.
//! And what is seen: the system tells what the process holds, whatever holds it, and a stage that finds the process near
//! its limit puts on disk what it would have kept, or has fewer threads at work at once.

use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};

use super::JobError;
use crate::error::Error;
use crate::heap;

/// The memory that a run may take, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimit {
    bytes: u64,
    /// What of it is taken by something that stays for as long as events are read.
    held: u64,
}

const KIB: f64 = 1024.0;
/// What the program, its threads and what they have buffered take, about.
const BASE: u64 = 96 << 20;
const PER_THREAD: u64 = 40 << 20;
/// Sessions that may wait whatever the limit: of smaller parts there would be too many.
const LEAST_WAITING: u64 = 16 << 20;

impl MemoryLimit {
    /// Reads the value of a key: `512MiB`, `4GB`.
    ///
    /// # Errors
    /// A bare number, or an unknown unit.
    pub fn parse(key: &'static str, text: &str) -> Result<Self, JobError> {
        let bad = |hint: String| JobError::Size { key, value: text.to_string(), hint };
        let trimmed = text.trim();
        let unit_at = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
        let (number, unit) = (&trimmed[..unit_at], trimmed[unit_at..].trim());
        let scale = match unit.to_ascii_lowercase().as_str() {
            "kib" | "k" => KIB,
            "mib" | "m" => KIB * KIB,
            "gib" | "g" => KIB * KIB * KIB,
            "tib" | "t" => KIB * KIB * KIB * KIB,
            "kb" => 1e3,
            "mb" => 1e6,
            "gb" => 1e9,
            "tb" => 1e12,
            "" if number.parse() == Ok(0.0) => return Err(bad("a run needs some memory".to_string())),
            "" if !number.is_empty() => return Err(bad(format!("a size needs a unit: did you mean {number}GiB?"))),
            _ => return Err(bad("write it like 512MiB or 4GiB".to_string())),
        };
        let number: f64 = number.parse().map_err(|_| bad("write it like 512MiB or 4GiB".to_string()))?;
        let bytes = number * scale;
        if bytes < 1.0 {
            return Err(bad("a run needs some memory".to_string()));
        }
        Ok(MemoryLimit { bytes: bytes as u64, held: 0 })
    }

    /// The limit in bytes.
    pub fn bytes(self) -> u64 {
        self.bytes
    }

    /// The same limit, of which so many bytes more are taken by something that stays for as long as events are read.
    pub fn beside(self, more: u64) -> Self {
        MemoryLimit { held: self.held + more, ..self }
    }

    /// What is left for events and sessions beside the program, what stays, and what its threads have buffered.
    fn room(self, threads: usize) -> u64 {
        self.bytes.saturating_sub(self.held + BASE + PER_THREAD * threads as u64)
    }

    /// Makes sure that a mapping of users fits beside the program and its threads: `held` bytes up to now, after so many of
    /// all of its rows. While it grows, it takes half as much again.
    ///
    /// # Errors
    /// It does not.
    pub fn check_aliases(self, held: u64, (done, all): (u64, u64), threads: usize) -> Result<(), Error> {
        let of_others = BASE + PER_THREAD * threads as u64;
        if of_others + held + held / 2 <= self.bytes {
            return Ok(());
        }
        let needed = (u128::from(held) * u128::from(all.max(done)) / u128::from(done.max(1))) as u64;
        let enough = whole_mib(of_others + needed * 2);
        Err(Error::ManyAliases { needed, limit: self.bytes, enough })
    }

    /// An error of users whose first hours, of so many bytes, do not fit beside everything else.
    pub fn many_users(self, needed: u64) -> Error {
        Error::ManyUsers { needed, limit: self.bytes, enough: whole_mib(self.bytes + 2 * needed) }
    }

    /// For each of two sets of events that are there at once: beside the program itself, half of the memory.
    pub fn halved(self, threads: usize) -> Self {
        MemoryLimit { bytes: self.bytes - self.room(threads) / 2, ..self }
    }

    /// Bytes of events that may wait in memory: more goes to disk. While some are written, as many may come.
    pub fn waiting_events(self, threads: usize) -> usize {
        as_size(self.room(threads) / 2 - self.room(threads) / 8)
    }

    /// Bytes that the events may take which a thread has buffered, until they are laid out.
    pub fn row_group_buffer(self, threads: usize) -> usize {
        as_size(PER_THREAD / 2 + self.room(threads) / 4 / threads.max(1) as u64)
    }

    /// Bytes that the columns of a batch may take in a file: a batch is in memory several times, as one thing is made of
    /// another.
    pub fn batch(self, threads: usize) -> usize {
        self.row_group_buffer(threads) / 8
    }

    /// Bytes that threads may hold together of the pages and dictionaries that they read.
    pub fn pages(self, threads: usize) -> u64 {
        PER_THREAD / 2 * threads as u64 + self.room(threads) / 4
    }

    /// Bytes of objects that may be on their way or wait to be decoded.
    pub fn fetched(self, threads: usize) -> u64 {
        PER_THREAD / 4 * threads as u64 + self.room(threads) / 8
    }

    /// Makes sure that the pages and dictionaries fit which one thread holds while no other reads.
    ///
    /// # Errors
    /// They do not: `needed` bytes.
    pub fn check_pages(self, needed: u64, threads: usize, path: &Path) -> Result<(), Error> {
        // Half of the base is for what comes after reading.
        let others = self.held + BASE / 2 + PER_THREAD / 2 * threads as u64;
        let room = self.bytes.saturating_sub(others);
        if needed <= room {
            return Ok(());
        }
        Err(Error::LargePages {
            path: path.to_path_buf(),
            needed,
            limit: self.bytes,
            enough: whole_mib(others + needed),
        })
    }

    /// Makes sure that what is counted of sessions fits beside their events: `held` bytes up to now, `needed` in the end.
    ///
    /// # Errors
    /// It does not.
    pub fn check_results(self, held: u64, needed: u64, threads: usize) -> Result<(), Error> {
        if held <= self.room(threads) / 2 + BASE / 2 {
            return Ok(());
        }
        let needed = needed.max(held);
        let enough = whole_mib(2 * needed + PER_THREAD * threads as u64);
        Err(Error::ManyResults { needed, limit: self.bytes, enough })
    }

    /// Bytes that the process may take beside what it holds. Where they are fewer than `needed`, memory that is free
    /// goes back to the system first.
    pub fn left(self, needed: u64) -> u64 {
        let left = || self.bytes.saturating_sub(resident().unwrap_or(0));
        if left() < needed {
            heap::give_back();
        }
        left()
    }

    /// Whether the process holds nearly as much as it may, also when memory that is free has gone back to the system.
    pub fn is_near(self) -> bool {
        self.is_near_with(0)
    }

    /// The same, where what it holds may soon be larger by so many bytes.
    pub fn is_near_with(self, growth: u64) -> bool {
        let margin = self.bytes / 8 + growth;
        self.left(margin) < margin
    }

    /// What threads may take together for what they have buffered, where `reserved` bytes are for other things.
    pub fn shared(self, threads: usize, reserved: u64) -> Shared {
        let least = PER_THREAD * threads as u64;
        Shared::new(Some(self.left(least + reserved).saturating_sub(reserved).max(least)))
    }

    /// Makes sure that the program itself and its threads fit.
    ///
    /// # Errors
    /// They do not.
    pub fn check_threads(self, threads: usize) -> Result<(), Error> {
        let least = BASE + PER_THREAD * threads as u64;
        if self.bytes >= least {
            return Ok(());
        }
        Err(Error::MemoryForThreads { limit: self.bytes, threads, least })
    }

    /// Makes sure that what one thread has buffered for a partition fits.
    ///
    /// # Errors
    /// It does not.
    pub fn check_partition(self, needed: u64, threads: usize) -> Result<(), Error> {
        let room = self.room(threads) + PER_THREAD;
        if needed <= room {
            return Ok(());
        }
        Err(Error::TooLittleMemory { needed, limit: self.bytes, enough: whole_mib(self.bytes - room + needed) })
    }

    /// Bytes that one thread may take, once nothing else is in memory.
    pub fn to_compare(self, threads: usize) -> usize {
        as_size(self.left(u64::MAX).min(self.room(threads)).max(PER_THREAD) * 3 / 4)
    }

    /// Bytes of table files that may be read at once, once nothing else is in memory: in memory they are several times as
    /// large.
    pub fn files_at_once(self, threads: usize) -> u64 {
        (self.room(threads) / 16).max(PER_THREAD / 32 * threads as u64)
    }

    /// Bytes of sessions that may wait in memory, once there are no events in memory any more.
    pub fn waiting_sessions(self, threads: usize) -> usize {
        as_size((self.room(threads) / 2).max(LEAST_WAITING))
    }
}

/// Rounded up, so that it is enough as people read it, too.
fn whole_mib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20) << 20
}

fn as_size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// What the process holds in memory, in bytes, as the system sees it; `None` where it does not tell.
pub fn resident() -> Option<u64> {
    of_status("VmRSS:")
}

/// The most that the process has held.
pub fn peak() -> Option<u64> {
    of_status("VmHWM:")
}

fn of_status(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// Memory that threads share for what they are working on: who needs more than is left waits for the others.
#[derive(Debug)]
pub struct Shared {
    room: Option<u64>,
    taken: Mutex<u64>,
    given_back: Condvar,
}

/// A thread's part of it, until this is dropped.
#[derive(Debug)]
pub struct Taken<'a> {
    of: &'a Shared,
    bytes: u64,
}

impl Shared {
    /// So many bytes; `None` for no limit.
    pub fn new(room: Option<u64>) -> Self {
        Shared { room, taken: Mutex::new(0), given_back: Condvar::new() }
    }

    /// Takes some, as soon as they are there. Who needs more than there is gets all of it. Whoever has some must not wait
    /// for other threads of its pool.
    pub fn take(&self, bytes: u64) -> Taken<'_> {
        let bytes = self.room.map_or(0, |room| bytes.min(room));
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while self.room.is_some_and(|room| *taken + bytes > room) {
            taken = self.given_back.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken += bytes;
        Taken { of: self, bytes }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.of.taken.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        self.of.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_of_either_kind() {
        let bytes = |text| MemoryLimit::parse("--memory-limit", text).map(MemoryLimit::bytes).ok();
        assert_eq!(bytes("1GiB"), Some(1 << 30));
        assert_eq!(bytes(" 1.5 gb "), Some(1_500_000_000));
        assert_eq!((bytes("512M"), bytes("512MiB")), (Some(512 << 20), Some(512 << 20)));
        assert_eq!([bytes("4"), bytes("GiB"), bytes("4 parsecs"), bytes("0MiB"), bytes("-1GiB")], [None; 5]);
    }

    #[test]
    fn a_bare_number_is_offered_a_unit() {
        let message = MemoryLimit::parse("--memory-limit", "4").expect_err("no unit").to_string();
        assert!(message.contains("did you mean 4GiB?"), "{message}");
    }

    #[test]
    fn who_needs_more_than_is_left_waits_for_the_others() {
        let shared = Shared::new(Some(10));
        let most = Mutex::new((0u64, 0u64));
        std::thread::scope(|scope| {
            for bytes in [4, 4, 4, 25, 1, 6, 9, 3] {
                let (shared, most) = (&shared, &most);
                scope.spawn(move || {
                    let taken = shared.take(bytes);
                    let add = |more: u64| {
                        let mut now = most.lock().expect("no panic");
                        now.0 += more;
                        now.1 = now.1.max(now.0);
                    };
                    add(taken.bytes);
                    std::thread::yield_now();
                    most.lock().expect("no panic").0 -= taken.bytes;
                });
            }
        });
        let (left, most) = most.into_inner().expect("no panic");
        assert!(left == 0 && most <= 10, "{most}");
        assert_eq!(Shared::new(None).take(u64::MAX).bytes, 0);
    }

    #[test]
    fn half_of_a_limit_has_half_the_room() {
        let limit = MemoryLimit { bytes: 1 << 30, held: 0 };
        assert_eq!(limit.halved(2).room(2), limit.room(2).div_ceil(2));
        assert_eq!(MemoryLimit { bytes: 1 << 20, held: 0 }.halved(2).room(2), 0);
    }

    #[test]
    fn what_stays_takes_of_the_room() {
        let limit = MemoryLimit { bytes: 1 << 30, held: 0 };
        assert_eq!(limit.beside(1 << 20).room(2) + (1 << 20), limit.room(2));
        let of_half = |limit: MemoryLimit| limit.check_aliases(1 << 29, (1, 2), 2);
        let Err(Error::ManyAliases { enough, needed, .. }) = of_half(MemoryLimit { bytes: 1 << 29, held: 0 }) else {
            panic!("too much")
        };
        assert!(of_half(limit).is_ok() && needed == 1 << 30 && enough > needed);
    }

    #[test]
    fn what_would_do_does() {
        let limit = MemoryLimit { bytes: 1 << 30, held: 0 };
        let Err(Error::TooLittleMemory { enough, .. }) = limit.check_partition(3 << 30, 2) else { panic!("too much") };
        assert!(MemoryLimit { bytes: enough, held: 0 }.check_partition(3 << 30, 2).is_ok());
        let Err(Error::MemoryForThreads { least, .. }) = limit.check_threads(100) else { panic!("too many") };
        assert!(MemoryLimit { bytes: least, held: 0 }.check_threads(100).is_ok());
    }
}
