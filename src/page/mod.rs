//! Pages to look at: HTML files that open anywhere, without a network and without anything else beside them.
//!
//! Pictures are inline SVG over the whole width of their place: positions across are percentages, text and lines keep their
//! size, so that one picture is legible on a telephone and on a wall. A [`picture::Picture`] is drawn by [`plot`] (over
//! time), [`ranked`] (a bar a row) or [`heat`] (hours and weekdays), has its figures in a [`table`] beneath, and takes
//! [`colours`] of the page, where a name has one colour. A [`shell`] makes a page of them. Nothing here knows of sessions.

pub mod axis;
pub mod colours;
pub mod heat;
pub mod number;
pub mod picture;
pub mod plot;
pub mod ranked;
pub mod scale;
pub mod shell;
pub mod standalone;
pub mod table;
