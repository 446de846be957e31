//! Section 3: options without effect are errors.

use super::*;

/// One event, so that only the definition can be wrong.
fn one_event_under(definition: Definition) -> Story {
    under(definition).view("ann", "10:00").id(1).order("a")
}

#[test]
fn length_from_under_a_custom_definition_is_an_error() {
    let definition = Definition { length_from: Some(LengthFrom::FirstEvent), ..timeout(MINUTE) };
    one_event_under(definition).fails(2, &["length_from"]);
}

#[test]
fn gap_equal_under_the_default_definition_is_an_error() {
    let definition = Definition { gap_equal: Some(GapEqual::Join), ..nothing() };
    one_event_under(definition).fails(2, &["gap_equal"]);
}

#[test]
fn max_gap_beside_a_timeout_is_an_error() {
    let definition = Definition { max_gap: Some(Limit::Of(DAY)), ..timeout(MINUTE) };
    one_event_under(definition).fails(2, &["max_gap"]);
}

#[test]
fn unclosed_without_an_ending_event_is_an_error() {
    let definition = Definition { unclosed: Some(Unclosed::Drop), ..starting(&["open"]) };
    one_event_under(definition).fails(2, &["unclosed"]);
}

#[test]
fn repeated_start_without_a_starting_event_is_an_error() {
    let definition = Definition { repeated_start: Some(RepeatedStart::Continue), ..ending(&["close"]) };
    one_event_under(definition).fails(2, &["repeated_start"]);
}

#[test]
fn a_starting_event_that_is_inactive_is_an_error() {
    one_event_under(inactive("open", starting(&["open"]))).fails(2, &["open", "inactive"]);
}

#[test]
fn an_ending_event_that_is_inactive_is_an_error() {
    one_event_under(inactive("quit", ending(&["close", "quit"]))).fails(2, &["quit", "inactive"]);
}

#[test]
fn an_event_type_that_starts_and_ends_is_an_error() {
    let definition = Definition { end_event: vec!["open".to_owned()], ..starting(&["open"]) };
    one_event_under(definition).fails(2, &["open"]);
}

#[test]
fn a_duration_of_zero_is_an_error() {
    one_event_under(nothing()).line("session", "timeout = \"0s\"").fails(2, &["timeout"]);
    one_event_under(nothing()).line("session", "max_gap = \"0s\"").fails(2, &["max_gap"]);
    one_event_under(nothing()).line("session", "max_length = \"0ms\"").fails(2, &["max_length"]);
}

#[test]
fn a_bare_number_is_no_duration() {
    one_event_under(nothing()).line("session", "timeout = 30").fails(2, &["timeout"]);
    one_event_under(nothing()).line("session", "timeout = \"30\"").fails(2, &["timeout"]);
}
