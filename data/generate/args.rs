//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use jiff::civil::Date;
use parquet::basic::{self, ZstdLevel};

use crate::table::Columns;
use crate::world::Habits;

/// Write made-up events as Parquet, one folder a day. The same arguments write the same bytes.
#[derive(Parser)]
#[command(name = "generate")]
pub struct Args {
    /// Number of events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000))]
    pub events: u64,

    /// Folder to write to; must be new or empty
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// Number of users [default: one for 60 events]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
    users: Option<u32>,

    /// Number of days [default: 14 for the sample, 30 for the bench]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: Option<u32>,

    /// Another seed gives other events of the same kind
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// First day
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2026-01-01")]
    pub start: Date,

    /// Rows in a row group at most
    #[arg(long, value_name = "ROWS", default_value = "1048576", value_parser = row_count)]
    pub row_group: usize,

    /// Which columns, and what kind of users
    #[arg(long, value_enum, default_value_t = Columns::Sample)]
    pub columns: Columns,

    /// How the files are compressed
    #[arg(long, value_enum, default_value_t = Compression::Zstd)]
    compression: Compression,
}

/// What the Parquet library is built with.
#[derive(Clone, Copy, ValueEnum)]
enum Compression {
    /// Zstandard
    Zstd,
    /// None at all
    None,
}

impl Args {
    /// Days of the table.
    pub fn days(&self) -> u32 {
        self.days.unwrap_or(match self.columns {
            Columns::Sample => 14,
            Columns::Bench => 30,
        })
    }

    /// Users in the world.
    pub fn users(&self) -> u32 {
        let one_for_60_events = (self.events / 60).clamp(1, 1_000_000_000) as u32;
        self.users.unwrap_or(one_for_60_events)
    }

    /// How the users behave.
    pub fn habits(&self) -> Habits {
        match self.columns {
            Columns::Sample => Habits::SAMPLE,
            Columns::Bench => Habits::BENCH,
        }
    }

    /// The sample is kept and copied around, so it is worth being packed tightly.
    pub fn compression(&self) -> basic::Compression {
        match (self.compression, self.columns) {
            (Compression::None, _) => basic::Compression::UNCOMPRESSED,
            (Compression::Zstd, Columns::Bench) => basic::Compression::ZSTD(ZstdLevel::default()),
            (Compression::Zstd, Columns::Sample) => {
                basic::Compression::ZSTD(ZstdLevel::try_new(12).unwrap_or_default())
            }
        }
    }
}

fn row_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("a whole number above zero is needed".to_owned()),
        Ok(rows) => Ok(rows),
    }
}
