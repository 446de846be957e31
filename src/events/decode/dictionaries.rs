//! What the batches of a row group, or of a piece of one, have in common: dictionaries that a file has text as codes of,
//! of which all is made once, and users and values that come again.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringViewArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, UInt32Type};

use super::coded::{Numbers, Texts};
use super::dictionary::EventDictionary;
use super::owned::codes_of;
use crate::events::aliases::replaced::ReplacedUsers;
use crate::sessionize::layout::columns::{Coded, KeyColumn, TextColumn};

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

    /// For each row what `of_codes` has for its code; `of_null` where the row is null.
    pub fn look_up<T: Copy>(self, of_codes: &[T], of_null: T) -> Vec<T> {
        match self.nulls() {
            None => self.codes.iter().map(|code| of_codes[*code as usize]).collect(),
            Some(nulls) => {
                let row = |(code, there): (&u32, bool)| if there { of_codes[*code as usize] } else { of_null };
                self.codes.iter().zip(nulls).map(row).collect()
            }
        }
    }

    /// Which rows are there; `None` where all are.
    fn nulls(self) -> Option<&'a NullBuffer> {
        self.column.nulls().filter(|nulls| nulls.null_count() > 0)
    }

    fn keys(self) -> Arc<KeyColumn> {
        let mut keys = TextColumn::with_capacity(self.texts.len(), self.texts.value_data().len());
        (0..self.texts.len()).for_each(|code| keys.push(self.texts.value(code).as_bytes()));
        Arc::new(KeyColumn::Text(keys))
    }
}

/// What was made of a dictionary: batches that come one after the other mostly share one.
#[derive(Debug)]
pub struct OfDictionary<T>(Option<(ArrayRef, T)>);

impl<T> Default for OfDictionary<T> {
    fn default() -> Self {
        OfDictionary(None)
    }
}

impl<T> OfDictionary<T> {
    /// What was made of the dictionary of this text, or is made now where the last one was another.
    pub fn get_or_make(&mut self, text: CodedText<'_>, make: impl FnOnce() -> T) -> &mut T {
        let known = self.0.take().filter(|(dictionary, _)| Arc::ptr_eq(dictionary, text.dictionary));
        let (_, made) = self.0.insert(known.unwrap_or_else(|| (Arc::clone(text.dictionary), make())));
        made
    }
}

/// What is known of the batches before.
#[derive(Debug, Default)]
pub struct Dictionaries {
    users: Keys,
    values: Keys,
    events: OfDictionary<Vec<u32>>,
    replaced: ReplacedUsers,
}

/// The users, session ids or properties of the batches before.
#[derive(Debug, Default)]
pub struct Keys {
    dictionary: OfDictionary<Arc<KeyColumn>>,
    /// Which of its texts are valid; `None` where all are.
    valid: OfDictionary<Option<Vec<bool>>>,
    before: Before,
    texts: Texts,
    numbers: Numbers,
    /// Whether the last batch had more new keys than half of its rows are.
    hardly_repeat: bool,
}

/// What the batches had that are laid out together with the next one.
#[derive(Debug, Default)]
enum Before {
    /// There is none.
    #[default]
    Nothing,
    /// Codes of one dictionary.
    Dictionary(Arc<KeyColumn>),
    /// Anything else.
    Other,
}

impl Keys {
    /// For each row of another batch whether it has a valid text; `None` where all have. A dictionary is looked at once,
    /// so `is_valid` has to be the same for all batches.
    pub fn valid_rows(&mut self, text: CodedText<'_>, is_valid: impl Fn(&str) -> bool) -> Option<Vec<bool>> {
        let of_texts = || {
            let valid: Vec<bool> = (0..text.texts.len()).map(|code| is_valid(text.texts.value(code))).collect();
            (!valid.iter().all(|valid| *valid)).then_some(valid)
        };
        match self.valid.get_or_make(text, of_texts) {
            Some(valid) => Some(text.look_up(valid, false)),
            None => text.nulls().map(|nulls| nulls.iter().collect()),
        }
    }

    /// Those of another batch; they go on with the codes of a dictionary where all batches before have them.
    pub fn of_text(&mut self, texts: &StringViewArray) -> Coded {
        if let Before::Dictionary(keys) = std::mem::replace(&mut self.before, Before::Other) {
            if let KeyColumn::Text(dictionary) = keys.as_ref() {
                self.texts = Texts::of_dictionary(dictionary);
            }
        }
        let coded = self.texts.coded(texts);
        self.told(coded)
    }

    /// Those of another batch.
    pub fn of_numbers(&mut self, numbers: &[i64]) -> Coded {
        let coded = self.numbers.coded(numbers);
        self.told(coded)
    }

    fn told(&mut self, coded: Coded) -> Coded {
        self.hardly_repeat = coded.keys.len() * 2 > coded.codes.len();
        coded
    }

