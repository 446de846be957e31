//! What several rooms need: percentiles by nearest [`ranks`], bins of any size ([`log_bins`]), and the [`nearest`] name.

pub mod log_bins;
pub mod nearest;
pub mod ranks;
