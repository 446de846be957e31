//! Users who have several names (SPEC 12): the mapping as it is looked up, and users of events replaced by it.

pub mod replaced;
pub mod table;
