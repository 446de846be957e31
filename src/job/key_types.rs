//! What each key of a job file takes, for messages in the user's words: the types that keys are read into know no examples.

use toml::de::DeValue;

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Text,
    /// One text or several.
    Texts,
    /// Text, also without quotes where it is a number; whether it is one is judged later.
    Duration,
    /// As for durations, or keys of which each takes one.
    Durations,
    /// As for durations.
    Date,
    /// Any keys, of which each takes text.
    Named,
    Whole,
    Wholes,
    /// `true` or `false`.
    Truth,
    /// As for truths, or a list of texts.
    NamesOrTruth,
    /// Any value, which is judged later.
    Value,
    /// Keys of its own.
    Keys,
    KeysList,
    KeysOrList,
    /// The word `sessions`, or keys.
    Count,
}

use Takes::{
    Count, Date, Duration, Durations, Keys, KeysList, KeysOrList, Named, NamesOrTruth, Text, Texts, Truth, Value,
    Whole, Wholes,
};

/// Each key with an example. Those of a series are those of a chart.
const KEYS: [(&str, Takes, &str); 166] = [
    ("input.path", Texts, "\"data/events\""),
    ("input.version", Whole, "42"),
    ("input.source", Text, "\"amplitude\""),
    ("input.user", Texts, "\"user_id\""),
    ("input.user_type", Text, "\"text\""),
    ("input.time", Text, "\"event_time\""),
    ("input.time_unit", Text, "\"ms\""),
    ("input.event", Text, "\"event_type\""),
    ("input.session_id", Text, "\"session_id\""),
    ("input.sequence", Text, "\"event_id\""),
    ("input.dedup", Text, "\"$insert_id\""),
    ("input.dedup_within", Duration, "\"7d\""),
    ("input.where", Text, "\"platform <> 'bot'\""),
    ("input.inactive", Texts, "[\"push_received\"]"),
    ("input.min_time", Date, "\"2000-01-01\""),
    ("input.max_time", Date, "\"2100-01-01\""),
    ("input.aliases", Keys, "{ path = \"aliases\", from = \"from\", to = \"to\", since = \"since\" }"),
    ("input.aliases.path", Texts, "\"aliases\""),
    ("input.aliases.from", Text, "\"from\""),
    ("input.aliases.to", Text, "\"to\""),
    ("input.aliases.since", Text, "\"since\""),
    ("input.aliases.since_unit", Text, "\"ms\""),
    ("input.derive", Named, "{ channel = \"CASE WHEN utm_source = 'google' THEN 'search' ELSE 'other' END\" }"),
    ("input.storage", Keys, "{ region = \"eu-west-1\" }"),
    ("input.storage.endpoint", Text, "\"https://minio.example.com\""),
    ("input.storage.region", Text, "\"eu-west-1\""),
    ("input.storage.path_style", Truth, "true"),
    ("input.storage.allow_http", Truth, "true"),
    ("input.storage.skip_signature", Truth, "true"),
    ("input.storage.request_payer", Truth, "true"),
    ("input.storage.concurrency", Whole, "16"),
    ("input.storage.retry_timeout", Duration, "\"3m\""),
    ("session.id_unit", Text, "\"ms\""),
    ("session.at_midnight", Text, "\"split\""),
    ("session.new_on_change", Texts, "[\"utm_campaign\"]"),
    ("session.property", Text, "\"order_id\""),
    ("session.start_event", Texts, "\"app_open\""),
    ("session.end_event", Texts, "\"app_close\""),
    ("session.timeout", Durations, "\"30m\""),
    ("session.max_gap", Duration, "\"7d\""),
    ("session.gap_equal", Text, "\"split\""),
    ("session.unclosed", Text, "\"drop\""),
    ("session.repeated_start", Text, "\"continue\""),
    ("session.max_length", Duration, "\"1d\""),
    ("session.length_from", Text, "\"first_event\""),
    ("output.path", Text, "\"out\""),
    ("output.copy", Text, "\"/var/cache/dwell\""),
    ("output.storage", Keys, "{ region = \"eu-west-1\" }"),
    ("output.storage.endpoint", Text, "\"https://minio.example.com\""),
    ("output.storage.region", Text, "\"eu-west-1\""),
    ("output.storage.path_style", Truth, "true"),
    ("output.storage.allow_http", Truth, "true"),
    ("output.storage.skip_signature", Truth, "true"),
    ("output.storage.request_payer", Truth, "true"),
    ("output.storage.concurrency", Whole, "16"),
    ("output.storage.retry_timeout", Duration, "\"3m\""),
    ("output.timezone", Text, "\"Europe/Paris\""),
    ("output.since", Date, "\"2026-01-01\""),
    ("output.until", Date, "\"2026-12-31\""),
    ("output.csv_formulas", Text, "\"keep\""),
    ("output.week_start", Text, "\"sunday\""),
    ("output.year_start", Text, "\"april\""),
    ("output.history", Truth, "true"),
    ("output.events", NamesOrTruth, "[\"page\"]"),
    ("storage.endpoint", Text, "\"https://minio.example.com\""),
    ("storage.region", Text, "\"eu-west-1\""),
    ("storage.path_style", Truth, "true"),
    ("storage.allow_http", Truth, "true"),
    ("storage.skip_signature", Truth, "true"),
    ("storage.request_payer", Truth, "true"),
    ("storage.concurrency", Whole, "16"),
    ("storage.retry_timeout", Duration, "\"3m\""),
    ("segment.name", Text, "\"mobile\""),
    ("segment.where", Text, "\"platform = 'ios'\""),
    ("segment.by", Texts, "\"country\""),
    ("segment.performed", KeysList, "[{ event = \"purchase\", at_least = 1 }]"),
    ("segment.performed.event", Text, "\"purchase\""),
    ("segment.performed.where", Text, "\"revenue > 10\""),
    ("segment.performed.at_least", Whole, "1"),
    ("segment.performed.at_most", Whole, "5"),
    ("segment.performed.column", Text, "\"purchases\""),
    ("segment.users", Text, "\"new\""),
    ("column.name", Text, "\"channel\""),
    ("column.first", Text, "\"utm_source\""),
    ("column.last", Text, "\"page\""),
    ("column.sum", Text, "\"revenue\""),
    ("column.min", Text, "\"price\""),
    ("column.max", Text, "\"price\""),
    ("column.distinct", Text, "\"page\""),
    ("column.count", Text, "\"page_view\""),
    ("column.event", Texts, "[\"page_view\", \"screen_view\"]"),
    ("column.where", Text, "\"platform = 'ios'\""),
    ("column.when", Text, "\"event_count = 1 AND length_ms < 10000\""),
    ("chart.name", Text, "\"visits\""),
    ("chart.interval", Text, "\"week\""),
    ("chart.segments", Texts, "[\"all\", \"mobile\"]"),
    ("chart.from", Date, "\"2026-01-01\""),
    ("chart.to", Date, "\"2026-12-31\""),
    ("chart.count", Count, "{ event = \"page_view\" }"),
    ("chart.count.event", Text, "\"page_view\""),
    ("chart.count.where", Text, "\"page LIKE '/pricing%'\""),
    ("chart.count.property", Text, "\"revenue\""),
    ("chart.count.column", Text, "\"page_views\""),
    ("chart.min_length", Duration, "\"10s\""),
    ("chart.max_length", Duration, "\"30m\""),
    ("chart.contains", KeysList, "[{ event = \"page_view\", at_least = 2 }]"),
    ("chart.contains.event", Text, "\"page_view\""),
    ("chart.contains.where", Text, "\"page LIKE '/pricing%'\""),
    ("chart.contains.at_least", Whole, "1"),
    ("chart.contains.at_most", Whole, "5"),
    ("chart.contains.column", Text, "\"page_views\""),
    ("chart.first", KeysOrList, "{ property = \"page\", op = \"is\", value = \"/\" }"),
    ("chart.first.property", Text, "\"page\""),
    ("chart.first.event", Text, "\"page_view\""),
    ("chart.first.where", Text, "\"platform = 'ios'\""),
    ("chart.first.op", Text, "\"is\""),
    ("chart.first.value", Value, "\"/\""),
    ("chart.first.column", Text, "\"first_page\""),
    ("chart.last", KeysOrList, "{ property = \"page\", op = \"is\", value = \"/\" }"),
    ("chart.last.property", Text, "\"page\""),
    ("chart.last.event", Text, "\"page_view\""),
    ("chart.last.where", Text, "\"platform = 'ios'\""),
    ("chart.last.op", Text, "\"is\""),
    ("chart.last.value", Value, "\"/\""),
    ("chart.last.column", Text, "\"last_page\""),
    ("chart.sessions", Text, "\"is_engaged AND event_count >= 2\""),
    ("chart.sequence", Keys, "{ steps = [{ event = \"view_item\" }, { event = \"purchase\" }], within = \"10m\" }"),
    ("chart.sequence.steps", KeysList, "[{ event = \"view_item\" }, { event = \"purchase\" }]"),
    ("chart.sequence.steps.event", Text, "\"purchase\""),
    ("chart.sequence.steps.where", Text, "\"revenue > 50\""),
    ("chart.sequence.within", Duration, "\"10m\""),
    ("chart.sequence.column", Text, "\"time_to_purchase_us\""),
    ("chart.group_by", KeysOrList, "{ first = \"utm_source\" }"),
    ("chart.group_by.first", Text, "\"utm_source\""),
    ("chart.group_by.last", Text, "\"page\""),
    ("chart.group_by.any", Text, "\"page\""),
    ("chart.group_by.event", Text, "\"page_view\""),
    ("chart.group_by.where", Text, "\"platform = 'ios'\""),
    ("chart.group_by.top", Whole, "10"),
    ("chart.group_by.column", Text, "\"source\""),
    ("chart.bins", Keys, "{ min = \"1m\", max = \"30m\", size = \"5m\" }"),
    ("chart.bins.min", Duration, "\"1m\""),
    ("chart.bins.max", Duration, "\"30m\""),
    ("chart.bins.size", Duration, "\"5m\""),
    ("chart.buckets", Wholes, "[0, 1, 2, 5, 10]"),
    ("chart.series", KeysList, "[{ count = { event = \"purchase\" } }, {}]"),
    ("chart.funnel", Keys, "{ steps = [{ event = \"view_item\" }, { event = \"purchase\" }], within = \"1h\" }"),
    ("chart.funnel.steps", KeysList, "[{ event = \"view_item\" }, { event = \"purchase\" }]"),
    ("chart.funnel.steps.name", Text, "\"bought\""),
    ("chart.funnel.steps.event", Text, "\"purchase\""),
    ("chart.funnel.steps.where", Text, "\"revenue > 50\""),
    ("chart.funnel.within", Duration, "\"1h\""),
    ("chart.funnel.column", Text, "\"reached\""),
    ("chart.time_on", Keys, "{ property = \"page\", event = \"page_view\" }"),
    ("chart.time_on.property", Text, "\"page\""),
    ("chart.time_on.event", Text, "\"page_view\""),
    ("chart.time_on.where", Text, "\"platform = 'web'\""),
    ("chart.time_on.cap", Duration, "\"30m\""),
    ("chart.time_on.top", Whole, "100"),
    ("chart.formula", Text, "\"SESSIONTOTALS(A) / UNIQUES(A)\""),
    ("chart.formulas", Texts, "[\"SESSIONTOTALS(A)\", \"UNIQUES(A)\"]"),
    ("chart.preset", Text, "\"bounce_rate\""),
    ("chart.property", Text, "\"page\""),
    ("chart.event", Text, "\"page_view\""),
    ("chart.level", Text, "\"event\""),
    ("chart.top", Whole, "10"),
];

