//! The events of one partition of a block as bytes, for when memory does not hold them.

use super::block::{Block, BlockKeys, BlockValues, CodedKeys, PartialSessionFields, UserRuns};
use super::columns::{KeyColumn, TextColumn};
use super::packed::{Field, PackedRows};

impl Block {
    /// Appends the rows of a partition to `bytes`.
    pub fn write(&self, partition: usize, bytes: &mut Vec<u8>) {
        let rows = self.rows(partition);
        let mut to = Writer(bytes);
        let users = self.users.of_partition(partition);
        to.keys(&self.users.keys, users.clone());
        users.for_each(|user| to.number(self.users.run(user).len() as u64));
        to.field(Some(self.time));
        to.field(self.event);
        to.field(self.sequence);
        let keys = |to: &mut Writer<'_>, keys: &CodedKeys| {
            to.keys(&keys.keys, keys.of_partition(partition));
            to.field(Some(keys.code));
        };
        match &self.values {
            None => to.number(0),
            Some(values) => {
                to.number(match &values.keys {
                    BlockKeys::Int(_) => 1,
                    BlockKeys::Text(_) => 2,
                });
                to.field(values.valid);
                match &values.keys {
                    BlockKeys::Int(field) => to.field(Some(*field)),
                    BlockKeys::Text(texts) => keys(&mut to, texts),
                }
            }
        }
        to.number(u64::from(self.unique_ids.is_some()));
        self.unique_ids.iter().for_each(|ids| to.texts(ids, rows.clone()));
        to.number(u64::from(self.facts.is_some()));
        self.facts.iter().for_each(|facts| keys(&mut to, facts));
        to.number(u64::from(self.watched.is_some()));
        self.watched.iter().for_each(|watched| keys(&mut to, watched));
        to.number(u64::from(self.partial_sessions.is_some()));
        if let Some(PartialSessionFields { length, count, hours, last_event }) = self.partial_sessions {
            [Some(length), Some(count), Some(hours), last_event].into_iter().for_each(|field| to.field(field));
        }
        let (packed, stride) = self.rows.slice(rows);
        to.number(stride as u64);
        to.0.extend_from_slice(packed);
    }

    /// Takes what [`Block::write`] wrote from the front of `bytes`: a block of one partition. `None` where
    /// the bytes are not what was written.
    pub fn read(bytes: &mut &[u8]) -> Option<Block> {
        let mut from = Reader(bytes);
        let keys = from.keys()?;
        let key_bounds = vec![0, u32::try_from(keys.len()).ok()?];
        let mut row_bounds = Vec::with_capacity(keys.len() + 1);
        let mut rows = 0u32;
        row_bounds.push(rows);
        for _ in 0..keys.len() {
            rows = rows.checked_add(u32::try_from(from.number()?).ok()?)?;
            row_bounds.push(rows);
        }
        let (time, event, sequence) = (from.field()??, from.field()?, from.field()?);
        let mut fields = vec![Some(time), event, sequence];
        let values = match from.number()? {
            0 => None,
            kind => {
                let valid = from.field()?;
                let keys = if kind == 1 { BlockKeys::Int(from.field()??) } else { BlockKeys::Text(from.coded_keys()?) };
                fields.extend([
                    valid,
                    Some(match &keys {
                        BlockKeys::Int(field) => *field,
                        BlockKeys::Text(texts) => texts.code,
                    }),
                ]);
                Some(BlockValues { valid, keys })
            }
        };
        let unique_ids = match from.number()? {
            0 => None,
            _ => Some(from.texts().filter(|ids| ids.len() == rows as usize)?),
        };
        let mut maybe_keys = || match from.number()? {
            0 => Some(None),
            _ => from.coded_keys().map(Some),
        };
        let (facts, watched) = (maybe_keys()?, maybe_keys()?);
        fields.extend(facts.iter().chain(&watched).map(|keys| Some(keys.code)));
        let partial_sessions = match from.number()? {
            0 => None,
            _ => {
                let (length, count, hours) = (from.field()??, from.field()??, from.field()??);
                let last_event = from.field()?;
                fields.extend([Some(length), Some(count), Some(hours), last_event]);
                Some(PartialSessionFields { length, count, hours, last_event })
            }
        };
        let stride = from.size()?;
        let packed = from.take(stride.checked_mul(rows as usize)?)?;
        let rows = PackedRows::from_slice((packed, stride), rows as usize, &fields)?;
        let users = UserRuns { keys, key_bounds, row_bounds };
        Some(Block { users, rows, time, event, sequence, values, unique_ids, facts, watched, partial_sessions })
    }
}

