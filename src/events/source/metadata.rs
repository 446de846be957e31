//! The footer of a file as it can be relied on: looked at before the Parquet reader goes by it, and mended where writers
//! are known to have it wrong.

use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader,
    ParquetStatisticsPolicy, RowGroupMetaData,
};
use parquet::file::FOOTER_SIZE;

use super::annotated::text_as_strings;
use super::thrift::{Next, Thrift, Type, Written};
use crate::storage::read_at::ReadAt;

/// Groups inside each other in a schema, at most: each takes a piece of the stack of whoever walks through them.
pub const MOST_INSIDE: usize = 100;
/// How a footer ends that can be read, and one that is encrypted.
const MAGIC: &[u8] = b"PAR1";
const MAGIC_ENCRYPTED: &[u8] = b"PARE";
/// Bytes of the head of a page, at most, where only its pages tell how long a column is.
const HEAD_BYTES: u64 = 1 << 10;
/// Bytes of the head of a dictionary page, at most.
const DICTIONARY_HEAD_BYTES: u64 = 100;

/// Why a footer cannot be relied on.
#[derive(Debug)]
pub enum FooterFault {
    /// It cannot be read from the disk.
    Io(std::io::Error),
    /// The file, or a part of it, is encrypted.
    Encrypted,
    /// Its schema has too many groups inside each other.
    TooDeep,
    /// It is none.
    Unreadable(ParquetError),
}

impl From<std::io::Error> for FooterFault {
    fn from(error: std::io::Error) -> Self {
        FooterFault::Io(error)
    }
}

impl From<ParquetError> for FooterFault {
    fn from(error: ParquetError) -> Self {
        FooterFault::Unreadable(error)
    }
}

impl From<FooterFault> for ParquetError {
    fn from(fault: FooterFault) -> Self {
        match fault {
            FooterFault::Io(error) => error.into(),
            FooterFault::Encrypted => ParquetError::General("it is encrypted".to_string()),
            FooterFault::TooDeep => ParquetError::General("its schema is too deep".to_string()),
            FooterFault::Unreadable(error) => error,
        }
    }
}

/// The bytes of a footer.
///
/// # Errors
/// The file cannot be read, or does not end as a Parquet file.
pub fn footer_bytes(file: &dyn ReadAt) -> Result<Vec<u8>, FooterFault> {
    let bad = |reason: &str| FooterFault::Unreadable(ParquetError::General(reason.to_string()));
    let end = file.size()?;
    let Some(tail) = end.checked_sub(FOOTER_SIZE as u64) else { return Err(bad("it is too short for one")) };
    let length_and_magic = file.read_at(tail, FOOTER_SIZE as u64)?;
    let Some((length, magic)) = length_and_magic.split_first_chunk() else {
        return Err(bad("it ends while it is read"));
    };
    match magic {
        MAGIC => {}
        MAGIC_ENCRYPTED => return Err(FooterFault::Encrypted),
        _ => return Err(bad("the file does not end with PAR1")),
    }
    let length = u64::from(u32::from_le_bytes(*length));
    let Some(start) = tail.checked_sub(length) else { return Err(bad("it would be longer than the file")) };
    Ok(file.read_at(start, length)?)
}

/// Reads the footer of a file.
///
/// # Errors
/// As [`footer_bytes`]; a footer that is damaged, or a schema of more groups inside each other than there is stack for.
pub fn read_metadata(file: &dyn ReadAt) -> Result<ParquetMetaData, FooterFault> {
    metadata_of(file, &footer_bytes(file)?, None)
}

