//! Which columns there are over all files, and what a name in a job means (SPEC 1).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::delta::table_file::TableView;
use super::footer::Footer;
use super::input_file::{folder_kinds, FolderKinds};
use super::kind::Kind;
use crate::events::error::InputError;
use crate::events::normalise::unread::Unread;
use crate::job::derived::Expressions;
use crate::stats::nearest::nearest;

/// A column as a job names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnRef {
    /// The name as the job spells it.
    pub spelled: String,
    /// Where its values come from.
    pub source: Source,
    /// What it holds over all files.
    pub kind: Kind,
    /// What could not be read of it.
    pub unread: Unread,
    /// The expressions of the derived columns that it is, or is made of; none of a column of the input.
    pub derived: Arc<Expressions>,
}

/// Where a column's values come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A column of the files, or a part of it.
    File {
        /// The column.
        column: String,
        /// The way to the value inside it: fields of structs, keys of maps and JSON text.
        path: Option<String>,
    },
    /// A `key=value` folder.
    Hive,
}

impl ColumnRef {
    /// A column that no file has: all of its values are null.
    pub fn nowhere() -> Self {
        ColumnRef {
            spelled: String::new(),
            source: Source::File { column: String::new(), path: None },
            kind: Kind::Null,
            unread: Unread::default(),
            derived: Arc::default(),
        }
    }

    /// Whether it is a whole column of the files, compared as it is.
    pub fn is_plain(&self) -> bool {
        matches!(&self.source, Source::File { path: None, .. }) && !matches!(self.kind, Kind::Uuid | Kind::Mixed)
    }

    /// The column of the files that it needs, if any.
    pub fn file_column(&self) -> Option<&str> {
        match &self.source {
            Source::File { column, .. } => Some(column),
            Source::Hive => None,
        }
    }
}

/// Makes one type of those of two files.
type Unify = fn(&Kind, &Kind) -> Option<Kind>;

/// All columns of the input, with the types of each file.
#[derive(Debug)]
pub struct Columns<'a> {
    footers: &'a [Footer],
    hive: FolderKinds,
}

impl<'a> Columns<'a> {
    /// The columns of these files and their folders.
    pub fn of(footers: &'a [Footer]) -> Self {
        let hive = folder_kinds(footers.iter().map(|footer| &footer.file));
        Columns { footers, hive }
    }

