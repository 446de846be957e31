//! What a column holds, as far as roles and conditions care.

use arrow::datatypes::{DataType, TimeUnit as ArrowUnit};

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
    /// Decimal fractions.
    Decimal,
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
            T::Decimal32(..) | T::Decimal64(..) | T::Decimal128(..) => Kind::Decimal,
            T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 => Kind::Int,
            T::UInt64 => Kind::UInt64,
            T::Float32 | T::Float64 => Kind::Float,
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
                T::Struct(fields) if fields.len() == 2 => Kind::Map(Box::new(Kind::of(fields[1].data_type()))),
                other => Kind::Other(other.to_string()),
            },
            other => Kind::Other(other.to_string()),
        }
    }

    /// The type of a column that has this type in one file and another in the next, where there is one:
    /// integers widen, time units unify, nulls are anything.
    pub fn unify(&self, other: &Kind) -> Option<Kind> {
        use Kind as K;
        Some(match (self, other) {
            (a, b) if a == b => a.clone(),
            (K::Null, kind) | (kind, K::Null) => kind.clone(),
            (K::Int, K::UInt64) | (K::UInt64, K::Int) => K::Int,
            (K::Int, K::Float) | (K::Float, K::Int) => K::Float,
            (K::Text, K::Binary) | (K::Binary, K::Text) => K::Text,
            (K::Timestamp(_), K::Timestamp(_)) => K::Timestamp(TimeUnit::Micros),
            (K::Map(a), K::Map(b)) => K::Map(Box::new(a.unify(b)?)),
            (K::Struct(a), K::Struct(b)) => {
                let mut fields = a.clone();
                for (name, kind) in b {
                    match fields.iter_mut().find(|(known, _)| known == name) {
                        Some((_, known)) => *known = known.unify(kind)?,
                        None => fields.push((name.clone(), kind.clone())),
                    }
                }
                K::Struct(fields)
            }
            _ => return None,
        })
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
            ("Float16", "a number of half precision"),
            ("List", "a list"),
            ("LargeList", "a list"),
            ("FixedSizeList", "a list"),
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
            Kind::Decimal => "decimal".to_string(),
            Kind::Boolean => "boolean".to_string(),
            Kind::Date => "date".to_string(),
            Kind::Timestamp(_) => "timestamp".to_string(),
            Kind::Null => "null".to_string(),
            Kind::Json => "a value in JSON text".to_string(),
            Kind::Struct(_) => "a struct".to_string(),
            Kind::Map(_) => "a map".to_string(),
            Kind::Other(name) => name.clone(),
        }
    }
}
