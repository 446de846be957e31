//! How to use Dwell, what it computes, and how it is built.
//!
//! [Getting started](self::getting_started) is the page to begin with. [`sessions`], [`job_file`], [`sources`], [`import`], [`object_stores`], [`delta`] and [`charts`]
//! are for who writes a job, [`command_line`], [`nightly`] and [`speed`] for who runs it; [`doctor`], [`gaps`], [`inspect`] and
//! [`compare`] each answer a question about the result. [`specification`] is the contract, [`architecture`] is for who
//! changes the code.

// Pages link to each other by name, `[every night][nightly]`. Where a page is read as a file, the definitions at its end
// hold; here those of `links.txt` before it do, as the first definition of a name wins.

#[doc = include_str!("links.txt")]
#[doc = include_str!("getting_started.md")]
pub mod getting_started {}

#[doc = include_str!("links.txt")]
#[doc = include_str!("sessions.md")]
pub mod sessions {}

#[doc = include_str!("links.txt")]
#[doc = include_str!("job_file.md")]
pub mod job_file {}

#[doc = include_str!("links.txt")]
#[doc = include_str!("sources.md")]
pub mod sources {}

#[doc = include_str!("links.txt")]
#[doc = include_str!("import.md")]
pub mod import {}

#[doc = include_str!("links.txt")]
#[doc = include_str!("delta.md")]
pub mod delta {}

#[doc = include_str!("links.txt")]
#[doc = include_str!("object_stores.md")]
pub mod object_stores {}

#[doc = include_str!("links.txt")]
#[doc = include_str!("charts.md")]
pub mod charts {}

#[doc = include_str!("links.txt")]
#[doc = include_str!("queries.md")]
pub mod queries {}

#[doc = include_str!("links.txt")]
#[doc = include_str!("command_line.md")]
pub mod command_line {}

#[doc = include_str!("links.txt")]
#[doc = include_str!("doctor.md")]
pub mod doctor {}

#[doc = include_str!("links.txt")]
#[doc = include_str!("gaps.md")]
pub mod gaps {}

#[doc = include_str!("links.txt")]
#[doc = include_str!("inspect.md")]
pub mod inspect {}

#[doc = include_str!("links.txt")]
#[doc = include_str!("compare.md")]
pub mod compare {}

#[doc = include_str!("links.txt")]
#[doc = include_str!("nightly.md")]
pub mod nightly {}

#[doc = include_str!("links.txt")]
#[doc = include_str!("speed.md")]
pub mod speed {}

#[doc = include_str!("links.txt")]
#[doc = include_str!("specification.md")]
pub mod specification {}

#[doc = include_str!("links.txt")]
#[doc = include_str!("spark.md")]
pub mod spark {}

#[doc = include_str!("links.txt")]
#[doc = include_str!("schedulers.md")]
pub mod schedulers {}

#[doc = include_str!("links.txt")]
#[doc = include_str!("report.md")]
pub mod report {}

#[doc = include_str!("links.txt")]
#[doc = include_str!("architecture.md")]
pub mod architecture {}
