//! Derived columns of the batches that are read.
//!
//! Where one is made of one column of text that comes as codes of a dictionary, it is computed once for each text of the
//! dictionary, and for null; text that comes of it is codes again.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, StringArray, StringViewArray, UInt32Array};
use arrow::buffer::NullBuffer;
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType as ArrowType, Field, Schema, UInt32Type};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::columns::DerivedColumn;
use super::value::DerivedValue;
use crate::events::decode::dictionaries::{CodedText, OfDictionary};
use crate::events::error::InputError;
use crate::events::normalise::error::ProjectError;
use crate::events::source::columns::Source;
use crate::events::source::footer::Footer;
use crate::events::source::kind::Kind;

/// How some derived columns are added to the batches of files of one schema.
#[derive(Clone, Debug, Default)]
pub struct Derivation {
    /// Each after those that it is made of.
    steps: Vec<Step>,
}

/// One of them.
#[derive(Clone, Debug)]
struct Step {
    name: String,
    value: DerivedValue,
    /// The column of text that it is made of, and of nothing else.
    text: Option<String>,
    /// Whether it may be codes of a dictionary.
    is_coded: bool,
}

/// What is known of the dictionaries of the batches before, for each derived column.
#[derive(Debug, Default)]
pub struct SeenTexts(Vec<OfDictionary<Option<OfTexts>>>);

impl Derivation {
    /// Those of some columns that are derived, and those that they are made of, for files like this one.
    ///
    /// # Errors
    /// An expression that does not fit the types of the files.
    pub fn new(columns: &[String], footer: &Footer) -> Result<Self, InputError> {
        let step = |column: &DerivedColumn| {
            let value = DerivedValue::over(column, footer)?;
            let text = only_text(column, footer).map(str::to_string);
            Ok(Step { name: column.name.clone(), value, text, is_coded: false })
        };
        let needed = footer.schema.derived.needed_for(columns);
        Ok(Derivation { steps: needed.into_iter().map(step).collect::<Result<_, InputError>>()? })
    }

    /// The same, where these columns of text may be codes of a dictionary.
    pub fn with_codes(mut self, coded: &[String]) -> Self {
        self.steps.iter_mut().for_each(|step| step.is_coded = coded.contains(&step.name));
        self
    }

    /// The derived columns.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.steps.iter().map(|step| &step.name)
    }

    /// All columns that are looked at.
    pub fn columns(&self) -> impl Iterator<Item = &String> {
        self.steps.iter().flat_map(|step| &step.value.columns)
    }

    /// Those that are looked at row by row.
    pub fn columns_by_row(&self) -> impl Iterator<Item = &String> {
        self.steps.iter().filter(|step| step.text.is_none()).flat_map(|step| &step.value.columns)
    }

    /// A batch with the derived columns; those that it has stay.
    ///
    /// # Errors
    /// An expression that fails on a value.
    pub fn apply<'b>(
        &self,
        batch: &'b RecordBatch,
        seen: &mut SeenTexts,
    ) -> Result<Cow<'b, RecordBatch>, ProjectError> {
        let mut batch = Cow::Borrowed(batch);
        seen.0.resize_with(self.steps.len(), OfDictionary::default);
        for (step, known) in self.steps.iter().zip(&mut seen.0) {
            if batch.column_by_name(&step.name).is_none() {
                let column = step.column(&batch, known)?;
                batch = Cow::Owned(with_column(&batch, &step.name, column).map_err(unreadable)?);
            }
        }
        Ok(batch)
    }
}

/// The one whole column of text that a derived column is made of.
fn only_text<'c>(column: &'c DerivedColumn, footer: &Footer) -> Option<&'c str> {
    let name = column.made_of().next()?;
    let is_it = |source: &Source| matches!(source, Source::File { column, path: None } if column == name);
    let is_only = column.value.uses.values().all(|used| is_it(&used.column.source) && !used.as_number);
    (is_only && footer.schema.kind(name) == Some(&Kind::Text)).then_some(name)
}

