//! The columns that charts add to the sessions tables, and segments to their activity tables: a pure
//! function of the job (SPEC 6).

use std::collections::BTreeSet;

use super::chart::Chart;
use super::error::JobError;
use super::holds::Holds;
use super::segment::Segment;

/// The columns of every sessions table, and the key of its folders.
const OF_SESSIONS: [&str; 10] = [
    "session_date",
    "user_id",
    "session_id",
    "start_time",
    "end_time",
    "length_ms",
    "event_count",
    "first_event",
    "last_event",
    "end_reason",
];
/// The other columns of every activity table.
const OF_ACTIVITY: [&str; 3] = ["activity_date", "events", "hours"];

/// The name of the column of the property that sessions share.
pub fn property_column(property: &str) -> String {
    match is_one_of(&OF_SESSIONS, property) {
        true => format!("property_{property}"),
        false => property.to_string(),
    }
}

/// The name of the column of which each value is a segment.
pub fn by_column(by: &str, property: Option<&str>) -> String {
    let is_property = property.is_some_and(|property| property_column(property).eq_ignore_ascii_case(by));
    match is_one_of(&OF_SESSIONS, by) || is_one_of(&OF_ACTIVITY, by) || is_property {
        true => format!("segment_{by}"),
        false => by.to_string(),
    }
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    // Engines that read the tables often take names without regard to case.
    names.iter().any(|fixed| fixed.eq_ignore_ascii_case(name))
}

/// A column of a table, besides those that every table of its kind has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedColumn {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub holds: Holds,
}

/// The columns added to one table, each once, in an order that follows from what they hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddedColumns(Vec<AddedColumn>);

impl AddedColumns {
    /// What the charts of a job need to know of sessions. `taken` are the names of the table's own columns.
    ///
    /// # Errors
    /// A column that was given two names, or a name that is taken.
    pub fn of_charts(charts: &[Chart], taken: &[String]) -> Result<Self, JobError> {
        let holds = charts.iter().flat_map(Chart::holds).cloned().collect();
        let named: Vec<_> = charts.iter().flat_map(|chart| chart.named.iter().cloned()).collect();
        AddedColumns::named(holds, &named, taken)
    }

    /// What a segment needs to know of its users on each date.
    ///
    /// # Errors
    /// As [`AddedColumns::of_charts`].
    pub fn of_segment(segment: &Segment, taken: &[String]) -> Result<Self, JobError> {
        let holds = segment.performed.iter().map(|performed| performed.count.clone()).collect();
        AddedColumns::named(holds, &segment.named, taken)
    }

    fn named(holds: BTreeSet<Holds>, named: &[(Holds, String)], taken: &[String]) -> Result<Self, JobError> {
        // Engines that read the tables often take names without regard to case.
        let mut used: BTreeSet<String> = taken.iter().map(|name| name.to_lowercase()).collect();
        let mut given: Vec<&(Holds, String)> = Vec::new();
        for pair in named {
            let (holds, name) = pair;
            match given.iter().find(|(known, _)| known == holds) {
                Some((_, other)) if other == name => continue,
                Some((_, other)) => {
                    let (name, other) = (name.clone(), other.clone());
                    return Err(JobError::TwoNames { name, other, holds: holds.to_string() });
                }
                None if !used.insert(name.to_lowercase()) => {
                    let by = "another column of the same table".to_string();
                    return Err(JobError::Taken { key: "column", name: name.clone(), by });
                }
                None => given.push(pair),
            }
        }
        let mut columns = Vec::new();
        for holds in holds {
            let name = match given.iter().find(|(known, _)| *known == holds) {
                Some((_, name)) => name.clone(),
                None => free_name(&holds.readable_name(), &mut used),
            };
            columns.push(AddedColumn { name, holds });
        }
        Ok(AddedColumns(columns))
    }

    /// The columns that a job adds to the sessions tables, and to the activity table of each segment.
    ///
    /// # Errors
    /// A column that was given two names, or a name that is taken.
    pub fn of_job(
        charts: &[Chart],
        segments: &[Segment],
        property: Option<&str>,
    ) -> Result<(AddedColumns, Vec<AddedColumns>), JobError> {
        let mut taken: Vec<String> =
            [&OF_SESSIONS[..], &OF_ACTIVITY[..]].concat().iter().map(|name| name.to_string()).collect();
        taken.extend(property.map(property_column));
        taken.extend(segments.iter().filter_map(|segment| Some(by_column(segment.by()?, property))));
        let sessions = AddedColumns::of_charts(charts, &taken)?;
        let activity = segments.iter().map(|segment| AddedColumns::of_segment(segment, &taken));
        Ok((sessions, activity.collect::<Result<_, _>>()?))
    }

    /// The columns in order.
    pub fn columns(&self) -> &[AddedColumn] {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of the column that holds something.
    pub fn name_of(&self, holds: &Holds) -> Option<&str> {
        self.0.iter().find(|column| column.holds == *holds).map(|column| column.name.as_str())
    }

    /// Name and contents of each as text, for the metadata of a table.
    pub fn text(&self) -> String {
        self.0.iter().map(|column| format!("{} = {}\n", column.name, column.holds)).collect()
    }
}

fn free_name(name: &str, used: &mut BTreeSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let mut names = std::iter::once(name.to_string()).chain(numbered);
    let free = names.find(|name| used.insert(name.to_lowercase()));
    free.unwrap_or_else(|| name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::JobFile;
    use std::path::Path;

    fn added(text: &str) -> Result<Vec<String>, String> {
        let job = JobFile::parse(text, Path::new("job")).map_err(|error| error.to_string())?;
        let segments = Segment::all_of(job.segment).map_err(|error| error.to_string())?;
        let charts = Chart::all_of(job.chart, &segments).map_err(|error| error.to_string())?;
        let columns = AddedColumns::of_charts(&charts, &["user_id".to_string()]).map_err(|error| error.to_string())?;
        Ok(columns.columns().iter().map(|column| column.name.clone()).collect())
    }

    #[test]
    fn what_two_charts_need_is_one_column_and_every_name_is_its_own() {
        let names = added(
            "[[chart]]\nname = 'a'\ncontains = [{ event = 'x' }, { event = 'X!' }]\n\
             [[chart]]\nname = 'b'\ncount = { event = 'x', property = 'p' }\ngroup_by = { last = 'p' }\n",
        );
        assert_eq!(names.expect("fine"), ["count_x", "count_x_2", "sum_p_of_x", "last_p"]);
    }

    #[test]
    fn a_chart_may_name_its_columns_but_not_twice_and_not_as_others() {
        let chart = |name: &str, column: &str| {
            format!("[[chart]]\nname = '{name}'\ncontains = [{{ event = 'x', column = '{column}' }}]\n")
        };
        assert_eq!(added(&chart("a", "views")).expect("fine"), ["views"]);
        assert_eq!(added(&(chart("a", "views") + &chart("b", "views"))).expect("fine"), ["views"]);
        assert!(added(&(chart("a", "views") + &chart("b", "others"))).expect_err("two names").contains("views"));
        assert!(added(&chart("a", "User_ID")).expect_err("taken").contains("another column"));
    }
}
