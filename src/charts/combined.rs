//! The values of several columns of a table as one text: a JSON array, which no combination shares with another.

use std::sync::Arc;

use super::lanes::{named, no_value, NO_VALUE};
use super::rows::{FileRows, Texts};
use crate::events::facts::tuples::Tuples;
use crate::sessionize::layout::columns::TextColumn;
use crate::tables::error::TableError;

/// The values of a column as texts; of several columns the combinations of their values. A row without any value has none.
///
/// # Errors
/// There is no such column.
pub fn texts_of(file: &mut FileRows, columns: &[String]) -> Result<Arc<Texts>, TableError> {
    if let [column] = columns {
        return file.texts(column);
    }
    let all = columns.iter().map(|column| file.texts(column)).collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(combinations(file.len(), &all)))
}

/// The combinations of the values of so many rows.
pub fn combinations(rows: usize, columns: &[Arc<Texts>]) -> Texts {
    let mut tuples = Tuples::new(rows);
    for texts in columns {
        let distinct = texts.distinct.len();
        let codes: Vec<u32> = texts.places.iter().map(|place| (*place).min(distinct as u32)).collect();
        tuples.add(&codes, distinct + 1);
    }
    let (codes, first_rows) = tuples.into_parts();
    let mut distinct = TextColumn::default();
    let mut place_of = Vec::with_capacity(first_rows.len());
    for row in first_rows {
        let values: Vec<Option<&str>> = columns.iter().map(|texts| texts.get(row)).collect();
        place_of.push(match values.iter().all(Option::is_none) {
            true => Texts::NONE,
            false => {
                distinct.push(combined(&values).as_bytes());
                distinct.len() as u32 - 1
            }
        });
    }
    Texts { places: codes.iter().map(|code| place_of[*code as usize]).collect(), distinct: Arc::new(distinct) }
}

/// Some values as one text.
fn combined(values: &[Option<&str>]) -> String {
    let names = values.iter().map(|value| value.map_or(NO_VALUE.into(), |value| named(value, false)));
    serde_json::Value::from_iter(names.map(String::from)).to_string()
}

/// A value of one column, or a combination of several', as measures name it; `None` for no value.
pub fn name_of(value: Option<&str>, columns: usize) -> String {
    match value {
        None => no_value(columns),
        Some(value) if columns > 1 => value.to_string(),
        Some(value) => named(value, false).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_combination_has_a_text_of_its_own_and_no_values_have_none() {
        let of = |values: &[Option<&str>]| {
            let mut distinct = TextColumn::default();
            let mut places = Vec::new();
            for value in values {
                places.push(match value {
                    None => Texts::NONE,
                    Some(value) => {
                        distinct.push(value.as_bytes());
                        distinct.len() as u32 - 1
                    }
                });
            }
            Arc::new(Texts { places, distinct: Arc::new(distinct) })
        };
        let columns =
            [of(&[Some("a"), None, Some("(none)"), None, Some("a")]), of(&[None, None, Some("\"b\""), Some(""), None])];
        let texts = combinations(5, &columns);
        let names: Vec<String> = (0..5).map(|row| name_of(texts.get(row), 2)).collect();
        let expected = [
            r#"["a","(none)"]"#,
            r#"["(none)","(none)"]"#,
            r#"["\\(none)","\"b\""]"#,
            r#"["(none)",""]"#,
            r#"["a","(none)"]"#,
        ];
        assert_eq!(names, expected);
        assert!(texts.get(1).is_none(), "no values are none");
        assert_eq!((name_of(None, 1), name_of(Some("(none)"), 1)), ("(none)".to_string(), "\\(none)".to_string()));
    }
}