    /// Columns that folders hold, and no others.
    pub fn of_folders_alone(hive: FolderKinds) -> Columns<'static> {
        Columns { footers: &[], hive }
    }

    /// All names, in the order in which files have them.
    pub fn names(&self) -> Vec<String> {
        let in_files = self.in_files().map(|(name, _)| name);
        let in_tables = self.tables().flat_map(|table| table.columns.iter().map(|column| &column.name));
        let all = in_files.chain(self.hive.iter().map(|(key, _)| key)).chain(in_tables);
        let mut seen = HashSet::new();
        all.filter(|name| seen.insert(name.as_str())).cloned().collect()
    }

    /// The columns inside of files, those of several files with the same ones once.
    fn in_files(&self) -> impl Iterator<Item = &'a (String, Kind)> {
        let mut schemas: Vec<_> = self.footers.iter().map(|footer| &footer.schema).collect();
        schemas.dedup_by(|one, other| Arc::ptr_eq(one, other));
        schemas.into_iter().flat_map(|schema| schema.columns.iter())
    }

    /// Whether a name means a column.
    ///
    /// # Errors
    /// As [`Columns::find`].
    pub fn has(&self, name: &str) -> Result<bool, InputError> {
        Ok(self.find(name)?.is_some())
    }

    /// What a name means: a column by its exact name, else by a path into one.
    ///
    /// # Errors
    /// The types of two files that cannot be one.
    pub fn find(&self, name: &str) -> Result<Option<ColumnRef>, InputError> {
        self.find_by(name, Kind::unify, "")
    }

    /// What a name means, where `unify` makes one type of those of two files, and `way_out` says what to do where it does
    /// not.
    fn find_by(&self, name: &str, unify: Unify, way_out: &'static str) -> Result<Option<ColumnRef>, InputError> {
        let spelled = name.to_string();
        if let Some(kind) = self.folder_kind(name)? {
            let (unread, derived) = Default::default();
            return Ok(Some(ColumnRef { spelled, source: Source::Hive, kind, unread, derived }));
        }
        if let Some(kind) = self.file_kind(name, unify, way_out)? {
            let source = Source::File { column: spelled.clone(), path: None };
            let (unread, derived) = (Unread::default(), self.expressions(name));
            return Ok(Some(ColumnRef { spelled, source, kind, unread, derived }));
        }
        // The longest column name that is followed by a dot.
        for (dot, _) in name.rmatch_indices('.') {
            let (column, path) = (&name[..dot], &name[dot + 1..]);
            let Some(outer) = self.file_kind(column, unify, way_out)? else { continue };
            if let Some(kind) = inner_kind(&outer, path) {
                let source = Source::File { column: column.to_string(), path: Some(path.to_string()) };
                let (unread, derived) = (Unread::default(), self.expressions(column));
                return Ok(Some(ColumnRef { spelled, source, kind, unread, derived }));
            }
        }
        Ok(None)
    }

    /// The expressions that a derived column is made of; none of any other.
    fn expressions(&self, name: &str) -> Arc<Expressions> {
        let derived = self.footers.first().and_then(|footer| footer.schema.derived.get(name));
        derived.map(|derived| Arc::clone(&derived.expressions)).unwrap_or_default()
    }

    /// What a name of a job's key means.
    ///
    /// # Errors
    /// No such column, with the nearest one; or the types of two files that cannot be one.
    pub fn require(&self, key: &'static str, name: &str, way_out: &str) -> Result<ColumnRef, InputError> {
        self.find(name)?.ok_or_else(|| self.no_column(key, name, way_out))
    }

    /// As [`Columns::require`], of a column of users; `as_text` is whether they are text, whatever they are in each file.
    ///
    /// # Errors
    /// As [`Columns::require`].
    pub fn require_user(&self, name: &str, as_text: bool, way_out: &str) -> Result<ColumnRef, InputError> {
        let unify = if as_text { Kind::unify_ids } else { Kind::unify };
        let found = self.find_by(name, unify, ", or have all users be text: `input.user_type = \"text\"`")?;
        found.ok_or_else(|| self.no_column("input.user", name, way_out))
    }

    /// A column of names of users, whose types in several files may be any that users have: they are text then.
    ///
    /// # Errors
    /// As [`Columns::require`].
    pub fn require_id(&self, key: &'static str, name: &str) -> Result<ColumnRef, InputError> {
        self.find_by(name, Kind::unify_ids, "")?.ok_or_else(|| self.no_column(key, name, ""))
    }

    /// The files that the columns are of.
    pub fn footers(&self) -> &[Footer] {
        self.footers
    }

    fn no_column(&self, key: &'static str, name: &str, way_out: &str) -> InputError {
        let columns = self.names();
        let near = nearest(name, columns.iter().map(String::as_str)).map(str::to_string);
        InputError::NoColumn { column: name.to_string(), key, nearest: near, columns, way_out: way_out.to_string() }
    }

    /// The nearest column to a name.
    pub fn nearest(&self, name: &str) -> Option<String> {
        nearest(name, self.names().iter().map(String::as_str)).map(str::to_string)
    }

    /// The kind of a column that folders hold: where some files have one of its name inside, too, the folder of each.
    fn folder_kind(&self, name: &str) -> Result<Option<Kind>, InputError> {
        let Some((_, kind)) = self.hive.iter().find(|(key, _)| key == name) else { return Ok(None) };
        let in_folder = |footer: &&Footer| footer.file.hive.iter().any(|(key, _)| key == name);
        let in_file = |footer: &&Footer| footer.schema.kind(name).is_some();
        let only_inside = self.footers.iter().find(|footer| in_file(footer) && !in_folder(footer));
        let only_folder = self.footers.iter().find(|footer| in_folder(footer) && !in_file(footer));
        match (only_inside, only_folder) {
            (None, _) => Ok(Some(kind.clone())),
            (Some(_), None) => Ok(None),
            (Some(file), Some(folder)) => Err(InputError::InFolderAndFile {
                column: name.to_string(),
                folder: folder.file.path.clone(),
                file: file.file.path.clone(),
            }),
        }
    }

    /// The columns that folders hold, each with what it is: `int`, `date` or `text`.
    pub fn of_folders(&self) -> Vec<(String, String)> {
        let word = |kind: &Kind| match kind {
            Kind::Int => "int",
            Kind::Date => "date",
            _ => "text",
        };
        let named = self.hive.iter().filter(|(name, _)| matches!(self.folder_kind(name), Ok(Some(_))));
        named.map(|(name, kind)| (name.clone(), word(kind).to_string())).collect()
    }

    /// The columns of files that are UUIDs.
    pub fn of_uuids(&self) -> Vec<String> {
        let uuids = self.in_files().filter(|(_, kind)| *kind == Kind::Uuid);
        let names: BTreeSet<&String> = uuids.map(|(name, _)| name).collect();
        names.into_iter().cloned().collect()
    }

    /// Two names that differ in the case of letters alone.
    pub fn alike(&self) -> Option<(String, String)> {
        let mut seen: HashMap<String, String> = HashMap::new();
        let seen_as = |name: String| seen.insert(name.to_lowercase(), name.clone()).map(|known| (known, name));
        self.names().into_iter().find_map(seen_as)
    }

    /// Which of some names mean folders.
    pub fn are_held_by_folders(&self, names: &[String]) -> Vec<bool> {
        names.iter().map(|name| matches!(self.folder_kind(name), Ok(Some(_)))).collect()
    }

    fn file_kind(&self, name: &str, unify: Unify, way_out: &'static str) -> Result<Option<Kind>, InputError> {
        let mut found: Option<(Kind, &PathBuf)> = None;
        let mut last = None;
        for footer in self.footers {
            if last.is_some_and(|last| Arc::ptr_eq(last, &footer.schema)) {
                continue;
            }
            last = Some(&footer.schema);
            let Some(kind) = footer.schema.kind(name) else { continue };
            if footer.schema.columns.iter().filter(|(column, _)| column == name).count() > 1 {
                return Err(InputError::NamedTwice { column: name.to_string(), path: footer.file.path.clone() });
            }
            found = Some(match found {
                None => (kind.clone(), &footer.file.path),
                Some((known, first)) => match unify(&known, kind) {
                    Some(kind) => (kind, first),
                    None => {
                        return Err(InputError::TypesDiffer {
                            column: name.to_string(),
                            first: first.clone(),
                            second: footer.file.path.clone(),
                            types: Box::new([known.name(), kind.name()]),
                            way_out: if known.unify_ids(kind).is_some() { way_out } else { "" },
                        })
                    }
                },
            });
        }
        Ok(found.map(|(kind, _)| kind).or_else(|| self.tables().find_map(|table| table.kind(name).cloned())))
    }

    /// The tables that files are of: a column that was added to one is there before any file has it.
    fn tables(&self) -> impl Iterator<Item = &'a TableView> {
        let mut tables: Vec<&TableView> = Vec::new();
        for file in self.footers.iter().filter_map(|footer| footer.file.table.as_ref()) {
            if !tables.iter().any(|known| std::ptr::eq(*known, file.table.as_ref())) {
                tables.push(&file.table);
            }
        }
        tables.into_iter()
    }
}