impl Step {
    fn column(&self, batch: &RecordBatch, known: &mut OfDictionary<Option<OfTexts>>) -> Result<ArrayRef, ProjectError> {
        let values = self.text.as_ref().and_then(|name| batch.column_by_name(name));
        let Some((values, text)) = values.and_then(|values| Some((values, CodedText::of(values)?))) else {
            return self.value.of_rows(batch);
        };
        match known.get_or_make(text, || self.of_texts(text).ok()) {
            Some(of_texts) => Ok(of_texts.of_rows(text).map_err(unreadable)?),
            // It may fail on a text that no row has.
            None => self.of_array(cast(values, &ArrowType::Utf8View).map_err(unreadable)?),
        }
    }

    /// Of each text of a dictionary, and of null.
    fn of_texts(&self, text: CodedText<'_>) -> Result<OfTexts, ProjectError> {
        let texts = text.texts();
        let all: StringViewArray = (0..texts.len()).map(|code| Some(texts.value(code))).chain([None]).collect();
        let values = self.of_array(Arc::new(all))?;
        Ok(OfTexts::new(values, self.is_coded))
    }

    fn of_array(&self, texts: ArrayRef) -> Result<ArrayRef, ProjectError> {
        let name = self.text.as_deref().unwrap_or_default();
        let batch = RecordBatch::try_from_iter_with_nullable([(name, texts, true)]);
        self.value.of_rows(&batch.map_err(unreadable)?)
    }
}

/// What a derived column is for each text of a dictionary.
#[derive(Debug)]
struct OfTexts {
    values: ArrayRef,
    /// For each code the place of its value among `values`; [`NULL`] where it has none.
    places: Vec<u32>,
    of_null: u32,
    is_coded: bool,
}

/// In place of a code where there is no value.
const NULL: u32 = u32::MAX;

impl OfTexts {
    /// Of the values for each code, and that for null after them.
    fn new(values: ArrayRef, as_codes: bool) -> Self {
        match values.as_string_view_opt().filter(|_| as_codes) {
            None => {
                let of_null = values.len() as u32 - 1;
                OfTexts { places: (0..of_null).collect(), of_null, values, is_coded: false }
            }
            Some(texts) => {
                let mut known: HashMap<&str, u32> = HashMap::new();
                let mut distinct: Vec<&str> = Vec::new();
                let mut places: Vec<u32> = Vec::with_capacity(texts.len());
                for text in texts {
                    places.push(match text {
                        None => NULL,
                        Some(text) => *known.entry(text).or_insert_with(|| {
                            distinct.push(text);
                            distinct.len() as u32 - 1
                        }),
                    });
                }
                let of_null = places.pop().unwrap_or(NULL);
                let values: ArrayRef = Arc::new(StringArray::from(distinct));
                OfTexts { values, places, of_null, is_coded: true }
            }
        }
    }

    /// The values of rows that have these texts.
    fn of_rows(&self, text: CodedText<'_>) -> Result<ArrayRef, ArrowError> {
        let mut places = text.look_up(&self.places, self.of_null);
        if !self.is_coded {
            return take(&self.values, &UInt32Array::from(places), None);
        }
        let nulls = places.contains(&NULL).then(|| NullBuffer::from_iter(places.iter().map(|place| *place != NULL)));
        places.iter_mut().filter(|place| **place == NULL).for_each(|place| *place = 0);
        let keys = UInt32Array::new(places.into(), nulls);
        Ok(Arc::new(DictionaryArray::<UInt32Type>::try_new(keys, Arc::clone(&self.values))?))
    }
}

fn with_column(batch: &RecordBatch, name: &str, column: ArrayRef) -> Result<RecordBatch, ArrowError> {
    let field = Arc::new(Field::new(name, column.data_type().clone(), true));
    let fields: Vec<_> = batch.schema_ref().fields().iter().cloned().chain([field]).collect();
    let columns: Vec<ArrayRef> = batch.columns().iter().cloned().chain([column]).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn unreadable(error: ArrowError) -> InputError {
    InputError::Unreadable { reason: error.to_string() }
}
