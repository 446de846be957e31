//! What declared columns, charts and segments hold of the events of each session or user: counts of events, sums,
//! first and last values (SPEC 4, 6).

use std::fmt;

/// Some of the events.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventFilter {
    /// Of one of these types, in ascending order; none for any.
    pub events: Vec<String>,
    /// For which this SQL condition is true; `None` for all.
    pub condition: Option<String>,
}

/// What a column holds for each session, or for each user and date.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holds {
    /// The number of such events.
    Count(EventFilter),
    /// The sum of a property over such events.
    Sum(String, EventFilter),
    /// The first value of a property among such events.
    First(String, EventFilter),
    /// The last one.
    Last(String, EventFilter),
    /// The first value of a property, where events that nothing else tells apart are in the order of their unique ids.
    FirstById(String, EventFilter),
    /// The last one, in that order.
    LastById(String, EventFilter),
    /// The sum of a property, exact where it is of whole numbers.
    Total(String, EventFilter),
    /// The smallest value of a property among such events.
    Min(String, EventFilter),
    /// The largest one.
    Max(String, EventFilter),
    /// How many different values of a property there are among such events.
    Distinct(String, EventFilter),
    /// The different values themselves, in the order of the time of the first event that has each, at one time ascending.
    Values(String, EventFilter),
    /// The shortest time, in microseconds, in which events of each of these kinds follow each other in this order, a
    /// different one for each.
    Shortest(Vec<EventFilter>),
    /// The times of the first events that follow each other in these steps, each the earliest after the one before, as far as
    /// they do.
    Steps(Vec<EventFilter>),
    /// The value of a property of each of such events, in their order; of equal ones ascending, none first.
    Each(String, EventFilter),
    /// The time of each of such events.
    Times(EventFilter),
}

impl Holds {
    /// The events it is about; of several steps, those of each.
    pub fn filters(&self) -> &[EventFilter] {
        match self {
            Holds::Shortest(steps) | Holds::Steps(steps) => steps,
            Holds::Count(filter)
            | Holds::Sum(_, filter)
            | Holds::First(_, filter)
            | Holds::Last(_, filter)
            | Holds::FirstById(_, filter)
            | Holds::LastById(_, filter)
            | Holds::Total(_, filter)
            | Holds::Min(_, filter)
            | Holds::Max(_, filter)
            | Holds::Distinct(_, filter)
            | Holds::Values(_, filter)
            | Holds::Each(_, filter)
            | Holds::Times(filter) => std::slice::from_ref(filter),
        }
    }

    /// The property it is of.
    pub fn property(&self) -> Option<&str> {
        match self {
            Holds::Count(_) | Holds::Shortest(_) | Holds::Steps(_) | Holds::Times(_) => None,
            Holds::Sum(property, _)
            | Holds::First(property, _)
            | Holds::Last(property, _)
            | Holds::FirstById(property, _)
            | Holds::LastById(property, _)
            | Holds::Total(property, _)
            | Holds::Min(property, _)
            | Holds::Max(property, _)
            | Holds::Distinct(property, _)
            | Holds::Values(property, _)
            | Holds::Each(property, _) => Some(property),
        }
    }

    /// A readable name for the column: letters, digits and underscores. Not unique.
    pub fn readable_name(&self) -> String {
        let what = match self {
            Holds::Count(_) => "count",
            Holds::Sum(..) | Holds::Total(..) => "sum",
            Holds::First(..) | Holds::FirstById(..) => "first",
            Holds::Last(..) | Holds::LastById(..) => "last",
            Holds::Min(..) => "min",
            Holds::Max(..) => "max",
            Holds::Distinct(..) => "distinct",
            Holds::Values(..) => "values",
            Holds::Shortest(_) => "shortest",
            Holds::Steps(_) => "steps",
            Holds::Each(..) => "each",
            Holds::Times(_) => "times",
        };
        let mut words = vec![what.to_string()];
        words.extend(self.property().map(plain));
        for filter in self.filters() {
            if !filter.events.is_empty() {
                words.extend(self.property().map(|_| "of".to_string()));
                words.extend(filter.events.iter().map(|event| plain(event)));
            }
            if let Some(condition) = &filter.condition {
                words.extend(["where".to_string(), plain(condition)]);
            }
        }
        words.retain(|word| !word.is_empty());
        words.join("_")
    }
}

