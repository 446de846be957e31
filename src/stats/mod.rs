//! What several rooms need: [`nearest`] names.

pub mod nearest;
