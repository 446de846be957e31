//! The commands, one room each: [`run`] makes the tables, [`charts`] measures them anew, [`history`] says what the last runs
//! did, [`report`] makes a page of it all to look at; [`doctor`], [`gaps`], [`inspect`] and [`compare`] answer questions about
//! the events. [`kernel`] is for programs: events come through one pipe, and sessions leave through another. [`init`] writes a first job, [`identify`] a mapping of devices to users, [`import`] Parquet of JSON lines, [`dbt`] describes the tables to dbt.

mod at_place;
pub mod at_rest;
pub mod charts;
pub mod compare;
pub mod dbt;
pub mod doctor;
pub mod gaps;
pub mod history;
pub mod identify;
pub mod import;
pub mod init;
pub mod inspect;
pub mod kernel;
pub mod made_tables;
pub mod report;
pub mod run;