/// What a footer says, that consists of these bytes.
///
/// # Errors
/// As [`read_metadata`].
pub fn metadata_of(
    file: &dyn ReadAt,
    bytes: &[u8],
    options: Option<&ParquetMetaDataOptions>,
) -> Result<ParquetMetaData, FooterFault> {
    let outline = Outline::of(bytes).ok_or_else(|| ParquetError::General("it is damaged".to_string()))?;
    if outline.is_encrypted {
        return Err(FooterFault::Encrypted);
    }
    outline.check()?;
    let decode = |bytes: &[u8], options| ParquetMetaDataReader::decode_metadata_with_options(bytes, options);
    // Statistics that cannot be read, such as bounds of too few bytes, say nothing.
    let without = ParquetMetaDataOptions::new().with_column_stats_policy(ParquetStatisticsPolicy::SkipAll);
    let metadata = decode(bytes, options)
        .or_else(|error| decode(bytes, Some(&without)).map_err(|_| error))
        .or_else(|error| decode(&with_known_fields(bytes).ok_or(error)?, options))?;
    Ok(text_as_strings(mended(file, metadata)?)?)
}

/// What is looked at of a footer before it is read.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outline {
    /// Whether some of the file's columns are encrypted.
    is_encrypted: bool,
    /// The fields of each element of the schema.
    fields: Vec<u64>,
}

impl Outline {
    /// `None` where it is no footer.
    fn of(bytes: &[u8]) -> Option<Self> {
        let mut thrift = Thrift::of(bytes);
        let mut outline = Outline::default();
        let mut last = 0;
        while let Next::Field(field, of_type) = thrift.next(last)? {
            match field {
                2 if of_type == Type::LIST => outline.fields = fields_of_schema(&mut thrift)?,
                _ => thrift.skip(of_type)?,
            }
            outline.is_encrypted |= field == 8;
            last = field;
        }
        Some(outline)
    }

    /// Makes sure that a schema is no deeper than the stack, and has all that it says.
    fn check(&self) -> Result<(), FooterFault> {
        // How many fields are still to come of each group that is open.
        let mut open: Vec<u64> = Vec::new();
        for (place, fields) in self.fields.iter().enumerate() {
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
            if *fields > (self.fields.len() - place - 1) as u64 {
                return Err(ParquetError::General("its schema lacks fields that it counts".to_string()).into());
            }
            open.push(*fields);
            // The root is no group of its own.
            if open.len() > MOST_INSIDE + 2 {
                return Err(FooterFault::TooDeep);
            }
            while open.last() == Some(&0) {
                open.pop();
            }
        }
        Ok(())
    }
}

/// How many fields each element of a schema has.
fn fields_of_schema(thrift: &mut Thrift<'_>) -> Option<Vec<u64>> {
    let (of_type, count) = thrift.list()?;
    let mut fields = Vec::with_capacity(count);
    for _ in 0..count {
        if of_type != Type::STRUCT {
            return None;
        }
        let (mut own, mut last) = (0, 0);
        while let Next::Field(field, of_type) = thrift.next(last)? {
            match field {
                5 if of_type.is_i32() => own = u64::try_from(thrift.integer()?).ok()?,
                _ => thrift.skip(of_type)?,
            }
            last = field;
        }
        fields.push(own);
    }
    Some(fields)
}

/// The types of the fields of a column's metadata, from the first one.
const OF_COLUMN: [Type; 17] = {
    use Type as T;
    [
        T::I32,
        T::LIST,
        T::LIST,
        T::I32,
        T::I64,
        T::I64,
        T::I64,
        T::LIST,
        T::I64,
        T::I64,
        T::I64,
        T::STRUCT,
        T::LIST,
        T::I64,
        T::I32,
        T::STRUCT,
        T::STRUCT,
    ]
};

/// A struct of a footer on the way to the metadata of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    File,
    RowGroup,
    Chunk,
    Column,
}

impl Level {
    /// What a field has in it, where it is on the way.
    fn inside(self, field: i16) -> Option<(Level, Type)> {
        match (self, field) {
            (Level::File, 4) => Some((Level::RowGroup, Type::LIST)),
            (Level::RowGroup, 1) => Some((Level::Chunk, Type::LIST)),
            (Level::Chunk, 3) => Some((Level::Column, Type::STRUCT)),
            _ => None,
        }
    }

