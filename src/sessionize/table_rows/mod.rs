//! Rows of the tables as the kernel makes them ([`records`]): in order of date ([`dated`]), in little memory ([`compact`]),
//! with ids of their own ([`identify`]), numbered by user ([`numbers`]), with rows of their events ([`event_rows`]), and in the order of the tables ([`merge`]).

pub mod added;
pub mod compact;
pub mod dated;
pub mod event_rows;
pub mod event_test;
pub mod identify;
pub mod merge;
pub mod numbers;
pub mod records;
pub mod steps;
