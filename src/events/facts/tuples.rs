//! Distinct tuples of codes, found column by column.

use crate::sessionize::layout::intern::Interner;

/// The rows of a batch by what they have in all columns so far.
#[derive(Debug)]
pub struct Tuples {
    codes: Vec<u32>,
    /// The first row of each tuple.
    first_rows: Vec<usize>,
}

/// Up to so many possible tuples, or twice the rows, have a table.
const TABLE: usize = 1 << 16;
const UNSEEN: u32 = u32::MAX;

impl Tuples {
    /// So many rows that are all alike.
    pub fn new(rows: usize) -> Self {
        Tuples { codes: vec![0; rows], first_rows: (rows > 0).then_some(0).into_iter().collect() }
    }

    /// Tells rows apart by another column, whose codes are less than `distinct`.
    pub fn add(&mut self, column: &[u32], distinct: usize) {
        let possible = self.first_rows.len().saturating_mul(distinct);
        self.first_rows.clear();
        let rows = self.codes.iter_mut().zip(column).enumerate();
        if possible <= TABLE.max(2 * column.len()) {
            let mut table = vec![UNSEEN; possible];
            for (row, (code, value)) in rows {
                let known = &mut table[*code as usize * distinct + *value as usize];
                if *known == UNSEEN {
                    *known = self.first_rows.len() as u32;
                    self.first_rows.push(row);
                }
                *code = *known;
            }
        } else {
            let mut interner = Interner::of_ints();
            for (row, (code, value)) in rows {
                *code = interner.intern_int(i64::from(*code) << 32 | i64::from(*value));
                if *code as usize == self.first_rows.len() {
                    self.first_rows.push(row);
                }
            }
        }
    }

    /// The code of each row, and the first row of each code.
    pub fn into_parts(self) -> (Vec<u32>, Vec<usize>) {
        (self.codes, self.first_rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_share_a_code_where_they_are_alike(rows in prop::collection::vec((0u32..3, 0u32..70_000, 0u32..2), 0..60)) {
            let mut tuples = Tuples::new(rows.len());
            tuples.add(&rows.iter().map(|row| row.0).collect::<Vec<_>>(), 3);
            tuples.add(&rows.iter().map(|row| row.1).collect::<Vec<_>>(), 70_000);
            tuples.add(&rows.iter().map(|row| row.2).collect::<Vec<_>>(), 2);
            let (codes, first_rows) = tuples.into_parts();
            for (row, code) in codes.iter().enumerate() {
                let first = first_rows[*code as usize];
                prop_assert_eq!(rows[first], rows[row]);
                prop_assert_eq!(rows.iter().position(|other| *other == rows[row]), Some(first));
            }
        }
    }
}
