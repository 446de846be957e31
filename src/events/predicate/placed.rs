//! The values of a column, each placed among the constants that it is compared with: values of one class are alike to
//! all that is asked of them.

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray, StringViewArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Float32Type, Float64Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt32Type,
    UInt64Type,
};

use super::column_test::{Order, Part};
use super::compile::{unsigned, Asked, Constant, Question};
use crate::events::decode::dictionaries::CodedText;
use crate::events::normalise::convert::ordered;

/// What is asked of the values of a column, over all conditions.
#[derive(Clone, Debug)]
pub struct Placing {
    /// The column.
    pub column: String,
    constants: Vec<Constant>,
    order: Constants,
    parts: Vec<Part>,
}

/// More parts of text than this are not asked of one column: each doubles the classes.
pub const MOST_PARTS: usize = 10;

/// A test of the class of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClassTest {
    /// It is null.
    IsNull,
    /// Its place stands so to that of a constant.
    Is(Order, u32),
    /// Its place is one of these, in ascending order.
    IsOneOf(Vec<u32>),
    /// It has a part.
    Holds(u32),
}

/// The class of null; those of values follow.
const NULL: u32 = 0;

impl Placing {
    /// For what is asked of a column.
    pub fn new(column: &str, asked: &[&Asked]) -> Self {
        let mut constants: Vec<Constant> = Vec::new();
        let mut parts: Vec<Part> = Vec::new();
        for asked in asked {
            match asked {
                Asked::IsNull => {}
                Asked::Is(_, constant) => constants.push(constant.clone()),
                Asked::IsOneOf(all) => constants.extend(all.iter().cloned()),
                Asked::Holds(part) if parts.contains(part) => {}
                Asked::Holds(part) => parts.push(part.clone()),
            }
        }
        constants.sort_unstable();
        constants.dedup();
        let order = Constants::new(&constants);
        Placing { column: column.to_string(), constants, order, parts }
    }

    /// How many classes there are at most.
    pub fn classes(&self) -> u64 {
        1 + (self.places() << self.parts.len())
    }

    fn places(&self) -> u64 {
        2 * self.constants.len() as u64 + 1
    }

    /// Whether it is so few parts of text that they can be asked of it.
    pub fn is_small(&self) -> bool {
        self.parts.len() <= MOST_PARTS && self.classes() <= u64::from(u32::MAX)
    }

    /// A question to its values as one to their classes.
    pub fn test(&self, question: &Question) -> ClassTest {
        // The places of constants are odd, and those of what lies between them even.
        let place = |constant: &Constant| {
            let (Ok(place) | Err(place)) = self.constants.binary_search(constant);
            2 * place as u32 + 1
        };
        match &question.asked {
            Asked::IsNull => ClassTest::IsNull,
            Asked::Is(order, constant) => ClassTest::Is(*order, place(constant)),
            Asked::IsOneOf(constants) => {
                let mut places: Vec<u32> = constants.iter().map(place).collect();
                places.sort_unstable();
                ClassTest::IsOneOf(places)
            }
            Asked::Holds(part) => {
                ClassTest::Holds(self.parts.iter().position(|known| known == part).unwrap_or(0) as u32)
            }
        }
    }

    /// What a test says of a class; `None` where that is null.
    pub fn answer(&self, test: &ClassTest, class: u32) -> Option<bool> {
        let class = class.checked_sub(1);
        let place = |class: u32| class >> self.parts.len();
        match test {
            ClassTest::IsNull => Some(class.is_none()),
            ClassTest::Is(order, constant) => Some(order.holds(place(class?).cmp(constant))),
            ClassTest::IsOneOf(constants) => Some(constants.binary_search(&place(class?)).is_ok()),
            ClassTest::Holds(part) => Some(class? >> part & 1 == 1),
        }
    }

    /// The class of each row of a column that is no text as codes.
    pub fn of_rows(&self, column: &ArrayRef) -> Vec<u32> {
        if self.constants.is_empty() && self.parts.is_empty() {
            return match column.logical_nulls() {
                Some(nulls) => nulls.iter().map(u32::from).collect(),
                None => vec![1; column.len()],
            };
        }
        match (&self.order, column.as_string_view_opt()) {
            (Constants::Numbers(numbers), _) => of_numbers(numbers, column),
            (Constants::Texts(order), Some(texts)) => self.of_texts(order, texts),
            // No question to text is asked of anything else.
            (Constants::Texts(_), None) => vec![NULL; column.len()],
        }
    }

