//! What Dwell computes, and how it is built.

#[doc = include_str!("specification.md")]
pub mod specification {}

#[doc = include_str!("sources.md")]
pub mod sources {}

#[doc = include_str!("schedulers.md")]
pub mod schedulers {}

#[doc = include_str!("report.md")]
pub mod report {}

#[doc = include_str!("architecture.md")]
pub mod architecture {}
