//! What the runs before did: the files they read ([`ledger`]), their records ([`runs`]), and what became of their sessions
//! ([`changes`]).

pub mod changes;
pub mod ledger;
pub mod runs;
pub mod scope;
