//! What is summed up of each user over the files of tables, within so much memory.
//!
//! Where memory does not hold all users, the files are read several times: each time some of the users, by a hash.

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::row::{Row, RowConverter, Rows, SortField};

use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::layout::hash::hash_bytes;
use crate::sessionize::layout::intern::Interner;

/// Some of all users: one of so many shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    number: u64,
    of: u64,
}

impl Share {
    /// All of so many shares.
    pub fn all(of: u64) -> impl Iterator<Item = Share> {
        (0..of).map(move |number| Share { number, of })
    }

    /// Which one it is.
    pub fn number(self) -> u64 {
        self.number
    }

    /// Whether a key's user is in it.
    fn has(self, user: &[u8]) -> bool {
        // The lower bits are for the place in a table.
        self.of == 1 || (hash_bytes(user) >> 32) % self.of == self.number
    }
}

/// Memory does not hold the users of a share: more shares are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

/// Takes all users share by share: in one, or in as many as memory needs.
///
/// # Errors
/// What `work` fails on.
pub fn in_shares<T, E>(mut work: impl FnMut(u64) -> Result<Result<T, TooMany>, E>) -> Result<T, E> {
    let mut shares = 1;
    loop {
        match work(shares)? {
            Ok(done) => return Ok(done),
            Err(TooMany) => shares *= 4,
        }
    }
}

/// What is known of each user of a share.
pub struct OfUsers<S> {
    share: Share,
    /// Bytes of memory that they may take.
    room: usize,
    keys: Interner,
    states: Vec<S>,
}

impl<S: Clone + Default> OfUsers<S> {
    /// Nothing is known of anyone; `room` is how many bytes of memory they may take, if there is a limit.
    pub fn new(share: Share, room: Option<usize>) -> Self {
        OfUsers { share, room: room.unwrap_or(usize::MAX), keys: Interner::of_text(), states: Vec::new() }
    }

    /// The codes of some keys, each of which is a user or begins with one; `None` for users of other shares, whom `users` has in
    /// the places of keys.
    pub fn codes(&mut self, users: &Rows, keys: &Rows) -> Vec<Option<u32>> {
        let is_in: Vec<bool> = users.iter().map(|user| self.share.has(user.as_ref())).collect();
        let all = keys.iter().zip(&is_in);
        let own: Vec<Row<'_>> = all.filter(|(_, is_in)| **is_in).map(|(key, _)| key).collect();
        let texts: Vec<&[u8]> = own.iter().map(AsRef::as_ref).collect();
        let mut codes = self.keys.intern_texts(&texts).into_iter();
        self.states.resize(self.keys.len(), S::default());
        is_in.into_iter().map(|is_in| if is_in { codes.next() } else { None }).collect()
    }

    /// What is known of a key, by its code.
    pub fn of(&mut self, code: u32) -> &mut S {
        &mut self.states[code as usize]
    }

    /// Makes sure that memory holds them.
    ///
    /// # Errors
    /// It does not.
    pub fn check(&self) -> Result<(), TooMany> {
        // While it grows, half as much again.
        let bytes = self.keys.bytes() + self.states.capacity() * size_of::<S>();
        // A share of one user is as small as it gets.
        if bytes + bytes / 2 <= self.room || self.states.len() < 2 {
            Ok(())
        } else {
            Err(TooMany)
        }
    }

    /// The keys in ascending order, and what is known of each.
    pub fn in_order(self) -> (KeyColumn, Vec<S>) {
        let states = self.states;
        let (keys, ranks) = self.keys.into_ranked();
        let mut ordered = vec![S::default(); states.len()];
        for (state, rank) in states.into_iter().zip(ranks) {
            ordered[rank as usize] = state;
        }
        (keys, ordered)
    }
}

/// Makes keys of columns: bytes that are equal where values are, and in the order of the values.
#[derive(Debug)]
pub struct Keys(RowConverter);

