//! The columns that an examination reads beside those of a run: platform, library, source, device, and when an
//! event arrived.

use std::sync::Arc;

use crate::events::error::InputError;
use crate::events::facts::Facts;
use crate::events::source::columns::{ColumnRef, Columns, Source};
use crate::events::source::footer::Footer;
use crate::events::source::kind::Kind;
use crate::job::source::Source as KnownSource;

/// What a column beside those of a run says of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// What it happened on.
    Platform,
    /// What recorded it.
    Library,
    /// Where it came from.
    Source,
    /// The device.
    Device,
}

impl Aspect {
    const ALL: [Aspect; 4] = [Aspect::Platform, Aspect::Library, Aspect::Source, Aspect::Device];

    /// The flag that names its column.
    fn flag(self) -> &'static str {
        match self {
            Aspect::Platform => "--platform",
            Aspect::Library => "--library",
            Aspect::Source => "--source-column",
            Aspect::Device => "--device",
        }
    }

    /// The columns that are taken for it where the flag is not given; a source has some inside of others.
    fn known(self, source: Option<KnownSource>) -> impl Iterator<Item = &'static str> {
        let of_source: &[&str] = match (source, self) {
            (Some(KnownSource::Posthog), Aspect::Platform) => &["properties.$os"],
            (Some(KnownSource::Posthog), Aspect::Library) => &["properties.$lib"],
            (Some(KnownSource::Posthog | KnownSource::Mixpanel), Aspect::Device) => &["properties.$device_id"],
            (Some(KnownSource::Mixpanel), Aspect::Platform) => &["properties.$os"],
            (Some(KnownSource::Mixpanel), Aspect::Library) => &["properties.mp_lib"],
            (Some(KnownSource::Snowplow), Aspect::Library) => &["v_tracker"],
            (Some(KnownSource::Rudderstack | KnownSource::Segment), Aspect::Platform) => &["context_os_name"],
            (Some(KnownSource::Rudderstack | KnownSource::Segment), Aspect::Device) => &["anonymous_id"],
            _ => &[],
        };
        of_source.iter().chain(self.usual()).copied()
    }

    /// The columns that are taken for it whatever the source.
    fn usual(self) -> &'static [&'static str] {
        match self {
            Aspect::Platform => &["platform", "os_name", "device_platform"],
            Aspect::Library => &["library", "context_library_name", "context.library.name", "sdk", "$lib", "mp_lib"],
            Aspect::Source => &["source", "event_source", "source_type"],
            Aspect::Device => &["device_id", "$device_id"],
        }
    }
}

/// Columns of arrival that are known.
const ARRIVALS: [&str; 6] =
    ["server_upload_time", "server_received_time", "received_at", "ingestion_time", "arrival_date", "ingestion_date"];

/// The columns that flags name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// `--platform`.
    pub platform: Option<String>,
    /// `--library`.
    pub library: Option<String>,
    /// `--source-column`.
    pub source: Option<String>,
    /// `--device`.
    pub device: Option<String>,
    /// `--arrival`.
    pub arrival: Option<String>,
}

impl Named {
    fn of(&self, aspect: Aspect) -> Option<&str> {
        match aspect {
            Aspect::Platform => self.platform.as_deref(),
            Aspect::Library => self.library.as_deref(),
            Aspect::Source => self.source.as_deref(),
            Aspect::Device => self.device.as_deref(),
        }
    }
}

/// The columns that there are.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// What is said of events, and by which column, in the order of their facts.
    pub aspects: Vec<(Aspect, ColumnRef)>,
    /// When an event arrived: the fact after these.
    pub arrival: Option<ColumnRef>,
}

impl Beside {
    /// Finds them: those that are named have to be there. The source of the events has some of its own.
    ///
    /// # Errors
    /// A column that is named and not there, or does not hold what it has to.
    pub fn find(footers: &[Footer], named: &Named, source: Option<KnownSource>) -> Result<Self, InputError> {
        let columns = Columns::of(footers);
        let mut aspects = Vec::new();
        for aspect in Aspect::ALL {
            let found = match named.of(aspect) {
                Some(name) => {
                    Some(named_column(&columns, aspect.flag(), name, "it is a single value", Kind::is_scalar)?)
                }
                None => first_of(&columns, aspect.known(source), Kind::is_scalar),
            };
            aspects.extend(found.map(|column| (aspect, column)));
        }
        let arrival = match &named.arrival {
            Some(name) => {
                Some(named_column(&columns, "--arrival", name, "an arrival is a date or timestamp", is_date)?)
            }
            None => first_of(&columns, ARRIVALS.into_iter(), is_date).or_else(|| date_folder(footers, &columns)),
        };
        Ok(Beside { aspects, arrival })
    }

    /// As facts of events; `None` where there is nothing.
    pub fn facts(&self) -> Option<Arc<Facts>> {
        if self.aspects.is_empty() && self.arrival.is_none() {
            return None;
        }
        let texts = self.aspects.iter().map(|(_, column)| column.clone()).collect();
        Some(Facts::beside(texts, self.arrival.iter().cloned().collect()))
    }

    /// The place of an aspect among them.
    pub fn place(&self, aspect: Aspect) -> Option<usize> {
        self.aspects.iter().position(|(known, _)| *known == aspect)
    }

    /// The column of an aspect, as the job would spell it.
    pub fn column(&self, aspect: Aspect) -> Option<&str> {
        self.place(aspect).map(|place| self.aspects[place].1.spelled.as_str())
    }
}

fn is_date(kind: &Kind) -> bool {
    matches!(kind, Kind::Date | Kind::Timestamp(_))
}

fn named_column(
    columns: &Columns<'_>,
    flag: &'static str,
    name: &str,
    accepted: &str,
    fits: impl Fn(&Kind) -> bool,
) -> Result<ColumnRef, InputError> {
    let column = columns.require(flag, name, "")?;
    if fits(&column.kind) {
        return Ok(column);
    }
    let found = column.kind.in_words();
    Err(InputError::WrongType { column: name.to_string(), key: flag, found, accepted: accepted.to_string() })
}

/// The first of some columns that is there and fits: nobody asked for it, so that one that does not is none.
fn first_of(
    columns: &Columns<'_>,
    names: impl Iterator<Item = &'static str>,
    fits: impl Fn(&Kind) -> bool,
) -> Option<ColumnRef> {
    let mut found = names.filter_map(|name| columns.find(name).ok().flatten());
    found.find(|column| fits(&column.kind))
}

/// The first `key=date` folder: files lie where the day put them on which they came.
fn date_folder(footers: &[Footer], columns: &Columns<'_>) -> Option<ColumnRef> {
    let keys = footers.first()?.file.hive.iter().map(|(key, _)| key);
    let mut found = keys.filter_map(|key| columns.find(key).ok().flatten());
    found.find(|column| column.source == Source::Hive && column.kind == Kind::Date)
}
