//! What benches and examples use of the kernel, of what reads events and of what writes tables; no promise is made for it.

pub use crate::events::decode::coded::coded;
pub use crate::events::normalise::unread::Unread;
pub use crate::events::source::columns::{ColumnRef, Source};
pub use crate::events::source::kind::Kind;
pub use crate::events::source::roles::{KeyType, Roles};
pub use crate::sessionize::event_types::{EventTypes, Role};
pub use crate::sessionize::layout::block::Block;
pub use crate::sessionize::layout::columns::{Coded, EventBatch, KeyColumn, TextColumn, ValueColumn, Values};
pub use crate::sessionize::layout::scatter::{scatter, Partitions};
pub use crate::sessionize::order::put_in_order;
pub use crate::sessionize::partition::{sessionize, Partition};
pub use crate::sessionize::partition_rows::PartitionRows;
pub use crate::sessionize::preaggregate::PreAggregator;
pub use crate::sessionize::rows::{PlainEvent, Row};
pub use crate::sessionize::rule::{CustomRule, Looks, Rule, Silence, Verdict, Watched};
pub use crate::sessionize::table_rows::merge::{AllUsers, ByDate};
pub use crate::sessionize::time::calendar::Calendar;
pub use crate::sessionize::time::dates::DateSet;
pub use crate::sessionize::time::{Span, Timestamp};
pub use crate::sessionize::user::Rules;
pub use crate::tables::schema::sessions::{TableColumns, To};
pub use crate::tables::write::parquet_file::Provenance;