impl Keys {
    /// For columns of these types.
    ///
    /// # Errors
    /// A type that has no keys.
    pub fn of(types: impl IntoIterator<Item = DataType>) -> Result<Self, ArrowError> {
        Ok(Keys(RowConverter::new(types.into_iter().map(SortField::new).collect())?))
    }

    /// Those of the rows of columns.
    ///
    /// # Errors
    /// A column of another type.
    pub fn rows(&self, columns: &[ArrayRef]) -> Result<Rows, ArrowError> {
        self.0.convert_columns(columns)
    }

    /// The column that keys were made of.
    ///
    /// # Errors
    /// They are no keys.
    pub fn column<'k>(&self, keys: impl Iterator<Item = &'k [u8]>) -> Result<ArrayRef, ArrowError> {
        let parser = self.0.parser();
        let columns = self.0.convert_rows(keys.map(|key| parser.parse(key)))?;
        columns.into_iter().next().ok_or_else(|| ArrowError::ComputeError("keys of no column".to_string()))
    }
}

/// The types of columns.
pub fn types_of(columns: &[ArrayRef]) -> impl Iterator<Item = DataType> + '_ {
    columns.iter().map(|column| column.data_type().clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringViewArray};
    use std::sync::Arc;

    #[test]
    fn keys_are_in_the_order_of_their_values_and_lead_back_to_them() {
        let columns: [ArrayRef; 2] = [
            Arc::new(Int64Array::from(vec![5, -7, 0, i64::MIN])),
            Arc::new(StringViewArray::from(vec!["b", "", "a longer text than any view holds", "B"])),
        ];
        for column in columns {
            let keys = Keys::of([column.data_type().clone()]).expect("a type of users");
            let rows = keys.rows(&[Arc::clone(&column)]).expect("of this type");
            let mut users: OfUsers<usize> = OfUsers::new(Share { number: 0, of: 1 }, None);
            let codes = users.codes(&rows, &rows);
            codes.into_iter().enumerate().for_each(|(row, code)| *users.of(code.expect("of the one share")) = row);
            let (ordered, places) = users.in_order();
            let KeyColumn::Text(ordered) = ordered else { panic!("bytes") };
            let found = keys.column(ordered.iter()).expect("keys");
            let sorted = arrow::compute::sort(&column, None).expect("sortable");
            assert_eq!(&found, &sorted);
            let taken = arrow::compute::take(
                &column,
                &arrow::array::UInt64Array::from_iter_values(places.iter().map(|place| *place as u64)),
                None,
            );
            assert_eq!(&taken.expect("places"), &sorted);
        }
    }

    #[test]
    fn every_user_is_in_one_share_and_little_memory_makes_more_of_them() {
        let names: Vec<String> = (0..1000).map(|user| format!("user {user}")).collect();
        let of = |share: Share| names.iter().filter(|name| share.has(name.as_bytes())).count();
        let counts: Vec<usize> = Share::all(4).map(of).collect();
        assert_eq!(counts.iter().sum::<usize>(), 1000);
        assert!(counts.iter().all(|count| (150..350).contains(count)), "{counts:?}");
        let column: ArrayRef = Arc::new(names.iter().map(Some).collect::<StringViewArray>());
        let keys = Keys::of([column.data_type().clone()]).expect("a type of users");
        let slices = || (0..10).map(|slice| keys.rows(&[column.slice(slice * 100, 100)]).expect("of this type"));
        let count = |room: Option<usize>| {
            in_shares(|shares| {
                let mut total = 0;
                for share in Share::all(shares) {
                    let mut users: OfUsers<u8> = OfUsers::new(share, room);
                    for slice in slices() {
                        users.codes(&slice, &slice);
                        if users.check().is_err() {
                            return Ok::<_, ()>(Err(TooMany));
                        }
                    }
                    total += users.in_order().1.len();
                }
                Ok(Ok((shares, total)))
            })
        };
        assert_eq!(count(None), Ok((1, 1000)));
        assert!(matches!(count(Some(8_000)), Ok((4.., 1000))), "{:?}", count(Some(8_000)));
    }
}
