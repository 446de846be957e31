//! Writes made-up event tables: the sample beside this program, and data to measure with.
//!
//! ```text
//! cargo run --release --example generate -- --events 200000 --out data/events
//! cargo run --release --example generate -- --events 20000000 --columns bench --out bench
//! ```
//!
//! A `world` of users makes `visit`s, as many as the `demand` asks for; a `stream` puts the events of
//! all visits in the order in which they arrive, with some `oddities`; a `table` turns them into
//! columns, and a `folder` takes one file a day. Nothing is kept but the visits that are going on, so
//! a billion events need little more memory than a million.

mod args;
mod catalog;
mod demand;
mod failure;
mod folder;
mod oddities;
mod random;
mod stream;
mod table;
mod visit;
mod world;

use std::process::ExitCode;

use clap::Parser;
use jiff::civil::Date;
use jiff::ToSpan;

use args::Args;
use failure::Failure;
use folder::Folder;
use stream::Stream;
use world::{Micros, World, DAY};

fn main() -> ExitCode {
    let args = Args::parse();
    match generate(&args) {
        Ok(bytes) => {
            println!("{} events of {} days in {}, {bytes} bytes", args.events, args.days(), args.out.display());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Writes the whole folder. Returns its size in bytes.
fn generate(args: &Args) -> Result<u64, Failure> {
    let first = midnight(args.start)?;
    let last_day = args.start.checked_add(i64::from(args.days() - 1).days())?;
    let folder = Folder::create(&args.out, args.compression(), args.row_group)?;
    let habits = args.habits();
    let world = World::new(args.users(), args.seed, habits);
    let mut stream = Stream::new(world, habits, args.seed, args.events, first, args.days());

    let mut bytes = 0;
    let mut events = Vec::new();
    for date in args.start.series(1.day()).take_while(|date| *date <= last_day) {
        let ends = midnight(date)? + DAY;
        let mut file = folder.day(date, args.columns.schema())?;
        loop {
            stream.fill(ends, &mut events);
            if events.is_empty() && date == last_day {
                stream.top_up(ends, &mut events);
            }
            if events.is_empty() {
                break;
            }
            file.append(&args.columns.of(&events, stream.world())?)?;
            events.clear();
        }
        bytes += file.finish()?;
    }
    Ok(bytes)
}

/// The first instant of a date, UTC.
fn midnight(date: Date) -> Result<Micros, Failure> {
    let epoch = Date::constant(1970, 1, 1);
    Ok(i64::from(date.since(epoch)?.get_days()) * DAY)
}
