//! Whether the data is sound.

use super::{event, from, sound, with_events, within};
use crate::reference::Event;
use crate::support::{Layout, Sandbox};

#[test]
fn repeated_uploads_are_counted_where_a_unique_id_is_named() {
    let mut events = sound();
    events.iter_mut().zip(["a", "b", "a", "c"]).for_each(|(event, id)| event.dedup = Some(id.to_owned()));
    // Ann's and Bob's own ids are not the same.
    assert_eq!(with_events(&events).asks(&["--dedup", "insert_id"]).figure("duplicates"), (0, 4));
    events.push(Event { dedup: Some("b".to_owned()), ..within("10:00", "ann", "10:04", "view") });
    let sandbox = with_events(&events);
    let said = sandbox.asks(&["--dedup", "insert_id"]);
    assert_eq!((said.figure("duplicates"), said.level("duplicates")), ((1, 5), "warning"));
    let said = sandbox.asks(&[]);
    let left = said.0["questions"][6]["left_out"].to_string();
    assert!(left.contains("--dedup insert_id"), "a column that looks like one is offered: {left}");
}

#[test]
fn events_later_than_now_are_in_the_future() {
    let soon = event("ann", "2095-01-01 10:00", "view");
    let said = with_events(&[sound(), vec![soon]].concat()).asks(&[]);
    assert_eq!(said.figure("future"), (1, 5));
    assert_eq!(said.users("future", "future"), [("ann", 1)]);
    assert_ne!(said.level("future"), "fine");
    assert_eq!(with_events(&sound()).asks(&[]).figure("future"), (0, 4));
}

#[test]
fn a_user_on_two_devices_at_once_is_found() {
    let seen = |device: &str, time: &str| from(device, within("10:00", "ann", time, "view"));
    let at_once = [seen("d1", "10:00"), seen("d2", "10:10"), seen("d1", "10:30")];
    let said = with_events(&at_once).asks(&["--device", "order_id"]);
    assert_eq!(said.figure("devices"), (1, 1));
    assert_eq!(said.users("devices", "devices"), [("ann", 1)]);
    // One after the other, or back after more than half an hour: not at once.
    let after = [seen("d1", "10:00"), seen("d1", "10:10"), seen("d2", "10:11"), seen("d2", "10:12")];
    assert_eq!(with_events(&after).asks(&["--device", "order_id"]).figure("devices"), (0, 1));
    let back = [seen("d1", "10:00"), seen("d2", "10:10"), seen("d1", "10:30:00.000001")];
    assert_eq!(with_events(&back).asks(&["--device", "order_id"]).figure("devices"), (0, 1));
}

#[test]
fn sessions_of_one_user_that_overlap_are_counted() {
    let overlapping = [sound(), vec![within("10:02", "ann", "10:02", "view"), within("10:02", "ann", "10:09", "view")]];
    let said = with_events(&overlapping.concat()).asks(&[]);
    assert_eq!(said.figure("overlapping_sessions"), (1, 3));
    assert_eq!(said.users("overlapping_sessions", "overlap"), [("ann", 1)]);
    let touching = [sound(), vec![within("10:03", "ann", "10:05", "view")]].concat();
    assert_eq!(with_events(&touching).asks(&[]).figure("overlapping_sessions"), (0, 3));
}

#[test]
fn lateness_is_read_from_the_folder_that_a_day_put_files_in() {
    let sandbox = Sandbox::new();
    let layout = Layout::default();
    sandbox.events("event_date=2026-01-05/a.parquet", &layout, &sound());
    let of = |time: &str| within(time, "ann", time, "view");
    let late = [of("10:30"), of("2026-01-06 10:00"), of("2026-01-08 10:00"), of("2026-01-09 00:00")];
    sandbox.events("event_date=2026-01-08/a.parquet", &layout, &late);
    let said = sandbox.asks(&[]);
    assert_eq!(said.figure("late"), (2, 8));
    assert_eq!(said.causes("late"), [("2_to_3_days_late", 2)].into());
    assert_eq!(said.by("late", "day"), ["2026-01-05 1 5", "2026-01-06 1 1"]);
    assert_eq!(said.figure("early"), (1, 8));
    // And where no folder has a date, from a column.
    let said = with_events(&sound()).asks(&["--arrival", "event_time"]);
    assert_eq!((said.figure("late"), said.figure("early")), ((0, 4), (0, 4)));
}

#[test]
fn days_without_events_are_named() {
    let on = |day: &str| within(&format!("{day} 10:00"), "ann", &format!("{day} 10:00"), "view");
    let events = [on("2026-01-01"), on("2026-01-02"), on("2026-01-04"), on("2026-01-07"), on("2026-01-08")];
    let said = with_events(&events).asks(&[]);
    assert_eq!(said.figure("empty_days"), (3, 8));
    assert_eq!(said.causes("empty_days"), [("2026-01-03", 1), ("2026-01-05 to 2026-01-06", 2)].into());
    let said = with_events(&events[..2]).asks(&[]);
    assert_eq!(said.figure("empty_days"), (0, 2));
    // Days are those of the output's time zone.
    let said = with_events(&[event("ann", "2026-01-01 23:30", "view"), on("2026-01-03")])
        .asks(&["--timezone", "Europe/Paris"]);
    assert_eq!(said.figure("empty_days"), (0, 2));
}
