//! Plain columns: what the stages hand to each other.

use std::ops::Range;
use std::sync::Arc;

use crate::sessionize::preaggregate::partial_session::PartialSessions;
use crate::sessionize::time::Timestamp;

/// Text values in one buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextColumn {
    // Not 32 bits: the distinct texts of a partition may pass 4 GiB.
    offsets: Vec<usize>,
    bytes: Vec<u8>,
}

impl Default for TextColumn {
    fn default() -> Self {
        TextColumn { offsets: vec![0], bytes: Vec::new() }
    }
}

impl TextColumn {
    /// An empty column with room for `rows` values of about `bytes` bytes in all.
    pub fn with_capacity(rows: usize, bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        TextColumn { offsets, bytes: Vec::with_capacity(bytes) }
    }

    /// Appends a value.
    pub fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.offsets.push(self.bytes.len());
    }

    /// The value of a row.
    pub fn get(&self, row: usize) -> &[u8] {
        &self.bytes[self.offsets[row]..self.offsets[row + 1]]
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory it holds, in bytes.
    pub fn size(&self) -> usize {
        self.offsets.len() * size_of::<usize>() + self.bytes.len()
    }

    /// Appends all values of another column.
    pub fn extend(&mut self, other: &TextColumn) {
        let first = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.offsets.extend(other.offsets[1..].iter().map(|offset| first + offset));
    }

    /// All values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len()).map(|row| self.get(row))
    }

    /// The values of consecutive rows.
    pub fn part(&self, rows: Range<usize>) -> TextColumn {
        let first = self.offsets[rows.start];
        let bytes = self.bytes[first..self.offsets[rows.end]].to_vec();
        let offsets = self.offsets[rows.start..=rows.end].iter().map(|offset| offset - first).collect();
        TextColumn { offsets, bytes }
    }

    /// The values of `rows`, in that order.
    pub fn gather(&self, rows: &[u32]) -> TextColumn {
        let bytes = rows.iter().map(|row| self.get(*row as usize).len()).sum();
        let mut gathered = TextColumn::with_capacity(rows.len(), bytes);
        for row in rows {
            gathered.push(self.get(*row as usize));
        }
        gathered
    }
}

/// Values that identify something: users, session ids, properties. Numbers stay numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyColumn {
    /// Numbers, or anything that a 64-bit number stands for and orders.
    Int(Vec<i64>),
    /// Text, ordered by its bytes.
    Text(TextColumn),
}

impl KeyColumn {
    /// The memory they hold, in bytes.
    pub fn bytes(&self) -> usize {
        match self {
            KeyColumn::Int(values) => size_of::<i64>() * values.capacity(),
            KeyColumn::Text(values) => size_of::<usize>() * values.offsets.capacity() + values.bytes.capacity(),
        }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        match self {
            KeyColumn::Int(values) => values.len(),
            KeyColumn::Text(values) => values.len(),
        }
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory they hold, in bytes.
    pub fn size(&self) -> usize {
        match self {
            KeyColumn::Int(values) => values.len() * size_of::<i64>(),
            KeyColumn::Text(values) => values.size(),
        }
    }

    /// Appends all values of another column of the same kind.
    pub fn extend(&mut self, other: &KeyColumn) {
        match (self, other) {
            (KeyColumn::Int(mine), KeyColumn::Int(theirs)) => mine.extend_from_slice(theirs),
            (KeyColumn::Text(mine), KeyColumn::Text(theirs)) => mine.extend(theirs),
            // Columns of one role are of one kind.
            _ => {}
        }
    }

    /// Values of several columns, all of one kind.
    pub fn picked<'a>(values: impl Iterator<Item = (&'a KeyColumn, usize)>) -> KeyColumn {
        let mut values = values.peekable();
        match values.peek() {
            None | Some((KeyColumn::Int(_), _)) => KeyColumn::Int(values.filter_map(|(of, row)| of.int(row)).collect()),
            Some((KeyColumn::Text(_), _)) => {
                let mut picked = TextColumn::default();
                values.filter_map(|(of, row)| of.text(row)).for_each(|text| picked.push(text));
                KeyColumn::Text(picked)
            }
        }
    }

    /// The number of a row; `None` in a column of text.
    pub fn int(&self, row: usize) -> Option<i64> {
        match self {
            KeyColumn::Int(values) => Some(values[row]),
            KeyColumn::Text(_) => None,
        }
    }

    /// The text of a row; `None` in a column of numbers.
    pub fn text(&self, row: usize) -> Option<&[u8]> {
        match self {
            KeyColumn::Int(_) => None,
            KeyColumn::Text(values) => Some(values.get(row)),
        }
    }

    /// The values of consecutive rows.
    pub fn part(&self, rows: Range<usize>) -> KeyColumn {
        match self {
            KeyColumn::Int(values) => KeyColumn::Int(values[rows].to_vec()),
            KeyColumn::Text(values) => KeyColumn::Text(values.part(rows)),
        }
    }

    /// The values of `rows`, in that order.
    pub fn gather(&self, rows: &[u32]) -> KeyColumn {
        match self {
            KeyColumn::Int(values) => KeyColumn::Int(gather(values, rows)),
            KeyColumn::Text(values) => KeyColumn::Text(values.gather(rows)),
        }
    }

    /// Orders two values, of this column and of another one of the same kind; numbers before text
    /// where the kinds differ.
    pub fn compare(&self, row: usize, other: &KeyColumn, other_row: usize) -> std::cmp::Ordering {
        match (self, other) {
            (KeyColumn::Int(a), KeyColumn::Int(b)) => a[row].cmp(&b[other_row]),
            (KeyColumn::Text(a), KeyColumn::Text(b)) => a.get(row).cmp(b.get(other_row)),
            (KeyColumn::Int(_), KeyColumn::Text(_)) => std::cmp::Ordering::Less,
            (KeyColumn::Text(_), KeyColumn::Int(_)) => std::cmp::Ordering::Greater,
        }
    }
}

