//! What a glob matches: names as text as far as they are, folders read in order.

use std::collections::HashSet;
use std::path::{Path, PathBuf, MAIN_SEPARATOR};

use glob::{MatchOptions, Pattern};

use super::walk::{entries, is_hidden, walk, Place};
use crate::events::error::InputError;

/// A part of a glob, between two slashes.
enum Part {
    /// A name as it is.
    Name(String),
    /// A name with wildcards, and as it is spelled.
    Names(Pattern, String),
    /// `**`: any folders, or none.
    Folders,
}

/// The files and folders that a glob matches. Wildcards match no name that begins with `_` or `.`, of what others have
/// not committed yet, unless they are spelled to; names that are no UTF-8 they match with U+FFFD for what is none.
///
/// # Errors
/// A glob that is none; a folder that cannot be read.
pub fn expand(pattern: &str) -> Result<Vec<Place>, InputError> {
    let bad = |error: glob::PatternError| InputError::BadGlob {
        pattern: pattern.to_string(),
        reason: format!("{} (character {})", error.msg, error.pos + 1),
    };
    Pattern::new(pattern).map_err(bad)?;
    let mut parts = Vec::new();
    for spelled in pattern.split(MAIN_SEPARATOR).filter(|part| !part.is_empty()) {
        let is_last_folders = matches!(parts.last(), Some(Part::Folders));
        parts.push(match spelled {
            "**" if is_last_folders => continue,
            "**" => Part::Folders,
            name if !name.contains(['*', '?', '[']) => Part::Name(name.to_string()),
            names => Part::Names(Pattern::new(names).map_err(bad)?, names.to_string()),
        });
    }
    let start = if pattern.starts_with(MAIN_SEPARATOR) { Path::new("/") } else { Path::new("") };
    let mut matches = Matches { only_folders: pattern.ends_with(MAIN_SEPARATOR), found: Vec::new() };
    matches.collect(Place::given(start), &parts)?;
    // Several ways through `**` may lead to one path.
    let mut seen: HashSet<PathBuf> = HashSet::new();
    matches.found.retain(|place| seen.insert(place.path.clone()));
    Ok(matches.found)
}

struct Matches {
    only_folders: bool,
    found: Vec<Place>,
}

impl Matches {
    /// Adds what the rest of a glob matches at a place.
    fn collect(&mut self, place: Place, rest: &[Part]) -> Result<(), InputError> {
        let Some((part, rest)) = rest.split_first() else {
            if !self.only_folders || place.is_folder() {
                self.found.push(place);
            }
            return Ok(());
        };
        match part {
            // There is nothing in a file.
            Part::Names(..) | Part::Folders if !place.is_folder() => {}
            Part::Name(name) => {
                let path = place.path.join(name);
                if std::fs::symlink_metadata(&path).is_ok() {
                    self.collect(Place { links: place.links, ..Place::given(&path) }, rest)?;
                }
            }
            Part::Names(pattern, spelled) => {
                let is_spelled = spelled.starts_with(['_', '.']);
                let options = MatchOptions { require_literal_leading_dot: true, ..MatchOptions::new() };
                let matches = |name: &str| (is_spelled || !is_hidden(name)) && pattern.matches_with(name, options);
                for entry in entries(&place, matches)? {
                    if rest.is_empty() || entry.is_folder {
                        self.collect(entry.place, rest)?;
                    }
                }
            }
            // At the end, folders in this one are meant.
            Part::Folders if rest.is_empty() => {
                let inner = walk(&place)?.into_iter().skip(1).map(|folder| folder.place);
                self.found.extend(inner);
            }
            Part::Folders => {
                for folder in walk(&place)? {
                    self.collect(folder.place, rest)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    fn matched(names: &[&[u8]], pattern: &str) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        for name in names {
            let path = folder.path().join(OsStr::from_bytes(name));
            std::fs::create_dir_all(path.parent().expect("has one")).expect("made");
            std::fs::write(path, "x").expect("written");
        }
        let root = Pattern::escape(&folder.path().to_string_lossy());
        let found = expand(&format!("{root}/{pattern}")).expect("a glob");
        let inside = |place: &Place| place.path.strip_prefix(folder.path()).expect("inside").display().to_string();
        found.iter().map(inside).collect()
    }

    #[test]
    fn names_of_other_bytes_are_matched() {
        let names: [&[u8]; 3] = [b"caf\xe9.parquet", b"tea.parquet", b"b\xff/x.parquet"];
        assert_eq!(matched(&names, "*.parquet"), ["caf\u{fffd}.parquet", "tea.parquet"]);
        assert_eq!(matched(&names, "caf?.*"), ["caf\u{fffd}.parquet"]);
        assert_eq!(matched(&names, "b?/*"), ["b\u{fffd}/x.parquet"]);
        assert_eq!(matched(&names, "**/x*"), ["b\u{fffd}/x.parquet"]);
    }

    #[test]
    fn wildcards_match_hidden_names_only_where_they_are_spelled_to() {
        let names: [&[u8]; 4] = [b"_tmp/a", b"_day=1/a", b".x/a", b"b/_a"];
        assert_eq!(matched(&names, "*/a"), ["_day=1/a"]);
        assert_eq!(matched(&names, "**/a"), ["_day=1/a"]);
        assert_eq!(matched(&names, "_*/a"), ["_day=1/a", "_tmp/a"]);
        assert_eq!(matched(&names, "_tmp/*"), ["_tmp/a"]);
        assert_eq!(matched(&names, ".*/a"), [".x/a"]);
        assert_eq!(matched(&names, "b/_a*"), ["b/_a"]);
    }

    #[test]
    fn there_is_nothing_in_a_file() {
        assert!(matched(&[b"a"], "a/*").is_empty() && matched(&[b"a"], "a/**/b").is_empty());
    }

    #[test]
    fn two_stars_are_any_folders_and_at_the_end_those_inside() {
        let names: [&[u8]; 3] = [b"a", b"b/a", b"b/c/a"];
        assert_eq!(matched(&names, "**/a"), ["a", "b/a", "b/c/a"]);
        assert_eq!(matched(&names, "b/**/**/a"), ["b/a", "b/c/a"]);
        assert_eq!(matched(&names, "**"), ["b", "b/c"]);
        assert_eq!(matched(&names, "*/"), ["b"]);
        assert_eq!(matched(&names, "[ab]"), ["a", "b"]);
    }
}
