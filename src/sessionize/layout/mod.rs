//! How events lie in memory until their sessions are made: by partition of users ([`scatter`]) in [`block`]s of packed
//! numbers, with ids as codes ([`intern`]).

pub mod block;
pub mod columns;
pub mod hash;
pub mod intern;
pub mod packed;
pub mod prefix;
pub mod scatter;
pub mod wire;