struct Writer<'a>(&'a mut Vec<u8>);

impl Writer<'_> {
    fn number(&mut self, number: u64) {
        // Seven bits a byte: most numbers are small.
        let mut rest = number;
        while rest >= 0x80 {
            self.0.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.0.push(rest as u8);
    }

    fn field(&mut self, field: Option<Field>) {
        self.number(u64::from(field.is_some()));
        if let Some(Field { base, offset, shift, bits }) = field {
            self.0.extend_from_slice(&base.to_le_bytes());
            [offset, shift, bits].into_iter().for_each(|number| self.number(u64::from(number)));
        }
    }

    fn texts(&mut self, texts: &TextColumn, rows: std::ops::Range<usize>) {
        self.number(rows.len() as u64);
        rows.clone().for_each(|row| self.number(texts.get(row).len() as u64));
        rows.for_each(|row| self.0.extend_from_slice(texts.get(row)));
    }

    fn keys(&mut self, keys: &KeyColumn, places: std::ops::Range<usize>) {
        match keys {
            KeyColumn::Int(numbers) => {
                self.number(0);
                self.number(places.len() as u64);
                numbers[places].iter().for_each(|number| self.0.extend_from_slice(&number.to_le_bytes()));
            }
            KeyColumn::Text(texts) => {
                self.number(1);
                self.texts(texts, places);
            }
        }
    }
}

struct Reader<'r, 'b>(&'r mut &'b [u8]);

