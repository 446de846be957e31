//! The smallest and the largest value of a column in a row group, as far as its statistics can be trusted.
//!
//! Writers have left wrong ones in files for years: ordered as signed where values are not, with NaN as a bound, with
//! the larger one first. A row group is skipped by them, so those that may be wrong say nothing: whoever asks for a
//! [`Range`] gets one that holds, or none.

use arrow::datatypes::{DataType, TimeUnit as ArrowUnit};
use parquet::basic::{ColumnOrder, ConvertedType, LogicalType, SortOrder, TimeUnit, Type};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::statistics::Statistics;

/// The smallest and the largest value of a column in a row group, neither of them null: the first is never above the
/// second.
#[derive(Clone, Debug, PartialEq)]
pub enum Range {
    /// Integers, dates and times, in the unit of the file.
    Int(i64, i64),
    /// Unsigned integers of 64 bits.
    UInt(u64, u64),
    /// Floating values. NaN, which is above all others, may be there as well.
    Float(f64, f64),
    /// Text and bytes; the bounds may be cut short, so they hold, but need not be values.
    Bytes(Vec<u8>, Vec<u8>),
}

impl Range {
    /// The range of a column in a row group, by the number of the row group and of the leaf. `decoded` is what its
    /// values are decoded as: bounds that are of another order say nothing.
    pub fn of(metadata: &ParquetMetaData, row_group: usize, leaf: usize, decoded: &DataType) -> Option<Range> {
        let column = metadata.row_group(row_group).column(leaf);
        let order = metadata.file_metadata().column_orders().and_then(|orders| orders.get(leaf));
        let is_in_order_of_type = match order {
            None | Some(ColumnOrder::UNDEFINED) => false,
            Some(ColumnOrder::TYPE_DEFINED_ORDER(_) | ColumnOrder::IEEE_754_TOTAL_ORDER) => true,
            Some(_) => return None,
        };
        Written { column, statistics: column.statistics()?, is_in_order_of_type }.range(decoded)
    }

    fn ints(min: i64, max: i64) -> Option<Range> {
        (min <= max).then_some(Range::Int(min, max))
    }

    fn unsigned(min: u64, max: u64) -> Option<Range> {
        (min <= max).then_some(Range::UInt(min, max))
    }

    /// NaN is not `<=` anything. The two zeros are equal, so it does not matter which one a bound is.
    fn floats(min: f64, max: f64) -> Option<Range> {
        (min <= max).then_some(Range::Float(min, max))
    }

    fn bytes(min: &[u8], max: &[u8]) -> Option<Range> {
        (min <= max).then(|| Range::Bytes(min.to_vec(), max.to_vec()))
    }
}

/// The statistics of a column in a row group, as they are in the footer.
struct Written<'a> {
    column: &'a ColumnChunkMetaData,
    statistics: &'a Statistics,
    is_in_order_of_type: bool,
}

