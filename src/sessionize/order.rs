//! Puts the events of one user in order (SPEC 2, step 5).

use super::rows::{Row, RowKind};
use super::watched::WatchedTable;

/// Puts rows in order. They mostly are, nearly: an event table grows with time. So each row goes to its place among
/// those before it, and only where that takes long are they sorted as anything would be.
pub fn put_in_order<T: RowKind>(rows: &mut [Row<T>]) {
    /// Moves a row, on average, that are quicker than sorting.
    const MOVES: usize = 6;
    let rows = match rows.iter().any(|row| row.value().is_none()) {
        // They come first, from wherever they are.
        true => {
            let (without, with) = apart(rows);
            put_near(without, MOVES * without.len());
            with
        }
        false => rows,
    };
    put_near(rows, MOVES * rows.len());
}

/// Gives the last of rows that are equal in all that orders events the class of the one that is last by unique id, then by
/// class (SPEC 2, step 5): timeouts by a column look at it alone, as no silence is between the others.
pub fn settle_classes<T: RowKind>(rows: &mut [Row<T>]) {
    for ties in rows.chunk_by_mut(|a, b| (a.value(), a.order()) == (b.value(), b.order())) {
        let last = ties.iter().map(|row| (row.unique_id(), row.event().class())).max();
        if let (Some((_, class)), Some(row)) = (last, ties.last_mut()) {
            row.set_class(class);
        }
    }
}

/// Puts rows that are equal in all that orders events in the order of their unique ids, then of their watched values, column
/// by column.
pub fn settle_watched<T: RowKind>(rows: &mut [Row<T>], table: &WatchedTable) {
    for ties in rows.chunk_by_mut(|a, b| (a.value(), a.order()) == (b.value(), b.order())) {
        if ties.len() > 1 {
            let values = |row: &Row<T>| -> Vec<Option<i64>> {
                (0..table.columns()).map(|column| table.value(column, row.watched())).collect()
            };
            ties.sort_by_cached_key(|row| (row.unique_id(), values(row), row.fact()));
        }
    }
}

/// The watched values of rows that are settled, row by row: of those that are equal in all that orders events, unique ids
/// among it, the values of each column ascend on their own.
pub fn watched_values<T: RowKind>(rows: &[Row<T>], table: &WatchedTable) -> Vec<Option<i64>> {
    let columns = table.columns();
    let mut values = Vec::with_capacity(rows.len() * columns);
    for row in rows {
        values.extend((0..columns).map(|column| table.value(column, row.watched())));
    }
    let mut first = 0;
    for ties in rows.chunk_by(|a, b| (a.value(), a.order(), a.unique_id()) == (b.value(), b.order(), b.unique_id())) {
        // The first column is in order already.
        for column in (1..columns).filter(|_| ties.len() > 1) {
            let place = |tie: usize| (first + tie) * columns + column;
            let mut own: Vec<Option<i64>> = (0..ties.len()).map(|tie| values[place(tie)]).collect();
            own.sort_unstable();
            own.into_iter().enumerate().for_each(|(tie, value)| values[place(tie)] = value);
        }
        first += ties.len();
    }
    values
}

/// Rows without a value before those with one; both stay in the order they have.
fn apart<T: RowKind>(rows: &mut [Row<T>]) -> (&mut [Row<T>], &mut [Row<T>]) {
    // They are few, as a rule: the others move up into their places.
    let without: Vec<Row<T>> = rows.iter().filter(|row| row.value().is_none()).copied().collect();
    let mut free = rows.len();
    for at in (0..rows.len()).rev() {
        if rows[at].value().is_some() {
            free -= 1;
            rows[free] = rows[at];
        }
    }
    let (first, last) = rows.split_at_mut(free);
    first.copy_from_slice(&without);
    (first, last)
}

/// Moves each row to its place among those before it; sorts them where that takes too many moves.
fn put_near<T: RowKind>(rows: &mut [Row<T>], mut moves_left: usize) {
    for next in 1..rows.len() {
        let row = rows[next];
        let mut place = next;
        while place > 0 && row < rows[place - 1] {
            rows[place] = rows[place - 1];
            place -= 1;
        }
        rows[place] = row;
        match moves_left.checked_sub(next - place) {
            Some(left) => moves_left = left,
            None => return rows.sort_unstable(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessionize::event_types::EventKey;
    use crate::sessionize::rows::FullEvent;
    use crate::sessionize::time::Timestamp;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_come_out_as_sorting_puts_them(
            times in prop::collection::vec((0i64..500, 0i64..30, prop::option::of(0i64..4)), 0..300),
            nearly in any::<bool>(),
        ) {
            let row = |(place, (time, late, value)): (usize, &(i64, i64, Option<i64>))| {
                let time = if nearly { place as i64 * 3 - late } else { *time };
                Row::of_kind(Timestamp::from_micros(time), EventKey::NONE, 0, FullEvent::new(*value, 0, None, 0))
            };
            let mut rows: Vec<Row<FullEvent>> = times.iter().enumerate().map(row).collect();
            let mut sorted = rows.clone();
            sorted.sort();
            put_in_order(&mut rows);
            prop_assert_eq!(rows, sorted);
        }
    }
}
