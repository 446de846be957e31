//! What Dwell computes, and how it is built.

#[doc = include_str!("specification.md")]
pub mod specification {}

#[doc = include_str!("sources.md")]
pub mod sources {}

#[doc = include_str!("spark.md")]
pub mod spark {}

#[doc = include_str!("architecture.md")]
pub mod architecture {}
