//! The commands, one room each: [`run`] makes the tables, [`charts`] measures them anew, [`history`] says what the last runs
//! did, [`report`] makes a page of it all to look at; [`doctor`], [`gaps`], [`inspect`] and [`compare`] answer questions about the events.

pub mod charts;
pub mod compare;
pub mod doctor;
pub mod gaps;
pub mod history;
pub mod inspect;
pub mod report;
pub mod run;
