//! How much memory a run may take, and what for.

use crate::error::Error;
use crate::job::JobError;

/// The memory that a run may take, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimit(u64);

const KIB: f64 = 1024.0;
/// What the program, its threads and what they have in hand take, about.
const BASE: u64 = 96 << 20;
const PER_THREAD: u64 = 40 << 20;

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
        Ok(MemoryLimit(bytes as u64))
    }

    /// The limit in bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// What is left for events and sessions beside the program and what its threads have in hand.
    fn room(self, threads: usize) -> u64 {
        self.0.saturating_sub(BASE + PER_THREAD * threads as u64)
    }

    /// For each of two sets of events that are there at once: beside the program itself, half of the memory.
    pub fn halved(self, threads: usize) -> Self {
        MemoryLimit(self.0 - self.room(threads) / 2)
    }

    /// Bytes of events that may wait in memory: more goes to disk. While some are written, as many may come.
    pub fn waiting_events(self, threads: usize) -> usize {
        usize::try_from(self.room(threads) / 2).unwrap_or(usize::MAX)
    }

    /// Makes sure that the program itself and its threads fit.
    ///
    /// # Errors
    /// They do not.
    pub fn check_threads(self, threads: usize) -> Result<(), Error> {
        let least = BASE + PER_THREAD * threads as u64;
        if self.0 >= least {
            return Ok(());
        }
        Err(Error::MemoryForThreads { limit: self.0, threads, least })
    }

    /// Makes sure that what one thread has in hand for a partition fits.
    ///
    /// # Errors
    /// It does not.
    pub fn check_partition(self, needed: u64, threads: usize) -> Result<(), Error> {
        let room = self.room(threads) + PER_THREAD;
        if needed <= room {
            return Ok(());
        }
        Err(Error::TooLittleMemory { needed, limit: self.0, enough: self.0 - room + needed })
    }

    /// Bytes of sessions that may wait in memory, once there are no events in memory any more.
    pub fn waiting_sessions(self, threads: usize) -> usize {
        usize::try_from(self.room(threads) / 2).unwrap_or(usize::MAX)
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
    fn half_of_a_limit_has_half_the_room() {
        let limit = MemoryLimit(1 << 30);
        assert_eq!(limit.halved(2).room(2), limit.room(2).div_ceil(2));
        assert_eq!(MemoryLimit(1 << 20).halved(2).room(2), 0);
    }

    #[test]
    fn what_would_do_does() {
        let limit = MemoryLimit(1 << 30);
        let Err(Error::TooLittleMemory { enough, .. }) = limit.check_partition(3 << 30, 2) else { panic!("too much") };
        assert!(MemoryLimit(enough).check_partition(3 << 30, 2).is_ok());
        let Err(Error::MemoryForThreads { least, .. }) = limit.check_threads(100) else { panic!("too many") };
        assert!(MemoryLimit(least).check_threads(100).is_ok());
    }
}
