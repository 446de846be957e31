//! Inputs that are sound, to begin with.

use dwell::kernel::{scatter, Coded, EventBatch, KeyColumn, Partitions, TextColumn, Timestamp, ValueColumn, Values};
use std::path::Path;

/// The parts of `seeds/NAME.txt`, which are apart by a line of dashes.
pub fn of(name: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds").join(format!("{name}.txt"));
    let text = std::fs::read_to_string(path).unwrap();
    text.split("\n---\n").map(|part| part.trim_end_matches('\n').as_bytes().to_vec()).collect()
}

/// Partitions of events, with all that events can have and with nothing but users and times.
pub fn blocks() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (with_rest, text_values) in [(false, false), (true, false), (true, true)] {
        let block = scatter(&[batch(40, with_rest, text_values)], Partitions::for_rows(4, 1, 1));
        let mut bytes = Vec::new();
        block.write(0, &mut bytes);
        seeds.push(bytes);
    }
    seeds
}

fn batch(rows: u32, with_rest: bool, text_values: bool) -> EventBatch {
    let texts = |names: &[&str]| {
        let mut texts = TextColumn::default();
        names.iter().for_each(|name| texts.push(name.as_bytes()));
        texts
    };
    let keys = || KeyColumn::Text(texts(&["ann", "bob", "a longer name than most", "é"]));
    let codes = || (0..rows).map(|row| row % 4).collect::<Vec<_>>();
    let ints = || (0..rows).map(|row| i64::from(row) * 7_919).collect::<Vec<_>>();
    let values = if text_values { Values::Text(Coded::new(keys(), codes())) } else { Values::Int(ints()) };
    let mut ids = TextColumn::default();
    (0..rows).for_each(|row| ids.push(format!("id{row}").as_bytes()));
    EventBatch {
        users: Coded::new(keys(), codes()),
        times: ints().into_iter().map(Timestamp::from_micros).collect(),
        events: with_rest.then(codes),
        values: with_rest.then(|| ValueColumn::new(values, (0..rows).map(|row| row % 3 > 0).collect())),
        sequence: with_rest.then(ints),
        unique_ids: with_rest.then_some(ids),
        partial_sessions: None,
        facts: with_rest.then(|| Coded::new(keys(), codes())),
        watched: with_rest.then(|| Coded::new(keys(), codes())),
    }
}
