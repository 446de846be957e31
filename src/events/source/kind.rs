//! What a column holds, as far as roles and conditions care.

use arrow::datatypes::{DataType, TimeUnit as ArrowUnit};

use crate::events::decode::decoded::item;
use crate::job::TimeUnit;

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text, plain or by dictionary.
    Text,
    /// Bytes that may be text.
    Binary,
    /// Sixteen bytes.
    Uuid,
    /// Integers up to 64 bits that fit a signed one.
    Int,
    /// 64-bit unsigned integers.
    UInt64,
    /// Floating values.
    Float,
    /// Decimal numbers with so many digits after the point.
    Decimal(u8),
    /// Truth values.
    Boolean,
    /// Dates.
    Date,
    /// Instants, or times without a zone, which are UTC.
    Timestamp(TimeUnit),
    /// Nothing but nulls.
    Null,
    /// A scalar taken out of JSON text: text, or a number where a number is needed.
    Json,
    /// Values of several types, or numbers of more digits than any type of numbers has: as with JSON, text, or a number
    /// where a number is needed.
    Mixed,
    /// Named fields.
    Struct(Vec<(String, Kind)>),
    /// Values by key.
    Map(Box<Kind>),
    /// Anything else, by its name.
    Other(String),
}

impl Kind {
    /// What values of an arrow type hold.
    pub fn of(data_type: &DataType) -> Kind {
        use DataType as T;
        match data_type {
            T::Utf8 | T::LargeUtf8 | T::Utf8View => Kind::Text,
            T::Dictionary(_, values) => Kind::of(values),
            T::Binary | T::LargeBinary | T::BinaryView => Kind::Binary,
            T::FixedSizeBinary(16) => Kind::Uuid,
            T::FixedSizeBinary(_) => Kind::Binary,
            T::Decimal32(_, scale) | T::Decimal64(_, scale) | T::Decimal128(_, scale) => {
                Kind::Decimal(u8::try_from(*scale).unwrap_or(0))
            }
            T::Decimal256(..) => Kind::Mixed,
            T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 => Kind::Int,
            T::UInt64 => Kind::UInt64,
            T::Float16 | T::Float32 | T::Float64 => Kind::Float,
            T::Boolean => Kind::Boolean,
            T::Date32 => Kind::Date,
            T::Timestamp(unit, _) => Kind::Timestamp(match unit {
                ArrowUnit::Second => TimeUnit::Seconds,
                ArrowUnit::Millisecond => TimeUnit::Millis,
                ArrowUnit::Microsecond => TimeUnit::Micros,
                ArrowUnit::Nanosecond => TimeUnit::Nanos,
            }),
            T::Null => Kind::Null,
            T::Struct(fields) => {
                Kind::Struct(fields.iter().map(|field| (field.name().clone(), Kind::of(field.data_type()))).collect())
            }
            T::Map(entries, _) => match entries.data_type() {
                T::Struct(fields) if fields.len() == 2 && Kind::of(fields[0].data_type()).is_key() => {
                    Kind::Map(Box::new(Kind::of(fields[1].data_type())))
                }
                other => Kind::Other(format!("Map({other})")),
            },
            other => {
                let entries = item(other).and_then(|entry| Kind::of_entries(entry.data_type()));
                entries.unwrap_or_else(|| Kind::Other(other.to_string()))
            }
        }
    }

    /// What a list of structs holds by key, where they have a key and a value.
    fn of_entries(entry: &DataType) -> Option<Kind> {
        let DataType::Struct(fields) = entry else { return None };
        let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
        let (key, value) = key_and_value(&names)?;
        Kind::of(fields[key].data_type()).is_key().then(|| Kind::Map(Box::new(Kind::of(fields[value].data_type()))))
    }

    /// Whether values can be asked for by such a key.
    fn is_key(&self) -> bool {
        matches!(self, Kind::Text | Kind::Binary | Kind::Int | Kind::UInt64)
    }

    /// The type of a column that has this type in one file and another in the next, where there is one:
    /// integers widen, time units unify, nulls are anything.
    pub fn unify(&self, other: &Kind) -> Option<Kind> {
        self.unify_or(other, &|_, _| None)
    }

    /// As [`Kind::unify`], where what may be an id is one as text, whatever it is in each file.
    pub fn unify_ids(&self, other: &Kind) -> Option<Kind> {
        self.unify_or(other, &|a, b| (a.is_id() && b.is_id()).then_some(Kind::Text))
    }

