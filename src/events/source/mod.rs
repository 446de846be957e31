//! Which files the input is and what they say of themselves: found ([`find`]), opened ([`footer`]), their columns looked up
//! ([`columns`], [`roles`]) and put together to what is read ([`plan`]).

pub mod annotated;
pub mod bounds;
pub mod columns;
pub mod delta;
pub mod find;
pub mod find_objects;
pub mod fits;
pub mod folder_rules;
pub mod footer;
pub mod glob;
pub mod hive;
pub mod input_file;
pub mod kind;
pub mod metadata;
pub mod plan;
pub mod recognise;
pub mod roles;
pub mod settle;
pub mod survey;
pub mod thrift;
pub mod walk;
