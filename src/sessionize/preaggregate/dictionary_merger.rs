//! Keys that come batch by batch, told apart across batches.

use std::borrow::Cow;
use std::sync::Arc;

use crate::sessionize::layout::columns::{gather, Coded, KeyColumn};
use crate::sessionize::layout::intern::Interner;
use crate::sessionize::session_id::text_as_time;
use crate::sessionize::time::{TimeUnit, Timestamp};

/// The keys of batches, each of them once.
#[derive(Debug, Default)]
pub enum DictionaryMerger {
    /// There has been no batch.
    #[default]
    None,
    /// All batches share them, or go on with those of the ones before: codes stay what they are.
    Shared(Arc<KeyColumn>),
    /// The keys of all batches, with those that the last batch shared with others and its codes.
    Told(Interner, Arc<KeyColumn>, Vec<u32>),
}

impl DictionaryMerger {
    /// Takes the keys of another batch. Where the codes of those before change by that: what each of them is now; of a key
    /// that was there twice, both are the same.
    pub fn take(&mut self, batch: &Coded) -> Option<Vec<u32>> {
        fn intern<'k>(interner: &'k mut Interner, keys: &'k KeyColumn) -> impl Iterator<Item = u32> + 'k {
            (0..keys.len()).map(|key| interner.intern(keys, key))
        }
        let keys = &batch.keys;
        let goes_on = batch.first > 0;
        let mut changed = None;
        *self = match std::mem::take(self) {
            DictionaryMerger::None => DictionaryMerger::Shared(Arc::clone(keys)),
            DictionaryMerger::Shared(known) if Arc::ptr_eq(&known, keys) => DictionaryMerger::Shared(known),
            DictionaryMerger::Shared(mut known) if goes_on => {
                Arc::make_mut(&mut known).extend(keys);
                DictionaryMerger::Shared(known)
            }
            DictionaryMerger::Shared(known) => {
                let mut interner = Interner::like(&known);
                changed = Some(intern(&mut interner, &known).collect());
                let codes = intern(&mut interner, keys).collect();
                DictionaryMerger::Told(interner, Arc::clone(keys), codes)
            }
            DictionaryMerger::Told(interner, last, codes) if Arc::ptr_eq(&last, keys) => {
                DictionaryMerger::Told(interner, last, codes)
            }
            DictionaryMerger::Told(mut interner, _, mut codes) => {
                if !goes_on {
                    codes.clear();
                }
                codes.extend(intern(&mut interner, keys));
                DictionaryMerger::Told(interner, Arc::clone(keys), codes)
            }
        };
        changed
    }

    /// Codes of the last batch as codes among all keys.
    pub fn told<'c>(&self, codes: &'c [u32]) -> Cow<'c, [u32]> {
        match self {
            DictionaryMerger::None | DictionaryMerger::Shared(_) => Cow::Borrowed(codes),
            DictionaryMerger::Told(.., known) => Cow::Owned(gather(known, codes)),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            DictionaryMerger::None => 0,
            DictionaryMerger::Shared(keys) => keys.len(),
            DictionaryMerger::Told(interner, ..) => interner.len(),
        }
    }

    /// Adds which of them are times in a unit to what is known of the first ones.
    pub fn add_times(&self, known: &mut Vec<Option<Timestamp>>, unit: TimeUnit) {
        let keys = match self {
            DictionaryMerger::None => return,
            DictionaryMerger::Shared(keys) => keys.as_ref(),
            DictionaryMerger::Told(interner, ..) => interner.keys(),
        };
        if let KeyColumn::Text(texts) = keys {
            known.extend((known.len()..texts.len()).map(|text| text_as_time(texts.get(text), unit)));
        }
    }

    /// All of them.
    pub fn into_column(self) -> Arc<KeyColumn> {
        match self {
            DictionaryMerger::None => Arc::new(KeyColumn::Int(Vec::new())),
            DictionaryMerger::Shared(keys) => keys,
            DictionaryMerger::Told(interner, ..) => Arc::new(interner.into_keys()),
        }
    }
}