    fn unify_or(&self, other: &Kind, last: &dyn Fn(&Kind, &Kind) -> Option<Kind>) -> Option<Kind> {
        use Kind as K;
        Some(match (self, other) {
            (a, b) if a == b => a.clone(),
            (K::Null, kind) | (kind, K::Null) => kind.clone(),
            // Unsigned numbers may be larger than others of their size.
            (K::Int, K::UInt64) | (K::UInt64, K::Int) => K::UInt64,
            (K::Int | K::UInt64, K::Decimal(0)) | (K::Decimal(0), K::Int | K::UInt64) => K::Decimal(0),
            (K::Decimal(a), K::Decimal(b)) => K::Decimal(*a.max(b)),
            (K::Decimal(_), K::Mixed) | (K::Mixed, K::Decimal(_)) => K::Mixed,
            (K::Int, K::Float) | (K::Float, K::Int) => K::Float,
            (K::Text, K::Binary) | (K::Binary, K::Text) => K::Text,
            (K::Timestamp(_), K::Timestamp(_)) => K::Timestamp(TimeUnit::Micros),
            (K::Map(a), K::Map(b)) => K::Map(Box::new(a.unify_or(b, last)?)),
            (K::Struct(a), K::Struct(b)) => {
                let mut fields = a.clone();
                for (name, kind) in b {
                    match fields.iter_mut().find(|(known, _)| known == name) {
                        Some((_, known)) => *known = known.unify_or(kind, last)?,
                        None => fields.push((name.clone(), kind.clone())),
                    }
                }
                K::Struct(fields)
            }
            (a, b) => return last(a, b),
        })
    }

    /// Whether values may be ids.
    pub fn is_id(&self) -> bool {
        self.is_whole() || self.is_text_or_number() || matches!(self, Kind::Text | Kind::Binary | Kind::Uuid)
    }

    /// Whether values are text, or numbers where numbers are needed.
    pub fn is_text_or_number(&self) -> bool {
        matches!(self, Kind::Json | Kind::Mixed)
    }

    /// Whether values are numbers that are whole, or can be.
    pub fn is_whole(&self) -> bool {
        matches!(self, Kind::Int | Kind::UInt64 | Kind::Float | Kind::Decimal(0))
    }

    /// Whether values are single ones that can be written as text.
    pub fn is_scalar(&self) -> bool {
        !matches!(self, Kind::Struct(_) | Kind::Map(_) | Kind::Other(_))
    }

    /// The type in words that people use.
    pub fn in_words(&self) -> String {
        let Kind::Other(name) = self else { return self.name() };
        let words = [
            ("Time", "a time of day"),
            ("Duration", "a duration"),
            ("Interval", "an interval"),
            ("Map", "a map whose keys are no text"),
            ("List", "a list"),
            ("LargeList", "a list"),
        ];
        let known = words.iter().find(|(beginning, _)| name.starts_with(beginning));
        known.map_or_else(|| name.clone(), |(_, words)| words.to_string())
    }

    /// The type in words, for the definition.
    pub fn name(&self) -> String {
        match self {
            Kind::Text => "text".to_string(),
            Kind::Binary => "binary".to_string(),
            Kind::Uuid => "UUID".to_string(),
            Kind::Int => "integer".to_string(),
            Kind::UInt64 => "unsigned 64-bit integer".to_string(),
            Kind::Float => "floating".to_string(),
            Kind::Decimal(_) => "decimal".to_string(),
            Kind::Boolean => "boolean".to_string(),
            Kind::Date => "date".to_string(),
            Kind::Timestamp(_) => "timestamp".to_string(),
            Kind::Null => "null".to_string(),
            Kind::Json => "a value in JSON text".to_string(),
            Kind::Mixed => "text or a number".to_string(),
            Kind::Struct(_) => "a struct".to_string(),
            Kind::Map(_) => "a map".to_string(),
            Kind::Other(name) => name.clone(),
        }
    }
}

/// Which of the fields of an entry has its key, and which its value.
pub fn key_and_value(fields: &[&str]) -> Option<(usize, usize)> {
    let place = |name: &str| fields.iter().position(|field| *field == name);
    Some((place("key").or_else(|| place("name"))?, place("value")?))
}