/// Every key with an example, as a job has it. Those of a series are those of a chart.
pub fn examples() -> impl Iterator<Item = (&'static str, &'static str)> {
    KEYS.iter().map(|(key, _, example)| (*key, *example))
}

/// What is wrong with the value of a key: what it is, what the key takes and an example. `None` where it fits, and for
/// keys of which nothing is said here.
pub fn misfit(key: &str, value: &DeValue<'_>) -> Option<String> {
    let of_chart = key.strip_prefix("chart.series.").map(|key| format!("chart.{key}"));
    let known = of_chart.as_deref().unwrap_or(key);
    let (_, takes, example) = KEYS.iter().find(|(name, ..)| *name == known)?;
    let name = key.rsplit('.').next().unwrap_or(key);
    let found = takes.misfit(value)?;
    Some(format!("is {found}, and takes {}, for instance {name} = {example}", takes.words()))
}

impl Takes {
    /// What a value is that the key does not take.
    fn misfit(self, value: &DeValue<'_>) -> Option<String> {
        let each = |takes: Takes| match value {
            DeValue::Array(values) => {
                let wrong = values.iter().find_map(|value| takes.misfit(value.get_ref()));
                wrong.map(|found| format!("a list with {found} in it"))
            }
            _ => Some(kind(value).to_string()),
        };
        if is_too_large(value) {
            return Some("a number of more than 64 bits".to_string());
        }
        let fits = match self {
            Value => true,
            Text => matches!(value, DeValue::String(_)),
            Duration | Date => !matches!(value, DeValue::Boolean(_) | DeValue::Array(_) | DeValue::Table(_)),
            Durations => match value {
                DeValue::Table(keys) => {
                    let wrong = keys.iter().find_map(|(_, value)| Duration.misfit(value.get_ref()));
                    return wrong.map(|found| format!("keys with {found} in them"));
                }
                value => return Duration.misfit(value),
            },
            Named => match value {
                DeValue::Table(keys) => {
                    let wrong = keys.iter().find_map(|(_, value)| Text.misfit(value.get_ref()));
                    return wrong.map(|found| format!("keys with {found} in them"));
                }
                _ => false,
            },
            Whole => matches!(value, DeValue::Integer(_)),
            Truth => matches!(value, DeValue::Boolean(_)),
            Keys => matches!(value, DeValue::Table(_)),
            Count => matches!(value, DeValue::Table(_) | DeValue::String(_)),
            Texts => return Text.misfit(value).and_then(|_| each(Text)),
            NamesOrTruth => return Truth.misfit(value).and_then(|_| each(Text)),
            KeysOrList => return Keys.misfit(value).and_then(|_| each(Keys)),
            Wholes => return each(Whole),
            KeysList => return each(Keys),
        };
        (!fits).then(|| kind(value).to_string())
    }

