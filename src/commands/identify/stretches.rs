//! Whose each device is, and from when on.
//!
//! ```text
//!   device d1    10:00 -     10:05 ann    10:10 -    10:15 ann    10:20 bob    10:25 ann
//!   stretches                ann from 10:05                       bob from 10:20, ann from 10:25
//! ```

use crate::events::source::roles::KeyType;
use crate::sessionize::event_types::EventTypes;
use crate::sessionize::facts::{FactLayout, FactTable};
use crate::sessionize::layout::block::Block;
use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::layout::intern::Interner;
use crate::sessionize::partition_rows::PartitionRows;
use crate::sessionize::rows::{Row, RowKind};
use crate::sessionize::visit::{with_events, RowsWork};

/// The stretches of the devices of a partition.
#[derive(Debug)]
pub struct Stretches {
    /// The devices, in ascending order.
    pub devices: KeyColumn,
    /// The users, in ascending order.
    pub users: KeyColumn,
    /// Device and user, by their places, and from when on, in microseconds; in order of device and time.
    pub rows: Vec<(u32, u32, i64)>,
    /// How many users each device had on which someone signed in.
    counts: Vec<(u32, u64)>,
    most_users: Option<u64>,
}

impl Default for Stretches {
    fn default() -> Self {
        let none = || KeyColumn::Int(Vec::new());
        Stretches { devices: none(), users: none(), rows: Vec::new(), counts: Vec::new(), most_users: None }
    }
}

impl Stretches {
    /// Bytes that they take.
    pub fn bytes(&self) -> u64 {
        let keys = self.devices.size() + self.users.size();
        (keys + size_of_val(self.rows.as_slice()) + size_of_val(self.counts.as_slice())) as u64
    }
}

/// Finds the stretches of a partition's devices; `pieces` are blocks and the partition's number in each. Facts are the values
/// of the user columns, the first of which that is there and not empty is the user.
pub fn of_partition(
    pieces: &[(&Block, usize)],
    types: &EventTypes,
    layout: &FactLayout,
    user_type: KeyType,
    most_users: Option<u64>,
) -> Stretches {
    struct Find<'l> {
        layout: &'l FactLayout,
        user_type: KeyType,
        most_users: Option<u64>,
    }
    impl RowsWork for Find<'_> {
        type Made = Stretches;
        fn work<T: RowKind>(self, mut rows: PartitionRows<T>) -> Stretches {
            let (users, of_facts) = users_of_facts(self.layout, rows.facts.as_ref(), self.user_type);
            let mut found = Stretches { users, most_users: self.most_users, ..Stretches::default() };
            rows.each_user(|device, events| found.add_device(device, events, &of_facts));
            Stretches { devices: rows.users, ..found }
        }
    }
    with_events(pieces, types, Find { layout, user_type, most_users }).unwrap_or_default()
}

impl Stretches {
    fn add_device<T: RowKind>(&mut self, device: u32, events: &[Row<T>], of_facts: &[Option<u32>]) {
        let signed_in = |event: &Row<T>| Some((event.time().micros(), of_facts[event.fact() as usize]?));
        let mut seen: Vec<(i64, u32)> = events.iter().filter_map(signed_in).collect();
        if seen.is_empty() {
            return;
        }
        let mut users: Vec<u32> = seen.iter().map(|(_, user)| *user).collect();
        users.sort_unstable();
        users.dedup();
        self.counts.push((device, users.len() as u64));
        if self.most_users.is_some_and(|most| users.len() as u64 > most) {
            return;
        }
        // Of several users at one time the smallest counts.
        seen.sort_unstable();
        seen.dedup_by_key(|(time, _)| *time);
        let mut before = None;
        for (time, user) in seen {
            if before.replace(user) != Some(user) {
                self.rows.push((device, user, time));
            }
        }
    }
}

/// The distinct users in ascending order, and for each facts the place of the user that they are.
fn users_of_facts(layout: &FactLayout, keys: Option<&KeyColumn>, user_type: KeyType) -> (KeyColumn, Vec<Option<u32>>) {
    let is_text = user_type == KeyType::Text;
    let mut users = if is_text { Interner::of_text() } else { Interner::of_ints() };
    let Some(KeyColumn::Text(keys)) = keys else { return (users.into_keys(), Vec::new()) };
    let table = FactTable::new(layout, keys);
    let mut user_of = |fact: u32| {
        (0..layout.values.len()).find_map(|column| {
            let value = table.value(column, fact)?;
            match table.texts(column).map(|texts| texts.get(value as usize)) {
                Some([]) => None,
                Some(text) => Some(users.intern_text(text)),
                None => Some(users.intern_int(value)),
            }
        })
    };
    let of_facts: Vec<Option<u32>> = (0..keys.len() as u32).map(&mut user_of).collect();
    let (users, ranks) = users.into_ranked();
    (users, of_facts.into_iter().map(|user| user.map(|code| ranks[code as usize])).collect())
}

/// What is told of the devices of all partitions.
#[derive(Debug, Default)]
pub struct Told {
    /// All devices.
    pub devices: u64,
    /// Those on which someone signed in.
    pub signed_in: u64,
    /// Those of one user.
    pub of_one: u64,
    /// Those of several.
    pub of_several: u64,
    /// Those that were left out for their many users.
    pub left_out: u64,
    /// Those of most users, several each, the most first: their number and the device.
    pub most: Vec<(u64, String)>,
}

impl Told {
    /// Of all partitions.
    pub fn of(all: &[Stretches]) -> Self {
        /// As many are looked at; fewer are told.
        const MOST: usize = 10;
        let mut told = Told::default();
        for of in all {
            told.devices += of.devices.len() as u64;
            told.signed_in += of.counts.len() as u64;
            for (device, users) in &of.counts {
                told.of_one += u64::from(*users == 1);
                told.of_several += u64::from(*users > 1);
                told.left_out += u64::from(of.most_users.is_some_and(|most| *users > most));
                if *users > 1 {
                    told.most.push((*users, name(&of.devices, *device)));
                }
            }
            told.most.sort_by(|(users, name), (others, other)| (others, name).cmp(&(users, other)));
            told.most.truncate(MOST);
        }
        told
    }
}

fn name(keys: &KeyColumn, place: u32) -> String {
    match keys.text(place as usize) {
        Some(text) => String::from_utf8_lossy(text).escape_debug().to_string(),
        None => keys.int(place as usize).unwrap_or_default().to_string(),
    }
}
