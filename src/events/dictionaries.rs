//! What the batches of a row group have in common: dictionaries that a file has text as codes of, of which all is made
//! once, and users and values that come again.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringViewArray};
use arrow::datatypes::{DataType, UInt32Type};

use super::coded::{Numbers, Texts};
use super::dictionary::EventDictionary;
use super::owned::codes_of;
use crate::sessionize::columns::{Coded, KeyColumn, TextColumn};

/// How text is decoded where a file has it as codes.
pub fn text_as_codes() -> DataType {
    DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8))
}

/// A column of text as codes of a dictionary.
#[derive(Clone, Copy, Debug)]
pub struct CodedText<'a> {
    column: &'a ArrayRef,
    codes: &'a [u32],
    dictionary: &'a ArrayRef,
    texts: &'a StringArray,
}

impl<'a> CodedText<'a> {
    /// The column as one, where it is one.
    pub fn of(column: &'a ArrayRef) -> Option<Self> {
        let array = column.as_dictionary_opt::<UInt32Type>()?;
        let texts = array.values().as_string_opt::<i32>()?;
        Some(CodedText { column, codes: array.keys().values(), dictionary: array.values(), texts })
    }

    /// For each row its code; anything where the row is null.
    pub fn codes(self) -> &'a [u32] {
        self.codes
    }

    /// The texts, by code.
    pub fn texts(self) -> &'a StringArray {
        self.texts
    }

    /// The dictionary, which batches may share.
    pub fn dictionary(self) -> &'a ArrayRef {
        self.dictionary
    }

    /// For each row whether it is there and its text is one of which `holds` is true; `None` where all are.
    pub fn rows_where(self, holds: impl Fn(&str) -> bool) -> Option<Vec<bool>> {
        let holds: Vec<bool> = (0..self.texts.len()).map(|code| holds(self.texts.value(code))).collect();
        if self.column.null_count() == 0 && holds.iter().all(|holds| *holds) {
            return None;
        }
        let row = |(row, code): (usize, &u32)| self.column.is_valid(row) && holds[*code as usize];
        Some(self.codes.iter().enumerate().map(row).collect())
    }

    fn keys(self) -> Arc<KeyColumn> {
        let mut keys = TextColumn::with_capacity(self.texts.len(), self.texts.value_data().len());
        (0..self.texts.len()).for_each(|code| keys.push(self.texts.value(code).as_bytes()));
        Arc::new(KeyColumn::Text(keys))
    }
}

/// What is known of the batches before.
#[derive(Debug, Default)]
pub struct Dictionaries {
    users: Keys,
    values: Keys,
    events: Option<(ArrayRef, Vec<u32>)>,
}

/// The users, session ids or properties of the batches before.
#[derive(Debug, Default)]
pub struct Keys {
    dictionary: Option<(ArrayRef, Arc<KeyColumn>)>,
    texts: Texts,
    numbers: Numbers,
}

impl Keys {
    /// Those of another batch.
    pub fn of_text(&mut self, texts: &StringViewArray) -> Coded {
        self.texts.coded(texts)
    }

    /// Those of another batch.
    pub fn of_numbers(&mut self, numbers: &[i64]) -> Coded {
        self.numbers.coded(numbers)
    }

    /// Those of another batch, whose dictionary may be that of the one before; nothing of a column of another type.
    pub fn of_codes(&mut self, column: ArrayRef) -> Coded {
        let Some(text) = CodedText::of(&column) else { return Coded::new(KeyColumn::Int(Vec::new()), Vec::new()) };
        let known = self.dictionary.take().filter(|(dictionary, _)| Arc::ptr_eq(dictionary, text.dictionary));
        let (_, keys) = self.dictionary.insert(known.unwrap_or_else(|| (Arc::clone(text.dictionary), text.keys())));
        Coded::sharing(Arc::clone(keys), codes_of(column))
    }
}

impl Dictionaries {
    /// The users.
    pub fn users(&mut self) -> &mut Keys {
        &mut self.users
    }

    /// The session ids or properties.
    pub fn values(&mut self) -> &mut Keys {
        &mut self.values
    }

    /// Forgets which users and values there were: the next batch does not go on with their codes.
    pub fn forget_keys(&mut self) {
        for keys in [&mut self.users, &mut self.values] {
            (keys.texts, keys.numbers) = (Texts::default(), Numbers::default());
        }
    }

    /// For each row the code of its event type in the run; 0 where it is null. Types that no row has stay unknown to
    /// the run.
    pub fn events(&mut self, text: CodedText<'_>, types: &EventDictionary) -> Vec<u32> {
        const UNKNOWN: u32 = u32::MAX;
        let known = self.events.take().filter(|(dictionary, _)| Arc::ptr_eq(dictionary, text.dictionary));
        let mut of_run = known.map_or_else(|| vec![UNKNOWN; text.texts.len()], |(_, codes)| codes);
        let mut event = |code: u32| {
            let known = &mut of_run[code as usize];
            if *known == UNKNOWN {
                *known = types.codes(std::iter::once(text.texts.value(code as usize)))[0];
            }
            *known
        };
        let codes = match text.column.nulls() {
            None => text.codes.iter().map(|code| event(*code)).collect(),
            Some(nulls) => {
                let row = |(code, there): (&u32, bool)| if there { event(*code) } else { 0 };
                text.codes.iter().zip(nulls).map(row).collect()
            }
        };
        self.events = Some((Arc::clone(text.dictionary), of_run));
        codes
    }
}