    fn words(self) -> &'static str {
        match self {
            Text => "text in quotes",
            Texts => "text in quotes or a list of such",
            Duration => "a duration in quotes",
            Durations => "a duration in quotes, or keys in braces that take such",
            Date => "a date in quotes",
            Named => "keys in braces that take text in quotes",
            Whole => "a whole number",
            Truth => "true or false without quotes",
            NamesOrTruth => "true or false without quotes, or a list of texts",
            Wholes => "a list of whole numbers",
            Value => "a value",
            Keys => "keys in braces",
            KeysList => "a list of keys in braces",
            KeysOrList => "keys in braces or a list of such",
            Count => "\"sessions\" or keys in braces",
        }
    }
}

fn is_too_large(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).is_err(),
        _ => false,
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "keys in braces",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::file::JobFile;
    use std::path::Path;

    /// A job with a value for a key, which is in as many braces as it has dots.
    fn job(key: &str, value: &str) -> String {
        let mut parts: Vec<&str> = key.split('.').collect();
        let section = parts.remove(0);
        let header = if ["segment", "column", "chart"].contains(&section) {
            format!("[[{section}]]")
        } else {
            format!("[{section}]")
        };
        let last = parts.pop().expect("a key in a section");
        let inner = (0..parts.len()).rev().fold(format!("{last} = {value}"), |inner, place| {
            let path = format!("{section}.{}", parts[..=place].join("."));
            let is_list = KEYS.iter().any(|(name, takes, _)| *name == path && *takes == KeysList);
            let part = parts[place];
            if is_list {
                format!("{part} = [{{ {inner} }}]")
            } else {
                format!("{part} = {{ {inner} }}")
            }
        });
        format!("{header}\n{inner}\n")
    }

    fn read(text: &str) -> Result<JobFile, String> {
        JobFile::parse(text, Path::new("dwell.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn the_example_of_every_key_is_taken_and_what_it_does_not_take_is_told_in_words() {
        for (key, takes, example) in KEYS {
            match read(&job(key, example)) {
                Ok(_) => {}
                // A key of a later version.
                Err(message) => assert!(message.contains("unknown key"), "{key}: {message}"),
            }
            for wrong in ["true", "[[1]]", "1.5", "{ }", "'x'", "7", "2026-01-01", "99999999999999999999"] {
                let Err(message) = read(&job(key, wrong)) else { continue };
                if message.contains("unknown key") {
                    continue;
                }
                assert!(
                    message.contains(&format!("`{key}`")) && message.contains("line 2"),
                    "{key} = {wrong}: {message}"
                );
                assert!(message.contains(takes.words()) && message.contains(example), "{key} = {wrong}: {message}");
                for word in ["struct", "expected", "invalid type", "Keys"] {
                    assert!(!message.contains(word), "{key} = {wrong}: {message}");
                }
            }
            assert!(takes == Value || read(&job(key, "[[true]]")).is_err(), "{key}");
        }
    }

    #[test]
    fn every_key_is_known_here() {
        fn names(value: &serde_json::Value, prefix: &str, all: &mut Vec<String>) {
            for (key, inner) in value.as_object().into_iter().flatten() {
                let name = format!("{prefix}{key}");
                names(inner.get(0).unwrap_or(inner), &format!("{name}."), all);
                all.push(name);
            }
        }
        let mut all = Vec::new();
        names(&JobFile::all_keys(), "", &mut all);
        for name in all.iter().filter(|name| name.contains('.')) {
            let of_chart = name.replace("chart.series.", "chart.");
            assert!(KEYS.iter().any(|(known, ..)| *known == of_chart), "{name} has no example");
        }
        assert!(all.len() > 100, "{all:?}");
    }
}
