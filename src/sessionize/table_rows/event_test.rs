//! Some of the events, as charts, segments and declared columns ask for them: of some types, with a mark.

use crate::sessionize::facts::FactTable;
use crate::sessionize::rows::{Row, RowKind};

/// Some types of events, by their ranks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TypeTest {
    /// All of them.
    #[default]
    Any,
    /// This one.
    One(u32),
    /// These.
    OneOf(Vec<u32>),
}

impl TypeTest {
    /// What no event's type has as its rank.
    const NO_SUCH_TYPE: u32 = u32::MAX;

    /// The types of some ranks, `None` where no event has the type; of no types all.
    pub fn of(ranks: impl Iterator<Item = Option<u32>>) -> Self {
        let mut ranks: Vec<u32> = ranks.map(|rank| rank.unwrap_or(TypeTest::NO_SUCH_TYPE)).collect();
        match ranks.len() {
            0 => TypeTest::Any,
            1 => TypeTest::One(ranks.remove(0)),
            _ => TypeTest::OneOf(ranks),
        }
    }

    fn has(&self, rank: u32) -> bool {
        match self {
            TypeTest::Any => true,
            TypeTest::One(one) => *one == rank,
            TypeTest::OneOf(ranks) => ranks.contains(&rank),
        }
    }
}

/// Some events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventTest {
    /// Their types.
    pub event: TypeTest,
    /// The mark that they have; `None` for any.
    pub mark: Option<u32>,
}

impl EventTest {
    /// Whether an event is one of them.
    pub fn passes<T: RowKind>(&self, row: &Row<T>, table: &FactTable) -> bool {
        self.event.has(row.event().rank()) && self.mark.is_none_or(|mark| table.is_marked(mark, row.fact()))
    }
}