/// What is at a path inside a value; `None` where nothing can be.
fn inner_kind(outer: &Kind, path: &str) -> Option<Kind> {
    match outer {
        Kind::Struct(fields) => {
            let (field, rest) = split_field(fields, path)?;
            let kind = &fields.iter().find(|(name, _)| name == field)?.1;
            match rest {
                None => Some(kind.clone()),
                Some(rest) => inner_kind(kind, rest),
            }
        }
        Kind::Map(values) => match values.as_ref() {
            // Of a struct, the first field that is there, unless one is named.
            Kind::Struct(fields) => Some(match split_key(fields, path) {
                Some((_, field)) => inner_kind(values, field)?,
                None => Kind::Mixed,
            }),
            values => Some(values.clone()),
        },
        Kind::Text | Kind::Binary => Some(Kind::Json),
        _ => None,
    }
}

/// The field that a path begins with, the longest where there are several, and what follows it.
pub fn split_field<'p>(fields: &[(String, Kind)], path: &'p str) -> Option<(&'p str, Option<&'p str>)> {
    let is_field = |name: &str| fields.iter().any(|(field, _)| field == name);
    if is_field(path) {
        return Some((path, None));
    }
    let mut dots = path.rmatch_indices('.').map(|(dot, _)| dot);
    let dot = dots.find(|dot| is_field(&path[..*dot]))?;
    Some((&path[..dot], Some(&path[dot + 1..])))
}

/// The key that a path into a map of structs begins with, and the way on inside of the struct, where it has one.
pub fn split_key<'p>(fields: &[(String, Kind)], path: &'p str) -> Option<(&'p str, &'p str)> {
    let mut dots = path.match_indices('.').map(|(dot, _)| (&path[..dot], &path[dot + 1..]));
    dots.find(|(_, field)| split_field(fields, field).is_some())
}