impl<'b> Reader<'_, 'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        *self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn size(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    fn word(&mut self) -> Option<i64> {
        Some(i64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn field(&mut self) -> Option<Option<Field>> {
        if self.number()? == 0 {
            return Some(None);
        }
        let base = self.word()?;
        let mut number = || u32::try_from(self.number()?).ok();
        Some(Some(Field { base, offset: number()?, shift: number()?, bits: number()? }))
    }

    fn coded_keys(&mut self) -> Option<CodedKeys> {
        let keys = self.keys()?;
        let key_bounds = vec![0, u32::try_from(keys.len()).ok()?];
        Some(CodedKeys { keys, key_bounds, code: self.field()?? })
    }

    fn texts(&mut self) -> Option<TextColumn> {
        let count = self.size()?;
        let lengths: Vec<usize> = (0..count).map(|_| self.size()).collect::<Option<_>>()?;
        let bytes = lengths.iter().try_fold(0usize, |all, length| all.checked_add(*length))?;
        let mut texts = TextColumn::with_capacity(count, Some(bytes).filter(|bytes| *bytes <= self.0.len())?);
        for length in lengths {
            texts.push(self.take(length)?);
        }
        Some(texts)
    }

    fn keys(&mut self) -> Option<KeyColumn> {
        match self.number()? {
            0 => {
                let count = self.size()?;
                Some(KeyColumn::Int((0..count).map(|_| self.word()).collect::<Option<_>>()?))
            }
            _ => Some(KeyColumn::Text(self.texts()?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessionize::layout::columns::{Coded, EventBatch, ValueColumn, Values};
    use crate::sessionize::layout::scatter::{scatter, Partitions};
    use crate::sessionize::time::Timestamp;
    use proptest::prelude::*;

    fn texts(values: &[&str]) -> TextColumn {
        let mut texts = TextColumn::default();
        values.iter().for_each(|value| texts.push(value.as_bytes()));
        texts
    }

    proptest! {
        #[test]
        fn partitions_come_back_as_they_were(
            rows in prop::collection::vec((0u32..4, any::<i64>(), 0u32..300, any::<bool>(), 0u32..3), 0..60),
            with_rest in any::<bool>(),
            text_values in any::<bool>(),
        ) {
            let names = texts(&["ann", "", "a longer name than most", "é"]);
            let values = match text_values {
                true => Values::Text(Coded::new(KeyColumn::Text(names.clone()), rows.iter().map(|row| row.0).collect())),
                false => Values::Int(rows.iter().map(|row| row.1).collect()),
            };
            let mut ids = TextColumn::default();
            rows.iter().for_each(|row| ids.push(&vec![b'x'; row.4 as usize]));
            let batch = EventBatch {
                users: Coded::new(KeyColumn::Text(names), rows.iter().map(|row| row.0).collect()),
                times: rows.iter().map(|row| Timestamp::from_micros(row.1)).collect(),
                events: with_rest.then(|| rows.iter().map(|row| row.2).collect()),
                values: Some(ValueColumn::new(values, rows.iter().map(|row| row.3).collect())),
                sequence: with_rest.then(|| rows.iter().map(|row| row.1 / 3).collect()),
                unique_ids: with_rest.then_some(ids),
                partial_sessions: None,
                facts: with_rest.then(|| Coded::new(KeyColumn::Text(texts(&["one", "two", "three", "four"])), rows.iter().map(|row| row.0).collect())),
                watched: with_rest.then(|| Coded::new(KeyColumn::Text(texts(&["", "1", "2", "3"])), rows.iter().map(|row| row.2 % 4).collect())),
            };
            let block = scatter(&[batch], Partitions::for_rows(4, 1, 1));
            for partition in 0..4 {
                let mut bytes = Vec::new();
                block.write(partition, &mut bytes);
                bytes.extend_from_slice(b"rest");
                let mut left = bytes.as_slice();
                let back = Block::read(&mut left).expect("whole");
                prop_assert_eq!(left, b"rest");
                let rows = block.rows(partition);
                prop_assert_eq!(back.rows(0).len(), rows.len());
                for (mine, theirs) in rows.enumerate() {
                    prop_assert_eq!(back.time(mine), block.time(theirs));
                    prop_assert_eq!(back.event(mine), block.event(theirs));
                    prop_assert_eq!(back.sequence(mine), block.sequence(theirs));
                    prop_assert_eq!(back.unique_id(mine), block.unique_id(theirs));
                    let (mine_of, theirs_of) = (back.values.as_ref().expect("some"), block.values.as_ref().expect("some"));
                    prop_assert_eq!(back.is_valid(mine_of, mine), block.is_valid(theirs_of, theirs));
                    let facts = back.facts.iter().zip(&block.facts);
                    for (mine_of, theirs_of) in facts.chain(back.watched.iter().zip(&block.watched)) {
                        let first = theirs_of.of_partition(partition).start;
                        let same = mine_of.keys.compare(back.code(mine_of, mine), &theirs_of.keys, first + block.code(theirs_of, theirs));
                        prop_assert!(same.is_eq());
                    }
                }
                let users = block.users.of_partition(partition);
                prop_assert_eq!(back.users.keys.len(), users.len());
                for (mine, theirs) in users.enumerate() {
                    prop_assert!(back.users.keys.compare(mine, &block.users.keys, theirs).is_eq());
                    prop_assert_eq!(back.users.run(mine).len(), block.users.run(theirs).len());
                }
                let cut = bytes.len() - 5;
                prop_assert!(Block::read(&mut &bytes[..cut]).is_none() || cut == 0, "a part is not taken for the whole");
            }
        }
    }

    #[test]
    fn lengths_that_the_bytes_do_not_have_are_no_block() {
        let number = |number: u64| {
            let mut bytes = Vec::new();
            Writer(&mut bytes).number(number);
            bytes
        };
        let text = number(1);
        // Two texts whose lengths overflow together, one that is as long as memory, and as many as numbers go.
        let overflow = [number(2), number(u64::MAX), number(2)].concat();
        let long = [number(1), number(1 << 40), b"short".to_vec()].concat();
        for keys in [overflow, long, number(u64::MAX)] {
            assert!(Block::read(&mut [text.clone(), keys].concat().as_slice()).is_none());
        }
        assert!(Block::read(&mut [number(0), number(u64::MAX)].concat().as_slice()).is_none());
    }
}