    /// Those of another batch, whose dictionary may be that of the one before; nothing of a column of another type.
    pub fn of_codes(&mut self, column: ArrayRef) -> Coded {
        let Some(text) = CodedText::of(&column) else { return Coded::new(KeyColumn::Int(Vec::new()), Vec::new()) };
        let keys = Arc::clone(self.dictionary.get_or_make(text, || text.keys()));
        self.hardly_repeat = false;
        if column.is_empty() {
            // Nobody keeps it: what follows cannot go on from there.
            return Coded::sharing(keys, Vec::new());
        }
        self.before = match std::mem::take(&mut self.before) {
            Before::Nothing => Before::Dictionary(Arc::clone(&keys)),
            Before::Dictionary(known) if Arc::ptr_eq(&known, &keys) => Before::Dictionary(known),
            Before::Dictionary(_) | Before::Other => {
                // Text that follows cannot go on with the codes of that before.
                self.texts = Texts::default();
                Before::Other
            }
        };
        Coded::sharing(keys, codes_of(column))
    }

    fn forget(&mut self, before: Before) {
        (self.before, self.texts, self.numbers) = (before, Texts::default(), Numbers::default());
    }
}

impl Dictionaries {
    /// The users.
    pub fn users(&mut self) -> &mut Keys {
        &mut self.users
    }

    /// Who the users are, where a mapping says so.
    pub fn replaced(&mut self) -> &mut ReplacedUsers {
        &mut self.replaced
    }

    /// The session ids or properties.
    pub fn values(&mut self) -> &mut Keys {
        &mut self.values
    }

    /// Forgets which users and values there were: the next batch does not go on with their codes, and is not laid out
    /// together with those before.
    pub fn forget_keys(&mut self) {
        self.users.forget(Before::Nothing);
        self.values.forget(Before::Nothing);
    }

    /// Forgets them, too, where looking for users takes longer than it saves, as they hardly repeat; the next batch may
    /// be laid out together with those before.
    pub fn forget_rare_keys(&mut self) {
        if self.users.hardly_repeat {
            self.users.forget(Before::Other);
            self.values.forget(Before::Other);
        }
    }