    /// The class of each text of a dictionary.
    pub fn of_dictionary(&self, text: CodedText<'_>) -> Vec<u32> {
        let texts = text.texts();
        match &self.order {
            Constants::Texts(order) => (0..texts.len()).map(|code| self.class_of(order, texts.value(code))).collect(),
            // No question to numbers is asked of text.
            Constants::Numbers(_) => vec![NULL; texts.len()],
        }
    }

    fn of_texts(&self, order: &TextOrder, texts: &StringViewArray) -> Vec<u32> {
        // Rows of one user or session come together often enough.
        let mut last: Option<(u128, u32)> = None;
        let mut class = |(row, view): (usize, &u128)| match last {
            Some((known, class)) if known == *view => class,
            _ => {
                let class = match key_of_view(*view).filter(|_| self.parts.is_empty()) {
                    Some(key) => 1 + order.place_of_short(key),
                    None => self.class_of(order, texts.value(row)),
                };
                last = Some((*view, class));
                class
            }
        };
        let rows = texts.views().iter().enumerate();
        match texts.nulls() {
            None => rows.map(class).collect(),
            Some(nulls) => {
                let or_null = |(row, there)| if there { class(row) } else { NULL };
                rows.zip(nulls.iter()).map(or_null).collect()
            }
        }
    }

    fn class_of(&self, order: &TextOrder, text: &str) -> u32 {
        let mut parts = 0;
        for (place, part) in self.parts.iter().enumerate() {
            parts |= u32::from(part.is_in(text)) << place;
        }
        1 + (order.place(text.as_bytes()) << self.parts.len() | parts)
    }
}

/// Constants in ascending order.
#[derive(Clone, Debug)]
enum Constants {
    Numbers(Vec<i64>),
    Texts(TextOrder),
}

impl Constants {
    fn new(constants: &[Constant]) -> Self {
        let numbers = constants.iter().map(|constant| match constant {
            Constant::Number(number) => Some(*number),
            Constant::Text(_) => None,
        });
        let texts = constants.iter().filter_map(|constant| match constant {
            Constant::Number(_) => None,
            Constant::Text(text) => Some(text.clone()),
        });
        match numbers.collect::<Option<Vec<i64>>>().filter(|numbers| !numbers.is_empty()) {
            Some(numbers) => Constants::Numbers(numbers),
            None => Constants::Texts(TextOrder::new(texts.collect())),
        }
    }
}

/// Texts in ascending order.
#[derive(Clone, Debug)]
struct TextOrder {
    texts: Vec<Vec<u8>>,
    /// The key of each.
    keys: Vec<u128>,
}

/// Texts up to so many bytes are told apart by their keys alone.
const SHORT: usize = 12;

/// A number that orders as text does: its first bytes, then how many there are. Equal keys are equal texts, where these
/// are short.
fn key_of(text: &[u8]) -> u128 {
    let mut bytes = [0; 16];
    let first = text.len().min(SHORT);
    bytes[..first].copy_from_slice(&text[..first]);
    u128::from_be_bytes(bytes) | text.len().min(SHORT + 1) as u128
}

/// The key of a short text, which is in its view, after how long it is.
fn key_of_view(view: u128) -> Option<u128> {
    const LENGTH: u128 = u32::MAX as u128;
    let length = view & LENGTH;
    (length <= SHORT as u128).then(|| (view & !LENGTH).swap_bytes() << 32 | length)
}

impl TextOrder {
    fn new(texts: Vec<Vec<u8>>) -> Self {
        let keys = texts.iter().map(|text| key_of(text)).collect();
        TextOrder { texts, keys }
    }

