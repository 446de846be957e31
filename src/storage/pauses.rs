//! Growing pauses between the attempts at a request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The first pause, about.
const FIRST: Duration = Duration::from_millis(100);
/// The longest one.
const LONGEST: Duration = Duration::from_secs(10);

/// The pause after so many attempts: twice as long each time, by half at most shorter, so that requests which failed
/// together do not come back together.
pub fn pause(attempts: u32) -> Duration {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    let grown = FIRST.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(LONGEST);
    // The golden ratio's multiples lie evenly between 0 and 1.
    let part = ASKED.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    grown.mul_f64(1.0 - part as f64 / (1_u64 << 33) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest() {
        for attempts in 1..40 {
            let whole = FIRST.saturating_mul(1 << (attempts - 1).min(16)).min(LONGEST);
            let pause = pause(attempts);
            assert!(pause <= whole && pause >= whole.mul_f64(0.49), "{attempts}: {pause:?}");
        }
    }
}