    /// For each row the code of its event type in the run; 0 where it is null. Types that no row has stay unknown to
    /// the run.
    pub fn events(&mut self, text: CodedText<'_>, types: &EventDictionary) -> Vec<u32> {
        const UNKNOWN: u32 = u32::MAX;
        let of_run = self.events.get_or_make(text, || vec![UNKNOWN; text.texts.len()]);
        let mut codes = text.look_up(of_run, 0);
        // Mostly the first batch of a row group alone has types that are new.
        if codes.contains(&UNKNOWN) {
            for (code, of_file) in codes.iter_mut().zip(text.codes).filter(|(code, _)| **code == UNKNOWN) {
                let known = &mut of_run[*of_file as usize];
                if *known == UNKNOWN {
                    *known = types.codes(std::iter::once(text.texts.value(*of_file as usize)))[0];
                }
                *code = *known;
            }
        }
        codes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessionize::preaggregate::dictionary_merger::DictionaryMerger;
    use arrow::array::{DictionaryArray, UInt32Array};
    use proptest::prelude::*;

    fn batch(codes: &[Option<u32>], dictionary: &ArrayRef) -> ArrayRef {
        Arc::new(DictionaryArray::<UInt32Type>::new(UInt32Array::from(codes.to_vec()), Arc::clone(dictionary)))
    }

    fn dictionary(texts: &[&str]) -> ArrayRef {
        Arc::new(StringArray::from(texts.to_vec()))
    }

    #[test]
    fn event_types_are_known_to_the_run_as_rows_come_that_have_them() {
        let types = EventDictionary::default();
        let (of_one, of_another) = (dictionary(&["view", "nobody's", "buy"]), dictionary(&["buy", "view"]));
        let mut known = Dictionaries::default();
        let mut names_of = |codes: &[Option<u32>], dictionary: &ArrayRef| -> Vec<Option<String>> {
            let column = batch(codes, dictionary);
            let codes = known.events(CodedText::of(&column).expect("text as codes"), &types);
            let names = types.names();
            codes.into_iter().map(|code| code.checked_sub(1).map(|at| names[at as usize].clone())).collect()
        };
        let named = |names: &[&str]| -> Vec<Option<String>> {
            names.iter().map(|name| (!name.is_empty()).then(|| name.to_string())).collect()
        };
        assert_eq!(names_of(&[Some(0), None, Some(0)], &of_one), named(&["view", "", "view"]));
        assert_eq!(names_of(&[Some(2), Some(0), Some(2)], &of_one), named(&["buy", "view", "buy"]));
        assert_eq!(names_of(&[Some(1), Some(0)], &of_another), named(&["view", "buy"]));
        assert_eq!(types.names(), ["view", "buy"]);
    }

    #[test]
    fn rows_are_valid_by_the_dictionary_they_have() {
        let (some, other) = (dictionary(&["a", ""]), dictionary(&["", "b"]));
        let mut keys = Keys::default();
        let mut valid = |codes: &[Option<u32>], dictionary: &ArrayRef| {
            let column = batch(codes, dictionary);
            keys.valid_rows(CodedText::of(&column).expect("text as codes"), |text| !text.is_empty())
        };
        assert_eq!(valid(&[Some(0), Some(1), None], &some), Some(vec![true, false, false]));
        assert_eq!(valid(&[Some(0), Some(0)], &some), Some(vec![true, true]));
        assert_eq!(valid(&[Some(0), Some(1)], &other), Some(vec![false, true]));
        let all = dictionary(&["a", "b"]);
        assert_eq!((valid(&[Some(1), None], &all), valid(&[Some(1), Some(0)], &all)), (Some(vec![true, false]), None));
    }

    /// What comes next.
    #[derive(Clone, Debug)]
    enum Next {
        /// A batch of codes of the first dictionary, or of the second.
        Codes(bool, Vec<u32>),
        /// A batch of text.
        Text(Vec<u8>),
        /// The users hardly repeated.
        Forget,
    }

    fn next() -> impl Strategy<Value = Next> {
        let codes = |second| prop::collection::vec(0u32..4, 1..6).prop_map(move |codes| Next::Codes(second, codes));
        let text = prop::collection::vec(0u8..6, 1..6).prop_map(Next::Text);
        prop_oneof![4 => codes(false), 1 => codes(true), 4 => text, 1 => Just(Next::Forget)]
    }

    proptest! {
        #[test]
        fn keys_are_those_of_the_rows_however_codes_and_text_follow_each_other(
            all in prop::collection::vec(next(), 0..12),
        ) {
            let (first, second) = (dictionary(&["a", "b", "a", "c"]), dictionary(&["c", "d", "e", "f"]));
            let text_of = |number: u8| char::from(b'a' + number).to_string();
            let (mut keys, mut expected, mut batches) = (Keys::default(), Vec::new(), Vec::new());
            for next in all {
                let (coded, texts): (Coded, Vec<String>) = match next {
                    Next::Forget => {
                        keys.forget(Before::Other);
                        continue;
                    }
                    Next::Codes(of_second, codes) => {
                        let dictionary = if of_second { &second } else { &first };
                        let texts = codes.iter().map(|code| dictionary.as_string::<i32>().value(*code as usize).to_string());
                        (keys.of_codes(batch(&codes.iter().copied().map(Some).collect::<Vec<_>>(), dictionary)), texts.collect())
                    }
                    Next::Text(rows) => {
                        let texts: Vec<String> = rows.into_iter().map(text_of).collect();
                        (keys.of_text(&StringViewArray::from_iter_values(&texts)), texts)
                    }
                };
                batches.push(coded);
                expected.push(texts);
            }
            let named = |keys: &KeyColumn, code: u32| keys.text(code as usize).map(|text| String::from_utf8_lossy(text).to_string());
            let (joined, firsts) = Coded::joined(batches.iter());
            for ((batch, first), texts) in batches.iter().zip(firsts).zip(&expected) {
                let of_rows: Option<Vec<String>> = batch.codes.iter().map(|code| named(&joined, first + code)).collect();
                prop_assert_eq!(of_rows.as_ref(), Some(texts));
            }
            // Told apart one after the other, codes may change.
            let (mut ring, mut told) = (DictionaryMerger::default(), Vec::<u32>::new());
            for batch in &batches {
                if let Some(now) = ring.take(batch) {
                    told.iter_mut().for_each(|code| *code = now[*code as usize]);
                }
                told.extend(ring.told(&batch.codes).iter());
            }
            let column = ring.into_column();
            let of_rows: Option<Vec<String>> = told.into_iter().map(|code| named(&column, code)).collect();
            prop_assert_eq!(of_rows, Some(expected.concat()));
        }
    }

    #[test]
    fn text_goes_on_from_the_dictionary_of_the_batches_before() {
        let names = dictionary(&["ann", "bob"]);
        let mut keys = Keys::default();
        keys.of_codes(batch(&[Some(1)], &names));
        let text = keys.of_text(&StringViewArray::from_iter_values(["bob", "cid", "ann", "cid"]));
        assert_eq!((text.first, text.codes, text.keys.len()), (2, vec![1, 2, 0, 2], 1));
        keys.forget(Before::Nothing);
        keys.of_codes(batch(&[], &names));
        let anew = keys.of_text(&StringViewArray::from_iter_values(["bob"]));
        assert_eq!((anew.first, anew.codes), (0, vec![0]));
    }
}
