//! The rows of a block, read as the kernel wants them.

use super::event_types::{EventKey, EventTypes};
use super::layout::block::{Block, BlockKeys};

/// A block's rows of one partition. The block has codes of its own for texts, facts and watched values; read from here, they
/// are places in the sorted lists of the whole partition.
#[derive(Debug)]
pub struct BlockRows<'a> {
    /// The block.
    pub block: &'a Block,
    /// All event types.
    pub types: &'a EventTypes,
    /// For each code of a text in the block, its place; empty where values are no texts.
    pub texts: &'a [u32],
    /// The same of facts; empty where there are none.
    pub facts: &'a [u32],
    /// The same of watched values; empty where there are none.
    pub watched: &'a [u32],
}

impl BlockRows<'_> {
    /// The type and role of a row's event.
    pub fn event(&self, row: usize) -> EventKey {
        self.types.key(self.block.event(row))
    }

    /// Its facts, by their place; 0 where nobody asks for facts.
    pub fn fact(&self, row: usize) -> u32 {
        self.block.facts.as_ref().map_or(0, |keys| self.facts[self.block.code(keys, row)])
    }

    /// Its watched values, by their place; 0 where nothing is watched.
    pub fn watched(&self, row: usize) -> u32 {
        self.block.watched.as_ref().map_or(0, |keys| self.watched[self.block.code(keys, row)])
    }

    /// What it is grouped by, a number or the place of a text; `None` where it has no valid value.
    pub fn value(&self, row: usize) -> Option<i64> {
        // Nothing but the user: one group.
        let Some(values) = &self.block.values else { return Some(0) };
        self.block.is_valid(values, row).then(|| match &values.keys {
            BlockKeys::Int(field) => self.block.int(*field, row),
            BlockKeys::Text(keys) => i64::from(self.texts[self.block.code(keys, row)]),
        })
    }
}
