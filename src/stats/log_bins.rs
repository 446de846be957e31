//! Bins for values of any size, each as wide as a fixed share of where it begins.

/// The bin of a value: as a number it never falls while values rise. A value below 2^(`BITS` + 1) is a bin by itself; a
/// larger one shares its bin with those that have the same first `BITS` + 1 bits and as many after them.
pub fn bin_of<const BITS: u32>(value: u64) -> usize {
    let rest = (value | 1).ilog2().saturating_sub(BITS);
    ((rest as usize) << BITS) + (value >> rest) as usize
}

/// The smallest value of a bin of [`bin_of`], and the logarithm to the base 2 of how many values it has.
pub fn start_of<const BITS: u32>(bin: usize) -> (u64, u32) {
    let (octave, place) = (bin >> BITS, bin as u64 & ((1 << BITS) - 1));
    match octave.checked_sub(1) {
        None | Some(0) => (bin as u64, 0),
        Some(width_log) => (((1 << BITS) + place) << width_log, width_log as u32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bins_never_fall_while_values_rise(a in any::<i64>(), b in any::<i64>(), near in 0u64..3) {
            let (a, b) = ((a & i64::MAX) as u64, (b & i64::MAX) as u64);
            prop_assert!(bin_of::<6>(a.min(b)) <= bin_of::<6>(a.max(b)));
            prop_assert!(bin_of::<6>(a) <= bin_of::<6>(a.saturating_add(near)));
        }

        #[test]
        fn every_value_is_in_the_bin_that_begins_at_or_before_it(value in any::<i64>(), shift in 0u32..63) {
            let value = (value & i64::MAX) as u64 >> shift;
            let (low, width_log) = start_of::<8>(bin_of::<8>(value));
            prop_assert!(low <= value && value - low < 1 << width_log);
        }
    }
}
