//! `dwell history`: what the last runs did, a line each.

use serde_json::Value;

use super::grouped;

const HEADER: [&str; 9] =
    ["started", "run", "dates replaced", "files", "rows read", "sessions", "late", "changes", "seconds"];

/// The table of some runs' records, the oldest first.
pub fn table(records: &[String]) -> String {
    let rows = records.iter().filter_map(|text| serde_json::from_str(text).ok()).map(|record: Value| row(&record));
    let rows: Vec<[String; HEADER.len()]> = [HEADER.map(str::to_string)].into_iter().chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEADER.len()).map(width).collect();
    let line = |row: &[String; HEADER.len()]| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            // Numbers end below each other.
            4..=6 | 8 => format!("{cell:>width$}"),
            _ => format!("{cell:<width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_string() + "\n"
    };
    rows.iter().map(line).collect()
}

fn row(record: &Value) -> [String; HEADER.len()] {
    let text = |key: &str| record[key].as_str().unwrap_or_default().to_string();
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let files = &record["files"];
    let files: Vec<String> = [("new", "+"), ("changed", "~"), ("gone", "-")]
        .into_iter()
        .filter(|(key, _)| number(&files[key]) > 0)
        .map(|(key, sign)| format!("{sign}{}", grouped(number(&files[key]))))
        .collect();
    let files = if files.is_empty() { "as before".to_string() } else { files.join(" ") };
    if record["nothing_new"] == true {
        let nothing = "none: nothing new".to_string();
        let none = String::new;
        return [text("started"), text("mode"), nothing, files, none(), none(), none(), none(), none()];
    }
    let read = number(&record["rows"]) - number(&record["outside_window"]).min(number(&record["rows"]));
    let late = record["lateness"]
        .as_object()
        .map(|lateness| grouped(lateness.iter().filter(|(days, _)| *days != "0").map(|(_, rows)| number(rows)).sum()));
    let changes = ["added", "reopened", "joined", "split", "removed"]
        .into_iter()
        .filter(|name| number(&record["changes"][name]) > 0)
        .map(|name| format!("{} {name}", grouped(number(&record["changes"][name]))));
    let seconds = record["seconds"]["total"].as_f64().map(|seconds| format!("{seconds:.1}"));
    [
        text("started"),
        text("mode"),
        dates(&record["replaced"]),
        files,
        grouped(read),
        grouped(number(&record["sessions"])),
        late.unwrap_or_default(),
        changes.collect::<Vec<_>>().join(", "),
        seconds.unwrap_or_default(),
    ]
}

/// The dates that a run replaced; of many stretches, how many dates.
fn dates(replaced: &Value) -> String {
    const MOST: usize = 2;
    let ranges = replaced["ranges"].as_array().map(Vec::as_slice).unwrap_or_default();
    let range = |range: &Value| {
        let (first, last) = (range[0].as_str().unwrap_or_default(), range[1].as_str().unwrap_or_default());
        if first == last {
            first.to_string()
        } else {
            format!("{first} to {last}")
        }
    };
    match ranges.len() {
        0 => "none".to_string(),
        1..=MOST => ranges.iter().map(range).collect::<Vec<_>>().join(", "),
        _ => {
            let (first, last) = (&ranges[0][0], &ranges[ranges.len() - 1][1]);
            let count = replaced["count"].as_u64().unwrap_or(0);
            format!("{count} from {} to {}", first.as_str().unwrap_or_default(), last.as_str().unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_a_line() {
        let night = r#"{"started":"2026-01-31T02:00:00Z","mode":"incremental","rows":1200,"outside_window":200,
            "sessions":12,"files":{"new":1,"changed":2,"gone":0,"same":3},"lateness":{"0":9,"3":2,"9":1},
            "replaced":{"count":3,"ranges":[["2026-01-03","2026-01-03"],["2026-01-27","2026-01-28"]]},
            "changes":{"added":1,"reopened":0,"joined":2,"split":0,"removed":0},"seconds":{"total":1.26}}"#;
        let nothing = r#"{"started":"2026-02-01T02:00:00Z","mode":"incremental","nothing_new":true,
            "files":{"new":0,"changed":0,"gone":0,"same":6}}"#;
        let table = table(&[night.to_string(), "{".to_string(), nothing.to_string()]);
        let cells: Vec<Vec<&str>> = table
            .lines()
            .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
            .collect();
        assert_eq!(cells[0], HEADER);
        let dates = "2026-01-03, 2026-01-27 to 2026-01-28";
        assert_eq!(
            cells[1],
            ["2026-01-31T02:00:00Z", "incremental", dates, "+1 ~2", "1,000", "12", "3", "1 added, 2 joined", "1.3"]
        );
        assert_eq!(cells[2], ["2026-02-01T02:00:00Z", "incremental", "none: nothing new", "as before"]);
    }
}