/// Text as a part of a column's name: what is no letter or digit is an underscore, none of them twice.
fn plain(text: &str) -> String {
    const LONGEST: usize = 40;
    let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("_").to_lowercase();
    name.chars().take(LONGEST).collect::<String>().trim_end_matches('_').to_string()
}

impl fmt::Display for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holds::Count(_) => write!(f, "count")?,
            Holds::Sum(property, _) => write!(f, "sum of {property}")?,
            Holds::First(property, _) => write!(f, "first {property}")?,
            Holds::Last(property, _) => write!(f, "last {property}")?,
            Holds::FirstById(property, _) => write!(f, "first {property}, by unique id,")?,
            Holds::LastById(property, _) => write!(f, "last {property}, by unique id,")?,
            Holds::Total(property, _) => write!(f, "exact sum of {property}")?,
            Holds::Min(property, _) => write!(f, "smallest {property}")?,
            Holds::Max(property, _) => write!(f, "largest {property}")?,
            Holds::Distinct(property, _) => write!(f, "different values of {property}")?,
            Holds::Values(property, _) => write!(f, "values of {property}")?,
            Holds::Each(property, _) => write!(f, "{property} of each")?,
            Holds::Times(_) => write!(f, "times")?,
            Holds::Shortest(steps) => return write_steps(f, "shortest time", steps),
            Holds::Steps(steps) => return write_steps(f, "times of steps", steps),
        }
        self.filters().iter().try_for_each(|filter| write!(f, " of {filter}"))
    }
}

/// Steps one after the other: conditions are in quotes, so that it is told where each ends.
fn write_steps(f: &mut fmt::Formatter<'_>, what: &str, steps: &[EventFilter]) -> fmt::Result {
    write!(f, "{what}")?;
    for (place, step) in steps.iter().enumerate() {
        let types = EventFilter { events: step.events.clone(), condition: None };
        write!(f, "{} {types}", if place == 0 { " of" } else { ", then" })?;
        if let Some(condition) = &step.condition {
            write!(f, " where {condition:?}")?;
        }
    }
    Ok(())
}

impl fmt::Display for EventFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.events.is_empty() {
            write!(f, "any event")?;
        }
        for (place, event) in self.events.iter().enumerate() {
            write!(f, "{}\"{event}\"", if place == 0 { "" } else { ", " })?;
        }
        match &self.condition {
            Some(condition) => write!(f, " where {condition}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_a_column_holds() {
        let of = |event: &str, condition: &str| EventFilter {
            events: Some(event.to_string()).filter(|event| !event.is_empty()).into_iter().collect(),
            condition: Some(condition.to_string()).filter(|condition| !condition.is_empty()),
        };
        let names = [
            Holds::Count(of("page_view", "")),
            Holds::Count(of("page_view", "page LIKE '/pricing%'")),
            Holds::First("utm_source".into(), of("", "")),
            Holds::Last("event_properties.page_title".into(), of("Page View", "")),
            Holds::Sum("revenue".into(), of("purchase", "revenue > 10")),
        ]
        .map(|holds| (holds.readable_name(), holds.to_string()));
        let expected = [
            ("count_page_view", "count of \"page_view\""),
            ("count_page_view_where_page_like_pricing", "count of \"page_view\" where page LIKE '/pricing%'"),
            ("first_utm_source", "first utm_source of any event"),
            ("last_event_properties_page_title_of_page_view", "last event_properties.page_title of \"Page View\""),
            ("sum_revenue_of_purchase_where_revenue_10", "sum of revenue of \"purchase\" where revenue > 10"),
        ];
        assert_eq!(names.map(|(name, _)| name), expected.map(|(name, _)| name));
        let texts = expected.map(|(_, text)| text);
        assert_eq!(
            [
                Holds::Count(of("page_view", "")),
                Holds::Count(of("page_view", "page LIKE '/pricing%'")),
                Holds::First("utm_source".into(), of("", "")),
                Holds::Last("event_properties.page_title".into(), of("Page View", "")),
                Holds::Sum("revenue".into(), of("purchase", "revenue > 10")),
            ]
            .map(|holds| holds.to_string()),
            texts
        );
    }
}
