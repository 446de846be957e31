//! Keys that come batch by batch, told apart across batches.

use std::borrow::Cow;
use std::sync::Arc;

use crate::sessionize::layout::columns::{gather, Coded, KeyColumn};
use crate::sessionize::layout::intern::Interner;
use crate::sessionize::session_id::text_as_time;
use crate::sessionize::time::{TimeUnit, Timestamp};

/// The keys of batches, each of them once.
#[derive(Debug, Default)]
pub enum Keyring {
    /// There has been no batch.
    #[default]
    None,
    /// All batches share them, or go on with those of the ones before: codes stay what they are.
    Shared(Arc<KeyColumn>),
    /// The keys of all batches, with those that the last batch shared with others and its codes.
    Told(Interner, Arc<KeyColumn>, Vec<u32>),
}

impl Keyring {
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
            Keyring::None => Keyring::Shared(Arc::clone(keys)),
            Keyring::Shared(known) if Arc::ptr_eq(&known, keys) => Keyring::Shared(known),
            Keyring::Shared(mut known) if goes_on => {
                Arc::make_mut(&mut known).extend(keys);
                Keyring::Shared(known)
            }
            Keyring::Shared(known) => {
                let mut interner = Interner::like(&known);
                changed = Some(intern(&mut interner, &known).collect());
                let codes = intern(&mut interner, keys).collect();
                Keyring::Told(interner, Arc::clone(keys), codes)
            }
            Keyring::Told(interner, last, codes) if Arc::ptr_eq(&last, keys) => Keyring::Told(interner, last, codes),
            Keyring::Told(mut interner, _, mut codes) => {
                if !goes_on {
                    codes.clear();
                }
                codes.extend(intern(&mut interner, keys));
                Keyring::Told(interner, Arc::clone(keys), codes)
            }
        };
        changed
    }

    /// Codes of the last batch as codes among all keys.
    pub fn told<'c>(&self, codes: &'c [u32]) -> Cow<'c, [u32]> {
        match self {
            Keyring::None | Keyring::Shared(_) => Cow::Borrowed(codes),
            Keyring::Told(.., known) => Cow::Owned(gather(known, codes)),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Keyring::None => 0,
            Keyring::Shared(keys) => keys.len(),
            Keyring::Told(interner, ..) => interner.len(),
        }
    }

    /// Adds which of them are times in a unit to what is known of the first ones.
    pub fn add_times(&self, known: &mut Vec<Option<Timestamp>>, unit: TimeUnit) {
        let keys = match self {
            Keyring::None => return,
            Keyring::Shared(keys) => keys.as_ref(),
            Keyring::Told(interner, ..) => interner.keys(),
        };
        if let KeyColumn::Text(texts) = keys {
            known.extend((known.len()..texts.len()).map(|text| text_as_time(texts.get(text), unit)));
        }
    }

    /// All of them.
    pub fn into_column(self) -> Arc<KeyColumn> {
        match self {
            Keyring::None => Arc::new(KeyColumn::Int(Vec::new())),
            Keyring::Shared(keys) => keys,
            Keyring::Told(interner, ..) => Arc::new(interner.into_keys()),
        }
    }
}