    /// Whether a field is one that a writer has of its own, under a number that has come to mean something else.
    fn is_strange(self, field: i16, of_type: Type) -> bool {
        let place = usize::try_from(field).ok().and_then(|field| field.checked_sub(1));
        let known = place.and_then(|place| OF_COLUMN.get(place));
        self == Level::Column && known.is_some_and(|known| *known != of_type)
    }
}

/// A footer without the fields of columns that are of another type than they are known to be; `None` where there is no
/// such field.
fn with_known_fields(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut known = Written::default();
    let mut left_out = 0;
    copy_known(&mut Thrift::of(bytes), &mut known, Level::File, &mut left_out)?;
    (left_out > 0).then_some(known.0)
}

fn copy_known(from: &mut Thrift<'_>, to: &mut Written, level: Level, left_out: &mut usize) -> Option<()> {
    let mut last = 0;
    while let Next::Field(field, of_type) = from.next(last)? {
        last = field;
        if level.is_strange(field, of_type) {
            *left_out += 1;
            from.skip(of_type)?;
            continue;
        }
        to.field(field, of_type);
        match level.inside(field).filter(|(_, as_known)| *as_known == of_type) {
            Some((inner, Type::LIST)) => {
                let (of_type, count) = from.list().filter(|(of_type, _)| *of_type == Type::STRUCT)?;
                to.list(of_type, count);
                (0..count).try_for_each(|_| copy_known(from, to, inner, left_out))?;
            }
            Some((inner, _)) => copy_known(from, to, inner, left_out)?,
            None => {
                let before = *from;
                from.skip(of_type)?;
                to.0.extend_from_slice(from.since(&before));
            }
        }
    }
    to.end();
    Some(())
}

/// A footer as its writer meant it.
fn mended(file: &dyn ReadAt, metadata: ParquetMetaData) -> Result<ParquetMetaData, ParquetError> {
    let told = metadata.file_metadata();
    let rows: i64 = metadata.row_groups().iter().fold(0, |sum, group| sum.saturating_add(group.num_rows()));
    let forgets_heads = told.created_by().is_some_and(forgets_heads_of_dictionaries);
    let has_no_dictionary = |column: &ColumnChunkMetaData| {
        column.dictionary_page_offset().is_some_and(|dictionary| !(1..column.data_page_offset()).contains(&dictionary))
    };
    let mut columns = metadata.row_groups().iter().flat_map(RowGroupMetaData::columns);
    if rows == told.num_rows() && !forgets_heads && !columns.any(has_no_dictionary) {
        return Ok(metadata);
    }
    let (version, created_by) = (told.version(), told.created_by().map(str::to_string));
    let (key_values, orders) = (told.key_value_metadata().cloned(), told.column_orders().cloned());
    // The reader takes no more rows at once than the file has, by its own count.
    let told = FileMetaData::new(version, rows, created_by, key_values, told.schema_descr_ptr(), orders);
    let mut groups = metadata.into_builder().take_row_groups();
    for column in groups.iter_mut().flat_map(RowGroupMetaData::columns_mut) {
        if has_no_dictionary(column) {
            *column = column.clone().into_builder().set_dictionary_page_offset(None).build()?;
        }
        if forgets_heads {
            let size = size_of_pages(file, column).unwrap_or(column.compressed_size());
            *column = column.clone().into_builder().set_total_compressed_size(size).build()?;
        }
    }
    Ok(ParquetMetaData::new(told, groups))
}

/// Whether a writer leaves the head of a dictionary page out of a column's size: parquet-mr did before 1.2.9.
fn forgets_heads_of_dictionaries(created_by: &str) -> bool {
    let Some(version) = created_by.strip_prefix("parquet-mr") else { return false };
    let Some(version) = version.trim().strip_prefix("version ") else { return version.trim().is_empty() };
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().unwrap_or(0_u32));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next()) < (1, 2, 9)
}

