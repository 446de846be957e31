//! Rows of the tables as the kernel makes them ([`records`]): in order of date ([`dated`]), in little memory ([`compact`]),
//! with ids of their own ([`identify`]), and in the order of the tables ([`merge`]).

pub mod added;
pub mod compact;
pub mod dated;
pub mod event_test;
pub mod identify;
pub mod merge;
pub mod records;
pub mod steps;
