//! Where bytes are that are not on this machine's disk: objects in S3, Google Cloud Storage and Azure, and files that a web
//! server has.
//!
//! ```text
//! s3://bucket/events ─► Location ─► Store ─► list ─► Object ─► fetch(ranges) ─► Fetched
//!                       what the    client,          size,     joined, at        bytes in
//!                       URL says    credentials      ETag      once, tried again memory
//! ```
//!
//! Requests are asynchronous, and nobody outside of this room can tell: [`client`] waits for them, and ends when the run is
//! interrupted. A request that fails in passing is made again, with growing pauses; what cannot be mended is a
//! [`StorageError`](error::StorageError) that names the object and what to check. Whatever is read of an object is on the
//! condition that it is still the one that was found.

mod aws_profile;
mod azure_account;
pub mod client;
pub mod error;
pub mod fetched;
pub mod kept_footers;
pub mod location;
pub mod object;
pub mod options;
mod pauses;
pub mod post;
pub mod read_at;
pub mod store;
mod trouble;
pub mod writing;
