//! Who each name is, and from when on.

use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::layout::intern::{InternedKeys, Interner};

/// Who the users of events are. Names are told apart once, while the table is built; in it they are codes.
///
/// ```text
///   from     to      since            names   0 d1   1 ann   2 bob
///   d1       ann     10:00            d1  ──► ann from 10:00 on (and before), bob from 12:00 on
///   d1       bob     12:00
/// ```
#[derive(Debug)]
pub struct AliasTable {
    names: InternedKeys,
    stretches: Stretches,
}

/// Who names are, by their codes.
#[derive(Debug)]
enum Stretches {
    /// Each of them always the same: the code of who it is, or [`NOBODY`] where it is no name of the mapping.
    Always(Vec<u32>),
    /// From when on it is whom: the stretches of each name in order of time, and where those of each name begin.
    Since { begins: Vec<u32>, since: Vec<i64>, to: Vec<u32> },
}

/// What a name without an entry is.
const NOBODY: u32 = u32::MAX;

/// Who a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// It has no entry: itself.
    Itself,
    /// One user, by code.
    One(u32),
    /// Several, by code, each from a time on; the first before it, too.
    Since(&'a [i64], &'a [u32]),
}

impl AliasTable {
    /// Who the user in a row of `keys` is.
    pub fn target(&self, keys: &KeyColumn, row: usize) -> Target<'_> {
        match self.names.code(keys, row) {
            Some(code) => self.target_of(code),
            None => Target::Itself,
        }
    }

    fn target_of(&self, code: u32) -> Target<'_> {
        let one = |to: u32| if to == NOBODY { Target::Itself } else { Target::One(to) };
        match &self.stretches {
            Stretches::Always(to) => one(to.get(code as usize).copied().unwrap_or(NOBODY)),
            Stretches::Since { begins, since, to } => {
                let own = begins[code as usize] as usize..begins[code as usize + 1] as usize;
                match own.len() {
                    0 => Target::Itself,
                    1 => one(to[own.start]),
                    _ => Target::Since(&since[own.clone()], &to[own]),
                }
            }
        }
    }

    /// The names by their codes.
    pub fn names(&self) -> &KeyColumn {
        self.names.keys()
    }

    /// The code of the name in a row of `keys`, where it is one.
    pub fn code(&self, keys: &KeyColumn, row: usize) -> Option<u32> {
        self.names.code(keys, row)
    }

    /// The code of whom the user in a row of `keys` is at a time, in microseconds; `None` where the mapping has no such name.
    pub fn who_at(&self, keys: &KeyColumn, row: usize, time: i64) -> Option<u32> {
        let code = self.names.code(keys, row)?;
        Some(match self.target_of(code) {
            Target::Itself => code,
            Target::One(to) => to,
            Target::Since(since, to) => to[since.partition_point(|since| *since <= time).saturating_sub(1)],
        })
    }

    /// The codes of all whom a name is at some time.
    pub fn targets(&self, code: u32) -> Vec<u32> {
        match self.target_of(code) {
            Target::Itself => vec![code],
            Target::One(to) => vec![to],
            Target::Since(_, to) => to.to_vec(),
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> u64 {
        let of = match &self.stretches {
            Stretches::Always(to) => size_of_val(to.as_slice()),
            Stretches::Since { begins, since, to } => {
                size_of_val(begins.as_slice()) + size_of_val(since.as_slice()) + size_of_val(to.as_slice())
            }
        };
        (self.names.bytes() + of) as u64
    }
}

/// Rows of a mapping, all with a name.
#[derive(Debug)]
pub struct AliasRows {
    /// The names.
    pub from: KeyColumn,
    /// Who they are, where that is said.
    pub to: KeyColumn,
    /// Whether it is; `None` where it always is.
    pub to_valid: Option<Vec<bool>>,
    /// From when on, in microseconds; the least number where they always are.
    pub since: Vec<i64>,
}

/// Builds an [`AliasTable`] of rows in any order.
#[derive(Debug)]
pub struct AliasBuilder {
    names: Interner,
    rows: Rows,
    /// A name of which two rows differ, the smallest that was seen.
    differs: Option<u32>,
}

#[derive(Debug)]
enum Rows {
    Always(Vec<u32>),
    Since(Vec<(u32, i64, u32)>),
}

impl AliasBuilder {
    /// For names that are text or numbers, which are the same user always or from a time on.
    pub fn new(is_text: bool, with_since: bool) -> Self {
        let names = if is_text { Interner::of_text() } else { Interner::of_ints() };
        let rows = if with_since { Rows::Since(Vec::new()) } else { Rows::Always(Vec::new()) };
        AliasBuilder { names, rows, differs: None }
    }

    /// Bytes that it takes now.
    pub fn bytes(&self) -> u64 {
        let rows = match &self.rows {
            Rows::Always(to) => to.capacity() * size_of::<u32>(),
            Rows::Since(rows) => rows.capacity() * size_of::<(u32, i64, u32)>(),
        };
        (self.names.bytes() + rows) as u64
    }

    /// Takes rows.
    pub fn add(&mut self, more: &AliasRows) {
        for row in 0..more.from.len() {
            let from = self.names.intern(&more.from, row);
            let is_said = more.to_valid.as_ref().is_none_or(|valid| valid[row]);
            // Null or empty: the user stays.
            let to = if is_said { self.names.intern(&more.to, row) } else { from };
            match &mut self.rows {
                Rows::Since(rows) => rows.push((from, more.since[row], to)),
                Rows::Always(all) => {
                    if all.len() <= from as usize {
                        all.resize(from as usize + 1, NOBODY);
                    }
                    let known = std::mem::replace(&mut all[from as usize], to);
                    if known != NOBODY && known != to {
                        self.differs = Some(smaller(self.names.keys(), self.differs, from));
                    }
                }
            }
        }
    }

    /// The table.
    ///
    /// # Errors
    /// The smallest name of which two rows differ, as it is shown, and whether that is at one time.
    pub fn build(self) -> Result<AliasTable, (String, bool)> {
        let AliasBuilder { names, rows, mut differs } = self;
        let with_since = matches!(rows, Rows::Since(_));
        let stretches = match rows {
            Rows::Always(to) => Stretches::Always(to),
            Rows::Since(mut rows) => {
                rows.sort_unstable();
                rows.dedup();
                for pair in rows.windows(2).filter(|pair| (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1)) {
                    differs = Some(smaller(names.keys(), differs, pair[0].0));
                }
                let mut begins = vec![0u32; names.len() + 1];
                rows.iter().for_each(|(from, ..)| begins[*from as usize + 1] += 1);
                for code in 0..names.len() {
                    begins[code + 1] += begins[code];
                }
                let (since, to) = rows.iter().map(|(_, since, to)| (*since, *to)).unzip();
                Stretches::Since { begins, since, to }
            }
        };
        match differs {
            Some(code) => Err((shown(names.keys(), code), with_since)),
            None => Ok(AliasTable { names: names.into_lookup(), stretches }),
        }
    }
}

fn smaller(names: &KeyColumn, known: Option<u32>, code: u32) -> u32 {
    match known {
        Some(known) if names.compare(known as usize, names, code as usize).is_le() => known,
        _ => code,
    }
}

fn shown(names: &KeyColumn, code: u32) -> String {
    match names.text(code as usize) {
        Some(text) => format!("{:?}", String::from_utf8_lossy(text)),
        None => names.int(code as usize).unwrap_or_default().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessionize::layout::columns::TextColumn;

    fn texts(texts: &[&str]) -> KeyColumn {
        let mut column = TextColumn::default();
        texts.iter().for_each(|text| column.push(text.as_bytes()));
        KeyColumn::Text(column)
    }

    fn rows(rows: &[(&str, &str, i64)]) -> AliasRows {
        AliasRows {
            from: texts(&rows.iter().map(|row| row.0).collect::<Vec<_>>()),
            to: texts(&rows.iter().map(|row| row.1).collect::<Vec<_>>()),
            to_valid: Some(rows.iter().map(|row| !row.1.is_empty()).collect()),
            since: rows.iter().map(|row| row.2).collect(),
        }
    }

    fn table(with_since: bool, all: &[(&str, &str, i64)]) -> Result<AliasTable, (String, bool)> {
        let mut builder = AliasBuilder::new(true, with_since);
        all.chunks(2).for_each(|some| builder.add(&rows(some)));
        builder.build()
    }

    fn who(table: &AliasTable, name: &str) -> Vec<String> {
        let Some(code) = table.code(&texts(&[name]), 0) else { return vec![name.to_string()] };
        table.targets(code).into_iter().map(|to| shown(table.names(), to).replace('"', "")).collect()
    }

    #[test]
    fn a_name_is_one_user_or_itself() {
        let table = table(false, &[("d1", "ann", 0), ("d2", "", 0), ("d1", "ann", 0), ("ann", "d2", 0)]).expect("fine");
        assert_eq!(["d1", "d2", "ann", "bob"].map(|name| who(&table, name).join(" ")), ["ann", "d2", "d2", "bob"]);
        assert_eq!(table.target(&texts(&["bob"]), 0), Target::Itself);
    }

    #[test]
    fn stretches_of_a_name_are_in_order_of_time() {
        let table =
            table(true, &[("d1", "bob", 5), ("d2", "cid", 1), ("d1", "ann", -5), ("d1", "bob", 5)]).expect("fine");
        assert_eq!(who(&table, "d1"), ["ann", "bob"]);
        assert!(matches!(table.target(&texts(&["d1"]), 0), Target::Since(since, _) if *since == [-5, 5]));
        assert!(matches!(table.target(&texts(&["d2"]), 0), Target::One(_)));
    }

    #[test]
    fn the_smallest_name_of_which_rows_differ_is_told() {
        let always = [("d2", "ann", 0), ("d2", "bob", 0), ("d1", "ann", 0), ("d1", "", 0), ("d3", "x", 1)];
        assert_eq!(table(false, &always).err(), Some(("\"d1\"".to_string(), false)));
        let since = [("d2", "ann", 0), ("d2", "bob", 0), ("d1", "ann", 0), ("d1", "bob", 1)];
        assert_eq!(table(true, &since).err(), Some(("\"d2\"".to_string(), true)));
    }
}
