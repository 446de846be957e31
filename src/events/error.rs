//! What can be wrong with the input.

use std::path::{Path, PathBuf};

use super::source::delta::error::DeltaError;
use crate::storage::error::StorageError;

/// A problem with the input: its paths, its files, its columns or the condition over them. Each message
/// names the file or column and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A path that does not exist.
    #[error("{path:?} does not exist{}; check `input.path`", did_you_mean(nearest))]
    NoSuchPath {
        /// The path.
        path: PathBuf,
        /// The nearest name beside it.
        nearest: Option<PathBuf>,
    },
    /// A folder without a Parquet file.
    #[error(
        "the folder {path:?} has no *.parquet file (names that begin with _ or . are skipped); \
         check `input.path`, or name the files by a glob"
    )]
    NoParquet {
        /// The folder.
        path: PathBuf,
    },
    /// All files are in folders that the condition rules out.
    #[error("`{condition}` leaves no file to read: it rules out {}; check `input.where` (--where)", all_of(folders))]
    FoldersRuledOut {
        /// The condition.
        condition: String,
        /// What the folders are called.
        folders: Vec<String>,
    },
    /// A glob that cannot be read or matches nothing.
    #[error("the glob {pattern:?} cannot be used: {reason}; check `input.path`")]
    BadGlob {
        /// The glob.
        pattern: String,
        /// Why.
        reason: String,
    },
    /// A store, or an object in it.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A local path written as a URL.
    #[error("{path:?} is a URL; write it as a plain path: {plain}")]
    FileUrl {
        /// The URL.
        path: String,
        /// The path.
        plain: String,
    },
    /// A folder of a table format whose files mean something only together with its log.
    #[error(
        "{path:?} is a {format} table, which is not supported yet: its folder also holds files that the table has \
         deleted; export the current rows to plain Parquet and point `input.path` there"
    )]
    TableFormat {
        /// The folder.
        path: PathBuf,
        /// The format's name.
        format: &'static str,
    },
    /// A Delta table.
    #[error(transparent)]
    Delta(#[from] DeltaError),
    /// A part of a Delta table, or a folder with one in it.
    #[error(
        "{table:?} is a Delta Lake table, and `input.path` names a part of it or a folder around it: there are also files that the \
         table has removed; name the table itself in `input.path`: {}", table.display()
    )]
    PartOfTable {
        /// The table.
        table: PathBuf,
    },
    /// A link that leads nowhere.
    #[error("{path:?} is a link to {target:?}, which cannot be opened: {source}; mend the link, or remove it")]
    BrokenLink {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file or folder that cannot be opened.
    #[error("{path:?} cannot be opened: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is no Parquet, or not whole.
    #[error("{path:?} {problem}; write it again, or leave it out of `input.path`")]
    NotParquet {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file that is encrypted, or a part of it.
    #[error(
        "{path:?} is encrypted, and dwell takes no keys: write it again without encryption, or leave it out of \
         `input.path`"
    )]
    Encrypted {
        /// The file.
        path: PathBuf,
    },
    /// A file that is compressed as a whole.
    #[error(
        "{path:?} is compressed as a whole by {by}: a Parquet file is compressed page by page, inside; decompress it, \
         or leave it out of `input.path`"
    )]
    Compressed {
        /// The file.
        path: PathBuf,
        /// By what.
        by: &'static str,
    },
    /// A row group of other rows than it says.
    #[error(
        "{path:?} is damaged: row group {number} says that it has {told} rows, and {read} were read{}; write it \
         again, or leave it out of `input.path`",
        if read > told { " so far" } else { "" }
    )]
    RowsMissing {
        /// The file.
        path: PathBuf,
        /// Which row group, from 0.
        number: usize,
        /// The rows it says.
        told: u64,
        /// The rows that came.
        read: u64,
    },
    /// A file that breaks off or is damaged inside.
    #[error(
        "{path:?} cannot be read: {reason}; the file is damaged, or of a form that the reader does not know: \
         write it again, or leave it out of `input.path`"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        reason: String,
    },
    /// A file that is no longer the one whose footer was read.
    #[error("{path:?} changed while it was read; run again when nothing writes to the input any more")]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Reading failed, but each file by itself can be read.
    #[error("the input cannot be read: {reason}; if files changed during the run, run it again")]
    Unreadable {
        /// What the reader says.
        reason: String,
    },
    /// A column that no file has.
    #[error(
        "there is no column `{column}` ({key}){}; the columns are {}{way_out}",
        did_you_mean(nearest),
        columns.join(", ")
    )]
    NoColumn {
        /// The column.
        column: String,
        /// The key that names it.
        key: &'static str,
        /// The nearest column.
        nearest: Option<String>,
        /// The columns there are.
        columns: Vec<String>,
        /// What else to do.
        way_out: String,
    },
    /// A column whose type its role cannot take.
    #[error("the column `{column}` ({key}) is {found}, but {accepted}")]
    WrongType {
        /// The column.
        column: String,
        /// The key that names it.
        key: &'static str,
        /// Its type.
        found: String,
        /// What the role takes.
        accepted: String,
    },
    /// A column whose types in two files cannot be one.
    #[error(
        "the column `{column}` is {} in {first:?} but {} in {second:?}; \
         these cannot be one column: write one of the files again, or give them to separate runs{way_out}",
        types[0], types[1]
    )]
    TypesDiffer {
        /// The column.
        column: String,
        /// A file.
        first: PathBuf,
        /// Another file.
        second: PathBuf,
        /// Its type in the one, and in the other.
        types: Box<[String; 2]>,
        /// What else to do.
        way_out: &'static str,
    },
    /// A column that is a folder's for some files and inside of others.
    #[error(
        "the column `{column}` is in the path of {folder:?} but inside of {file:?}: move that file into a folder \
         `{column}=…`, too, or give them to separate runs"
    )]
    InFolderAndFile {
        /// The column.
        column: String,
        /// A file that has it only in its path.
        folder: PathBuf,
        /// A file that has it only inside.
        file: PathBuf,
    },
    /// A column of which a file has two.
    #[error("{path:?} has two columns that are called `{column}`; write it again under different names")]
    NamedTwice {
        /// The column.
        column: String,
        /// The file.
        path: PathBuf,
    },
    /// A time column of integers without a unit.
    #[error(
        "the time column `{column}` is {found}: say what it counts, with `input.time_unit` \
         (--time-unit) s, ms, us or ns"
    )]
    NoTimeUnit {
        /// The column.
        column: String,
        /// Its type.
        found: String,
    },
    /// A unit for times that have one.
    #[error("`input.time_unit` has no effect: the time column `{column}` is {found}, not an integer; remove it")]
    NeedlessTimeUnit {
        /// The column.
        column: String,
        /// Its type.
        found: String,
    },
    /// A condition of a chart or segment that cannot be understood.
    #[error("{of} cannot be understood: {reason}\n  {condition}{}", pointer(position))]
    ChartCondition {
        /// The chart or segment that asks for it.
        of: String,
        /// The condition.
        condition: String,
        /// What is wrong, with the position where it is known.
        reason: String,
        /// The column in the condition's only or first line, from 1.
        position: Option<usize>,
    },
    /// A condition of a chart or segment that fails on a value.
    #[error("{of} fails on values of {}: {reason}\n  {condition}", path.display())]
    ChartConditionFails {
        /// The chart or segment that asks for it.
        of: String,
        /// The condition.
        condition: String,
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with the value.
        reason: String,
    },
    /// A problem with the mapping of users: its paths, files or columns.
    #[error("{}", in_keys_of_aliases(source))]
    Aliases {
        /// The problem, as it would be one with the input.
        source: Box<InputError>,
    },
    /// A mapping that says of one name that it is several users.
    #[error(
        "`input.aliases` says of the name {name} in two rows that it is different users{}: keep one of the rows{}",
        if *at_one_time { ", both since one time" } else { "" },
        if *at_one_time { "" } else { ", or name the column of the times from when on they hold in `input.aliases.since`" }
    )]
    AliasesDiffer {
        /// The name.
        name: String,
        /// Whether the mapping has times.
        at_one_time: bool,
    },
    /// A time of a mapping that cannot be read.
    #[error("the column `{column}` (input.aliases.since) has values that are no times{}: mend them, or make them null, which is earlier than all", for_instance(value))]
    AliasTime {
        /// The column.
        column: String,
        /// One of them, where it can be shown.
        value: Option<String>,
    },
    /// More conditions than can be told apart.
    #[error("the {of} have {conditions} different conditions (`where`), and there is room for {most}; use fewer")]
    TooManyConditions {
        /// How many.
        conditions: usize,
        /// Of what.
        of: &'static str,
        /// How many there can be.
        most: usize,
    },
    /// What comes in is no Arrow IPC stream.
    #[error(
        "the standard input is no Arrow IPC stream: {what}; write record batches into it with the stream writer of an Arrow \
         library, as `pyarrow.ipc.new_stream` is"
    )]
    NoStream {
        /// What it is, or lacks.
        what: String,
    },
    /// A stream ends without saying that it does.
    #[error(
        "the stream of events on the standard input breaks off after {batches} whole batches and {rows} rows: whoever writes it was \
         stopped, or did not close it; nothing was made of it"
    )]
    StreamEnded {
        /// Whole batches that came.
        batches: usize,
        /// Their rows.
        rows: u64,
    },
    /// A batch of a stream that cannot be read.
    #[error(
        "batch {batch} of the stream of events on the standard input cannot be read: {reason}; nothing was made of it"
    )]
    StreamDamaged {
        /// Which one, from 1.
        batch: usize,
        /// Why.
        reason: String,
    },
    /// What a stream holds is asked before it has come.
    #[error("whether all numbers of the column `{column}` fit 64 bits is not known before the stream has been read")]
    Untold {
        /// The column.
        column: String,
    },
    /// A derived column whose name the input has.
    #[error(
        "`input.derive.{column}` has the name of a column of the input, or of a part of one: give it another name"
    )]
    DerivedTaken {
        /// The name.
        column: String,
    },
    /// Derived columns that are made of themselves.
    #[error("`input.derive` goes in a circle: {}; have one of them be made of columns of the input", circle(names))]
    DerivedCircle {
        /// Each is made of the next one, and the last is the first.
        names: Vec<String>,
    },
    /// A condition that cannot be understood.
    #[error("`input.where` cannot be understood: {reason}\n  {condition}{}", pointer(position))]
    Condition {
        /// The condition.
        condition: String,
        /// What is wrong, with the position where it is known.
        reason: String,
        /// The column in the condition's only or first line, from 1.
        position: Option<usize>,
    },
}