/// The bytes of the pages of a column, by their heads; `None` where these
/// cannot be read, or tell of something else.
fn size_of_pages(file: &dyn ReadAt, column: &ColumnChunkMetaData) -> Option<i64> {
    let (start, size) = column.byte_range();
    let (mut at, mut left) = (start, column.num_values());
    while left > 0 && at < start + size {
        let head = file.read_at(at, HEAD_BYTES).ok()?;
        let page = PageHead::of(&head)?;
        at += page.head_bytes + u64::try_from(page.compressed).ok()?;
        left -= page.values.filter(|_| !page.is_dictionary).unwrap_or(0);
    }
    let is_right = left == 0 && (size..=size + DICTIONARY_HEAD_BYTES).contains(&(at - start));
    i64::try_from(at - start).ok().filter(|_| is_right)
}

/// What the head of a page says first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageHead {
    /// Bytes of the head itself.
    pub head_bytes: u64,
    /// Bytes of the page, decompressed.
    pub uncompressed: i64,
    /// Bytes of the page as it is in the file.
    pub compressed: i64,
    /// How many values it has, where it says so.
    pub values: Option<i64>,
    /// Whether it is a dictionary.
    pub is_dictionary: bool,
}

impl PageHead {
    /// From the first bytes of a page; `None` where they are no head.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let mut thrift = Thrift::of(bytes);
        let mut head = PageHead::default();
        let mut last = 0;
        while let Next::Field(field, of_type) = thrift.next(last)? {
            match field {
                2 if of_type.is_i32() => head.uncompressed = thrift.integer()?,
                3 if of_type.is_i32() => head.compressed = thrift.integer()?,
                // Of a page of values, a dictionary, and a page of the second version: the count of values is first.
                5 | 7 | 8 if of_type == Type::STRUCT => {
                    head.is_dictionary = field == 7;
                    let mut inner = thrift;
                    if let Next::Field(1, of_type) = inner.next(0)? {
                        head.values = if of_type.is_i32() { inner.integer() } else { None };
                    }
                    thrift.skip(of_type)?;
                }
                _ => thrift.skip(of_type)?,
            }
            last = field;
        }
        head.head_bytes = (bytes.len() - thrift.left()) as u64;
        Some(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writers_that_forget_heads_of_dictionaries_are_known_by_their_names() {
        for (created_by, forgets) in [
            ("parquet-mr", true),
            ("parquet-mr version 1.2.8", true),
            ("parquet-mr version 1.2.9 (build x)", false),
            ("parquet-mr version 1.12.0-2018", false),
            ("parquet-mr compatible", false),
            ("parquet-cpp version 1.0.0", false),
            ("", false),
        ] {
            assert_eq!(forgets_heads_of_dictionaries(created_by), forgets, "{created_by:?}");
        }
    }

    fn checked(fields: Vec<u64>) -> Result<(), String> {
        let outline = Outline { is_encrypted: false, fields };
        outline.check().map_err(|fault| ParquetError::from(fault).to_string())
    }

    #[test]
    fn schemas_are_as_deep_and_as_wide_as_they_say() {
        assert_eq!(checked(vec![0]), Ok(()));
        assert_eq!(checked(vec![2, 0, 1, 0]), Ok(()));
        let nested = |groups: usize| [vec![1; groups + 1], vec![0]].concat();
        assert_eq!(checked(nested(MOST_INSIDE)), Ok(()));
        assert!(checked(nested(MOST_INSIDE + 1)).is_err_and(|error| error.contains("too deep")));
        let beside: Vec<u64> = [vec![5_000], [1, 0].repeat(5_000)].concat();
        assert_eq!(checked(beside), Ok(()));
        for lacking in [vec![1], vec![3, 0, 0], vec![1 << 31, 0], vec![u64::MAX]] {
            assert!(checked(lacking).is_err_and(|error| error.contains("lacks fields")));
        }
    }
}
