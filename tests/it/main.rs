//! Integration tests: the real program against an independent reference and rules written by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(missing_docs)]

mod aliases;
mod bad_input;
mod cells;
mod charts;
mod command_line;
mod compare;
mod delta;
mod derive;
mod doctor;
mod events;
mod examples;
mod footer;
mod gaps;
mod guide;
mod house;
mod identify;
mod import;
mod init;
mod input_forms;
mod inspect;
mod kernel;
mod memory;
mod nightly;
mod property;
mod reference;
mod report;
mod rules;
mod schedulers;
mod sources;
mod stores;
mod support;
mod users;
