//! Whom a name means, where a mapping says that users have several: who they are, and the names that their events have.

use std::collections::BTreeSet;

use crate::events::aliases::table::AliasTable;
use crate::events::decode::lookup::Keys;
use crate::sessionize::layout::columns::{KeyColumn, TextColumn};

/// Users, as events have them and as they are.
#[derive(Clone, Debug)]
pub struct Whom {
    /// Who they are.
    pub users: Keys,
    /// The names that events of theirs may have.
    pub names: Keys,
}

impl Whom {
    /// Those who have one of these names, or had it at some time.
    pub fn named(keys: Keys, table: Option<&AliasTable>) -> Self {
        let Some(table) = table else { return Whom { users: keys.clone(), names: keys } };
        let mut users = keys.clone();
        let asked = column_of(&keys);
        let codes = (0..asked.len()).filter_map(|row| table.code(&asked, row));
        codes.flat_map(|code| table.targets(code)).for_each(|code| users.add(table.names(), code as usize));
        Whom::who_are(users, Some(table))
    }

    /// These users.
    pub fn who_are(users: Keys, table: Option<&AliasTable>) -> Self {
        let Some(table) = table else { return Whom { users: users.clone(), names: users } };
        let mut names = users.clone();
        let asked = column_of(&users);
        let codes: BTreeSet<u32> = (0..asked.len()).filter_map(|row| table.code(&asked, row)).collect();
        for name in 0..table.names().len() as u32 {
            if table.targets(name).iter().any(|code| codes.contains(code)) {
                names.add(table.names(), name as usize);
            }
        }
        Whom { users, names }
    }
}

fn column_of(keys: &Keys) -> KeyColumn {
    match keys {
        Keys::Ints(keys) => KeyColumn::Int(keys.iter().copied().collect()),
        Keys::Texts(keys) => {
            let mut texts = TextColumn::default();
            keys.iter().for_each(|key| texts.push(key));
            KeyColumn::Text(texts)
        }
    }
}
