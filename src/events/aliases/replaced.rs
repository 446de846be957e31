//! Users of batches replaced by who they are: once for each distinct user of a row group, and not for each event.

use std::sync::{Arc, Weak};

use super::table::{AliasTable, Target};
use crate::sessionize::layout::columns::{Coded, KeyColumn, TextColumn};
use crate::sessionize::time::Timestamp;

/// What became of the users of the batches before, whose codes the next ones go on with.
///
/// A user who is one at all times keeps a code. One who is several has a code for each of them, in order of time:
///
/// ```text
///   users as read    0 bob   1 d1                    begins   0, 1, (3)
///   who they are     0 bob   1 ann   2 cid           since    -, -, 12:00
/// ```
#[derive(Debug, Default)]
pub struct ReplacedUsers {
    /// For each code as read, the first code of whom it is.
    begins: Vec<u32>,
    /// For each code of who it is, from when on.
    since: Vec<i64>,
    /// For each such code, whether it is another user than was read.
    is_other: Vec<bool>,
    /// Keys that several batches share, and what was made of them.
    shared: Option<(Weak<KeyColumn>, Arc<KeyColumn>)>,
}

impl ReplacedUsers {
    /// Who the users of another batch are, whose events happened at these times, and how many of its events are another
    /// user's now.
    pub fn replace(&mut self, users: Coded, times: &[Timestamp], aliases: &AliasTable) -> (Coded, u64) {
        let known = self.shared.as_ref().filter(|(keys, _)| std::ptr::eq(keys.as_ptr(), Arc::as_ptr(&users.keys)));
        let (first, keys) = match known {
            Some((_, made)) => (0, Arc::clone(made)),
            None => self.add_keys(&users, aliases),
        };
        let mut codes = users.codes;
        if self.since.len() > self.begins.len() {
            codes.iter_mut().zip(times).for_each(|(code, time)| *code = self.code_at(*code, *time));
        }
        let others = codes.iter().filter(|code| self.is_other[**code as usize]).count();
        (Coded { keys, first, codes }, others as u64)
    }

    fn code_at(&self, code: u32, time: Timestamp) -> u32 {
        let begin = self.begins[code as usize];
        let end = self.begins.get(code as usize + 1).map_or(self.since.len(), |end| *end as usize);
        let since = &self.since[begin as usize..end];
        begin + since.partition_point(|since| *since <= time.micros()).saturating_sub(1) as u32
    }

    /// Adds the keys that a batch brings along: the first code of whom they are, and these.
    fn add_keys(&mut self, users: &Coded, aliases: &AliasTable) -> (u32, Arc<KeyColumn>) {
        if users.first == 0 {
            *self = ReplacedUsers::default();
        }
        let first = self.since.len() as u32;
        let mut made = match users.keys.as_ref() {
            KeyColumn::Int(_) => KeyColumn::Int(Vec::with_capacity(users.keys.len())),
            KeyColumn::Text(texts) => KeyColumn::Text(TextColumn::with_capacity(texts.len(), texts.size())),
        };
        for row in 0..users.keys.len() {
            self.begins.push(self.since.len() as u32);
            match aliases.target(&users.keys, row) {
                Target::Itself => self.push(&mut made, (&users.keys, row), i64::MIN, false),
                Target::One(to) => self.add_target((&users.keys, row), aliases, to, i64::MIN, &mut made),
                Target::Since(since, to) => since.iter().zip(to).for_each(|(since, to)| {
                    self.add_target((&users.keys, row), aliases, *to, *since, &mut made);
                }),
            }
        }
        let made = Arc::new(made);
        // Who else holds the keys has batches to come with the same ones.
        self.shared = (users.first == 0 && Arc::strong_count(&users.keys) > 1)
            .then(|| (Arc::downgrade(&users.keys), Arc::clone(&made)));
        (first, made)
    }

    fn add_target(
        &mut self,
        (keys, row): (&KeyColumn, usize),
        aliases: &AliasTable,
        to: u32,
        since: i64,
        made: &mut KeyColumn,
    ) {
        let is_other = keys.compare(row, aliases.names(), to as usize).is_ne();
        self.push(made, (aliases.names(), to as usize), since, is_other);
    }

    fn push(&mut self, made: &mut KeyColumn, (keys, row): (&KeyColumn, usize), since: i64, is_other: bool) {
        match (made, keys) {
            (KeyColumn::Int(made), KeyColumn::Int(keys)) => made.push(keys[row]),
            (KeyColumn::Text(made), KeyColumn::Text(keys)) => made.push(keys.get(row)),
            // A run's users are of one kind, and the names of its mapping are, too.
            _ => {}
        }
        self.since.push(since);
        self.is_other.push(is_other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::aliases::table::{AliasBuilder, AliasRows};

    fn table() -> AliasTable {
        let mut builder = AliasBuilder::new(false, true);
        builder.add(&AliasRows {
            from: KeyColumn::Int(vec![1, 1, 2]),
            to: KeyColumn::Int(vec![10, 11, 0]),
            to_valid: Some(vec![true, true, false]),
            since: vec![100, 200, i64::MIN],
        });
        builder.build().expect("fine")
    }

    fn named(made: &[Coded], batch: usize) -> Vec<i64> {
        let (keys, firsts) = Coded::joined(made.iter());
        let KeyColumn::Int(keys) = keys.as_ref() else { panic!("numbers") };
        made[batch].codes.iter().map(|code| keys[(firsts[batch] + code) as usize]).collect()
    }

    #[test]
    fn each_event_has_whom_its_user_was_at_its_time() {
        let (table, mut replaced) = (table(), ReplacedUsers::default());
        let times = |micros: &[i64]| micros.iter().map(|micros| Timestamp::from_micros(*micros)).collect::<Vec<_>>();
        let first = Coded::new(KeyColumn::Int(vec![7, 1]), vec![0, 1, 1, 1, 0]);
        let (first, others) = replaced.replace(first, &times(&[0, 50, 199, 200, 300]), &table);
        // The next batch goes on with the codes of the first.
        let second = Coded { keys: Arc::new(KeyColumn::Int(vec![2])), first: 2, codes: vec![2, 1, 0] };
        let (second, more) = replaced.replace(second, &times(&[0, 100, 0]), &table);
        let made = [first, second];
        assert_eq!((named(&made, 0), others), (vec![7, 10, 10, 11, 7], 3));
        assert_eq!((named(&made, 1), more), (vec![2, 10, 7], 1));
    }

    #[test]
    fn keys_that_batches_share_are_replaced_once() {
        let (table, mut replaced) = (table(), ReplacedUsers::default());
        let keys = Arc::new(KeyColumn::Int(vec![1, 2]));
        let of = |codes| Coded::sharing(Arc::clone(&keys), codes);
        let at = [Timestamp::from_micros(500)];
        let (a, _) = replaced.replace(of(vec![0]), &at, &table);
        let (b, _) = replaced.replace(of(vec![1]), &at, &table);
        assert!(Arc::ptr_eq(&a.keys, &b.keys));
        let made = [a, b];
        assert_eq!((named(&made, 0), named(&made, 1)), (vec![11], vec![2]));
    }
}