/// The rows of `values` named by `rows`, in that order.
pub fn gather<T: Copy>(values: &[T], rows: &[u32]) -> Vec<T> {
    rows.iter().map(|row| values[*row as usize]).collect()
}

/// Keys that repeat, and a code for each row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coded {
    /// The keys that rows name, mostly each of them once. Some may be named by no row.
    pub keys: Arc<KeyColumn>,
    /// The code of the first key. Lower ones are of keys that batches before brought along: a batch of a row group goes
    /// on where the one before it ended.
    pub first: u32,
    /// For each row the code of its key.
    pub codes: Vec<u32>,
}

impl Coded {
    /// Keys, and for each row the place of its key.
    pub fn new(keys: KeyColumn, codes: Vec<u32>) -> Self {
        Coded::sharing(Arc::new(keys), codes)
    }

    /// The same, of keys that other batches may have as well.
    pub fn sharing(keys: Arc<KeyColumn>, codes: Vec<u32>) -> Self {
        Coded { keys, first: 0, codes }
    }

    /// The keys of several batches in one column, and for each batch what its codes are counted from in it: batches that
    /// share keys do so there, too, and one that goes on with the keys of those before it comes after them.
    pub fn joined<'a>(batches: impl Iterator<Item = &'a Coded>) -> (Arc<KeyColumn>, Vec<u32>) {
        let mut parts: Vec<(&Arc<KeyColumn>, u32)> = Vec::new();
        let (mut begin, mut end) = (0, 0);
        let mut place = |coded: &'a Coded| {
            if let Some((_, first)) = parts.iter().find(|(keys, _)| Arc::ptr_eq(keys, &coded.keys)) {
                return *first;
            }
            if coded.first == 0 {
                begin = end;
            }
            debug_assert_eq!(begin + coded.first, end, "all batches before it are there");
            parts.push((&coded.keys, begin));
            end += coded.keys.len() as u32;
            begin
        };
        let firsts = batches.map(&mut place).collect();
        let mut parts = parts.into_iter().map(|(keys, _)| keys);
        let Some(first) = parts.next() else { return (Arc::new(KeyColumn::Int(Vec::new())), firsts) };
        let mut keys = Arc::clone(first);
        parts.for_each(|more| Arc::make_mut(&mut keys).extend(more));
        (keys, firsts)
    }
}

/// What events are grouped by besides the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// Numbers.
    Int(Vec<i64>),
    /// Text.
    Text(Coded),
}

/// Session ids or values of a property, with the rows that have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueColumn {
    /// The values; anything where there is none.
    pub values: Values,
    /// Whether a row has a valid value; `None` where all have.
    pub valid: Option<Vec<bool>>,
}

impl ValueColumn {
    /// These values, and whether each is valid.
    pub fn new(values: Values, valid: Vec<bool>) -> Self {
        ValueColumn { values, valid: (!valid.iter().all(|valid| *valid)).then_some(valid) }
    }

    /// Rows without a value.
    pub fn none(rows: usize, is_text: bool) -> Self {
        let nothing = || {
            let mut keys = TextColumn::default();
            keys.push(b"");
            Coded::new(KeyColumn::Text(keys), vec![0; rows])
        };
        ValueColumn::new(if is_text { Values::Text(nothing()) } else { Values::Int(vec![0; rows]) }, vec![false; rows])
    }
}

/// Events as plain columns of one length: no user is empty, no time is missing or out of range.
#[derive(Clone, Debug)]
pub struct EventBatch {
    /// Who did it.
    pub users: Coded,
    /// When.
    pub times: Vec<Timestamp>,
    /// What, as a code of the run's dictionary of event types (0: no type).
    /// Absent where the input has no event types.
    pub events: Option<Vec<u32>>,
    /// Session ids (default definition) or property values. Absent where the definition needs none.
    pub values: Option<ValueColumn>,
    /// Orders events of one user at one time; `i64::MIN` for none.
    pub sequence: Option<Vec<i64>>,
    /// Unique ids of events; empty for none.
    pub unique_ids: Option<TextColumn>,
    /// What charts and segments ask of events, as keys of [`crate::sessionize::facts`].
    pub facts: Option<Coded>,
    /// The values of columns that the definition watches, as such keys.
    pub watched: Option<Coded>,
    /// Where rows are partial sessions of events ([`crate::sessionize::preaggregate::partial_session`]): the rest of each. The columns above are those of its first.
    pub partial_sessions: Option<PartialSessions>,
}

impl EventBatch {
    /// How many events there are.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there is no event.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
}