impl Written<'_> {
    fn range(&self, decoded: &DataType) -> Option<Range> {
        use DataType as T;
        match decoded {
            T::Int8 => self.signed_within(i64::from(i8::MIN), i64::from(i8::MAX)),
            T::Int16 => self.signed_within(i64::from(i16::MIN), i64::from(i16::MAX)),
            T::Int32 => self.signed_within(i64::from(i32::MIN), i64::from(i32::MAX)),
            T::Int64 => self.signed_within(i64::MIN, i64::MAX),
            T::UInt8 => self.small_unsigned(u64::from(u8::MAX)),
            T::UInt16 => self.small_unsigned(u64::from(u16::MAX)),
            T::UInt32 => self.small_unsigned(u64::from(u32::MAX)),
            T::UInt64 => self.unsigned().and_then(|(min, max)| Range::unsigned(min, max)),
            T::Date32 if self.column.column_type() == Type::INT32 => self.signed_within(i64::MIN, i64::MAX),
            T::Timestamp(unit, _) if self.has_unit(*unit) => self.signed_within(i64::MIN, i64::MAX),
            T::Float32 | T::Float64 => self.floats(),
            T::Utf8 | T::LargeUtf8 | T::Utf8View | T::Binary | T::LargeBinary | T::BinaryView => self.bytes(),
            T::FixedSizeBinary(_) => self.bytes(),
            _ => None,
        }
    }

    /// Integers in signed order, which is also the one that deprecated bounds are in. Bounds that the type has no room
    /// for say nothing.
    fn signed_within(&self, least: i64, most: i64) -> Option<Range> {
        let (min, max) = match self.statistics {
            _ if self.column.column_descr().sort_order() != SortOrder::SIGNED => return None,
            Statistics::Int32(values) => (i64::from(*values.min_opt()?), i64::from(*values.max_opt()?)),
            Statistics::Int64(values) => (*values.min_opt()?, *values.max_opt()?),
            _ => return None,
        };
        Range::ints(min, max).filter(|_| least <= min && max <= most)
    }

    /// Unsigned integers: the file has them as signed ones of the same bits.
    fn unsigned(&self) -> Option<(u64, u64)> {
        if self.column.column_descr().sort_order() != SortOrder::UNSIGNED || !self.is_new() {
            return None;
        }
        match self.statistics {
            Statistics::Int32(values) => {
                Some((u64::from(*values.min_opt()? as u32), u64::from(*values.max_opt()? as u32)))
            }
            Statistics::Int64(values) => Some((*values.min_opt()? as u64, *values.max_opt()? as u64)),
            _ => None,
        }
    }

    fn small_unsigned(&self, most: u64) -> Option<Range> {
        let (min, max) = self.unsigned().filter(|(_, max)| *max <= most)?;
        Range::ints(min as i64, max as i64)
    }

    fn floats(&self) -> Option<Range> {
        match self.statistics {
            Statistics::Float(values) => Range::floats(f64::from(*values.min_opt()?), f64::from(*values.max_opt()?)),
            Statistics::Double(values) => Range::floats(*values.min_opt()?, *values.max_opt()?),
            _ => None,
        }
    }

    fn bytes(&self) -> Option<Range> {
        // Decimals and intervals are bytes in another order.
        if self.column.column_descr().sort_order() != SortOrder::UNSIGNED || !self.is_new() {
            return None;
        }
        match self.statistics {
            Statistics::ByteArray(values) => Range::bytes(values.min_opt()?.data(), values.max_opt()?.data()),
            Statistics::FixedLenByteArray(values) => {
                let whole = |bytes: &&[u8]| i32::try_from(bytes.len()) == Ok(self.column.column_descr().type_length());
                let (min, max) = (values.min_opt()?.data(), values.max_opt()?.data());
                Range::bytes(Some(min).filter(whole)?, Some(max).filter(whole)?)
            }
            _ => None,
        }
    }

    /// Whether bounds are in the order of the type: the deprecated ones are in signed order, whatever the type, and
    /// where the file does not say which order they are in, they are in any.
    fn is_new(&self) -> bool {
        self.is_in_order_of_type && !self.statistics.is_min_max_deprecated()
    }

    /// Whether times count such units in the file, too.
    fn has_unit(&self, unit: ArrowUnit) -> bool {
        if self.column.column_type() != Type::INT64 {
            return false;
        }
        let descriptor = self.column.column_descr();
        let written = match (descriptor.logical_type_ref(), descriptor.converted_type()) {
            (Some(LogicalType::Timestamp(time)), _) => match time.unit {
                TimeUnit::MILLIS => ArrowUnit::Millisecond,
                TimeUnit::MICROS => ArrowUnit::Microsecond,
                TimeUnit::NANOS => ArrowUnit::Nanosecond,
            },
            (Some(_), _) => return false,
            (None, ConvertedType::TIMESTAMP_MILLIS) => ArrowUnit::Millisecond,
            (None, ConvertedType::TIMESTAMP_MICROS) => ArrowUnit::Microsecond,
            // Parquet has no seconds: they are plain integers.
            (None, converted) => return converted == ConvertedType::NONE && unit == ArrowUnit::Second,
        };
        written == unit
    }
}