impl InputError {
    /// Of a link that cannot be followed.
    pub fn broken_link(path: &Path) -> Self {
        let target = std::fs::read_link(path).unwrap_or_default();
        let source = std::fs::metadata(path).err().unwrap_or_else(|| std::io::ErrorKind::NotFound.into());
        InputError::BrokenLink { path: path.to_path_buf(), target, source }
    }

    /// This error, of the condition that this key has: `` `where` of the segment "web" ``.
    pub fn asked_by(self, of: &str) -> Self {
        match self {
            InputError::Condition { condition, reason, position } => {
                InputError::ChartCondition { of: of.to_string(), condition, reason, position }
            }
            other => other,
        }
    }

    /// This error, of the mapping of users.
    pub fn of_aliases(self) -> Self {
        match self {
            known @ (InputError::Aliases { .. } | InputError::AliasesDiffer { .. } | InputError::AliasTime { .. }) => {
                known
            }
            other => InputError::Aliases { source: Box::new(other) },
        }
    }

    /// This error, of values of a file.
    pub fn of_values_in(self, path: &Path) -> Self {
        match self {
            InputError::Unreadable { reason } => InputError::Damaged { path: path.to_path_buf(), reason },
            other => other,
        }
    }

    /// Whether the command line or job is wrong, rather than a file.
    pub fn is_usage(&self) -> bool {
        match self {
            InputError::Storage(error) => return error.is_usage(),
            InputError::Aliases { source } => return source.is_usage(),
            InputError::Delta(error) => return error.is_usage(),
            _ => {}
        }
        !matches!(
            self,
            InputError::Open { .. }
                | InputError::BrokenLink { .. }
                | InputError::NotParquet { .. }
                | InputError::Encrypted { .. }
                | InputError::Compressed { .. }
                | InputError::RowsMissing { .. }
                | InputError::Damaged { .. }
                | InputError::Unreadable { .. }
                | InputError::Changed { .. }
                | InputError::StreamEnded { .. }
                | InputError::StreamDamaged { .. }
        )
    }
}

/// A message about the mapping of users, with its keys in place of those of events.
fn in_keys_of_aliases(error: &InputError) -> String {
    let text = error.to_string().replace("`input.path`", "`input.aliases.path`");
    let text = text.replace("the time column", "the column of `input.aliases.since`");
    text.replace("`input.time_unit` (--time-unit)", "`input.time_unit`")
        .replace("`input.time_unit`", "`input.aliases.since_unit`")
}

fn circle(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(" is made of ")
}

fn for_instance(value: &Option<String>) -> String {
    value.as_ref().map(|value| format!(", for instance {value:?}")).unwrap_or_default()
}

fn all_of(folders: &[String]) -> String {
    match folders {
        [one] => format!("the only folder of the input, {one}"),
        [first, .., last] => format!("all {} folders of the input, from {first} to {last}", folders.len()),
        [] => "all folders of the input".to_string(),
    }
}

fn did_you_mean<T: std::fmt::Debug>(nearest: &Option<T>) -> String {
    nearest.as_ref().map(|near| format!("; did you mean {near:?}?")).unwrap_or_default()
}

fn pointer(position: &Option<usize>) -> String {
    position.map(|column| format!("\n  {}^", " ".repeat(column.saturating_sub(1)))).unwrap_or_default()
}