    /// The place of a text: twice the number of texts before it, and one more where it is one of them.
    fn place(&self, text: &[u8]) -> u32 {
        let key = key_of(text);
        if text.len() <= SHORT {
            return self.place_of_short(key);
        }
        let first = self.before(key);
        let same = self.keys[first..].iter().take_while(|known| **known == key).count();
        match self.texts[first..first + same].binary_search_by(|known| known.as_slice().cmp(text)) {
            Ok(before) => 2 * (first + before) as u32 + 1,
            Err(before) => 2 * (first + before) as u32,
        }
    }

    fn place_of_short(&self, key: u128) -> u32 {
        let before = self.before(key);
        2 * before as u32 + u32::from(self.keys.get(before) == Some(&key))
    }

    fn before(&self, key: u128) -> usize {
        self.keys.partition_point(|known| *known < key)
    }
}

fn of_numbers(constants: &[i64], column: &ArrayRef) -> Vec<u32> {
    use DataType as T;
    match column.data_type() {
        T::Int32 => placed::<Int32Type>(constants, column, i64::from),
        T::Int64 => placed::<Int64Type>(constants, column, |number| number),
        T::UInt32 => placed::<UInt32Type>(constants, column, i64::from),
        T::UInt64 => placed::<UInt64Type>(constants, column, unsigned),
        T::Float32 => placed::<Float32Type>(constants, column, |number| float(f64::from(number))),
        T::Float64 => placed::<Float64Type>(constants, column, float),
        T::Date32 => placed::<Date32Type>(constants, column, i64::from),
        T::Timestamp(TimeUnit::Second, _) => {
            placed::<TimestampSecondType>(constants, column, |seconds| seconds.saturating_mul(1_000))
        }
        T::Timestamp(TimeUnit::Millisecond, _) => placed::<TimestampMillisecondType>(constants, column, |count| count),
        T::Timestamp(TimeUnit::Microsecond, _) => placed::<TimestampMicrosecondType>(constants, column, |count| count),
        T::Timestamp(TimeUnit::Nanosecond, _) => placed::<TimestampNanosecondType>(constants, column, |count| count),
        T::Boolean => {
            let classes = [class_of(constants, 0), class_of(constants, 1)];
            let class = |truth: Option<bool>| truth.map_or(NULL, |truth| classes[usize::from(truth)]);
            column.as_boolean().iter().map(class).collect()
        }
        // No question to numbers is asked of anything else.
        _ => vec![NULL; column.len()],
    }
}

/// Above all others is what is no number.
fn float(number: f64) -> i64 {
    ordered(number).unwrap_or(i64::MAX)
}

fn placed<T: ArrowPrimitiveType>(constants: &[i64], column: &ArrayRef, number: impl Fn(T::Native) -> i64) -> Vec<u32> {
    let values: &PrimitiveArray<T> = column.as_primitive();
    let rows = values.values().iter().map(|value| class_of(constants, number(*value)));
    match values.nulls() {
        None => rows.collect(),
        Some(nulls) => rows.zip(nulls.iter()).map(|(class, there)| if there { class } else { NULL }).collect(),
    }
}

fn class_of(constants: &[i64], number: i64) -> u32 {
    let before = constants.partition_point(|constant| *constant < number);
    let is_one = constants.get(before) == Some(&number);
    1 + 2 * before as u32 + u32::from(is_one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_text_is_after_as_many_constants_as_are_less(
            begin in "[ab]{0,2}|common begin|common beginning, ", constants in prop::collection::vec("[ab\0]{0,12}", 0..6),
            text in "[ab\0]{0,14}"
        ) {
            let text = if constants.len() % 2 == 0 { text } else { format!("{begin}{text}") };
            let mut constants: Vec<Vec<u8>> = constants.iter().map(|text| format!("{begin}{text}").into_bytes()).collect();
            constants.sort_unstable();
            constants.dedup();
            let order = TextOrder::new(constants.clone());
            for text in constants.iter().cloned().chain([text.into_bytes()]) {
                let less = constants.iter().filter(|constant| **constant < text).count();
                let place = (2 * less + usize::from(constants.contains(&text))) as u32;
                prop_assert_eq!(order.place(&text), place);
                let view = StringViewArray::from(vec![String::from_utf8_lossy(&text).as_ref()]).views()[0];
                prop_assert_eq!(key_of_view(view).map_or(place, |key| order.place_of_short(key)), place);
            }
        }
    }
}
