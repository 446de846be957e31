//! What the tables look like: their columns ([`sessions`], [`added`]), where they are ([`place`]), and what they were made with
//! ([`made_with`]).

pub mod added;
pub mod described;
pub mod events;
pub mod key_columns;
pub mod made_with;
pub mod place;
pub mod sessions;
