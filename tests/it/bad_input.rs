//! Everything a user can get wrong: paths, files, columns, conditions, jobs, output folders. Each case runs twice,
//! once where nothing was and once after a good run, and has to leave everything as it was.

mod columns;
mod damage;
mod disk;
mod folders;
mod input;
mod job;
mod stop;

use crate::reference::{Cell, Event};
use crate::support::{at, at_ms, dated_files, read_parquet, text, write_batch, Layout, Ran, Sandbox};
use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{Field, Fields, Schema};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// The one file of ordinary events.
const EVENTS: &str = "data/events.parquet";

/// The user, time, event type and session id of four ordinary events: three sessions on two dates.
const ORDINARY: [(&str, &str, &str, &str); 4] = [
    ("ann", "10:00", "view", "10:00"),
    ("ann", "10:05", "click", "10:00"),
    ("bob", "11:00", "view", "11:00"),
    ("bob", "2026-01-06 09:00", "view", "2026-01-06 09:00"),
];

fn ordinary() -> Vec<Event> {
    let event = |(user, time, event, id): (&str, &str, &str, &str)| Event {
        users: vec![text(user)],
        time: Some(at(time)),
        event: Some(event.to_owned()),
        session_id: Some(Cell::Int(at_ms(id))),
        property: text("o-1"),
        sequence: Some(1),
        dedup: Some(format!("{user} {time}")),
        keep: Some(1),
        platform: None,
    };
    ORDINARY.map(event).to_vec()
}

fn write_ordinary(sandbox: &Sandbox) {
    sandbox.events("events.parquet", &Layout::default(), &ordinary());
}

/// Files by their path, folders as `None`.
type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// Everything in a folder but the lock of an output folder, whose text tells of the last run.
fn tree(root: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_owned();
            if path.is_symlink() || name.ends_with("_dwell/lock") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                tree.insert(name, None);
            } else {
                tree.insert(name, Some(std::fs::read(&path).unwrap()));
            }
        }
    }
    tree
}

/// What was added, lost or changed.
fn differences(before: &Tree, after: &Tree) -> Vec<String> {
    let mut differences = Vec::new();
    for name in before.keys().chain(after.keys().filter(|name| !before.contains_key(*name))) {
        let what = match (before.get(name), after.get(name)) {
            (None, _) => "added",
            (_, None) => "lost",
            (Some(before), Some(after)) if before != after => "changed",
            _ => continue,
        };
        differences.push(format!("{what} {}", name.display()));
    }
    differences
}

fn assert_untouched(before: &Tree, after: &Tree, context: &str) {
    let differences = differences(before, after);
    assert!(differences.is_empty(), "{context}: {differences:#?}");
}

/// What users must not see in what the program shows.
fn traces(ran: &Ran) -> Vec<&'static str> {
    let never =
        ["panicked", "backtrace", "stack trace", "bug in dwell", "RUST_BACKTRACE", ".rs:", "untagged", "\u{1b}", "\r"];
    never.into_iter().filter(|word| ran.stderr.contains(word)).collect()
}

fn assert_clean(ran: &Ran, context: &str) {
    assert_eq!(traces(ran), [""; 0], "{context}:\n{}", ran.stderr);
}

/// Fails where the program says other than one error, or more than users should see.
fn assert_one_clean_error(ran: &Ran, context: &str) {
    assert_clean(ran, context);
    let errors = ran.stderr.lines().filter(|line| line.starts_with("error: ")).count();
    assert_eq!(errors, 1, "{context}: not one error:\n{}", ran.stderr);
    assert_eq!(ran.stdout, "", "{context}: results of a run that failed");
}

/// Something that happens to a folder.
type Change = Box<dyn Fn(&Sandbox)>;

/// One run, in a folder where there was none and in one with a good run's tables.
struct Case {
    /// The job file given on the command line.
    job_path: Option<String>,
    input: Option<String>,
    output: Option<String>,
    flags: Vec<String>,
    /// Flags of the good run before.
    flags_before: Vec<String>,
    /// Writes the events of the good run before.
    events: Change,
    /// What changes before this run.
    changes: Vec<Change>,
    /// A script that starts the program, `"$0" "$@"`.
    shell: Option<String>,
}

/// `dwell run --input data --output out` with these flags, over ordinary events.
fn run(flags: &[&str]) -> Case {
    Case {
        job_path: None,
        input: Some("data".to_owned()),
        output: Some("out".to_owned()),
        flags: owned(flags),
        flags_before: Vec::new(),
        events: Box::new(write_ordinary),
        changes: Vec::new(),
        shell: None,
    }
}

/// The same with a job file.
fn job(text: &'static str) -> Case {
    run(&[]).job_at("job.toml").when(move |sandbox| {
        sandbox.job(text);
    })
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

impl Case {
    fn job_at(mut self, path: &str) -> Case {
        self.job_path = Some(path.to_owned());
        self
    }

    fn input(mut self, path: &str) -> Case {
        self.input = Some(path.to_owned());
        self
    }

    fn output(mut self, path: &str) -> Case {
        self.output = Some(path.to_owned());
        self
    }

    fn without_input(mut self) -> Case {
        self.input = None;
        self
    }

    fn without_output(mut self) -> Case {
        self.output = None;
        self
    }

    /// Other events than the ordinary ones.
    fn over(mut self, events: impl Fn(&Sandbox) + 'static) -> Case {
        self.events = Box::new(events);
        self
    }

    /// Something that happens to the folder before this run, and after the good one.
    fn when(mut self, change: impl Fn(&Sandbox) + 'static) -> Case {
        self.changes.push(Box::new(change));
        self
    }

    /// The good run before had these flags.
    fn after_a_run_with(mut self, flags: &[&str]) -> Case {
        self.flags_before = owned(flags);
        self
    }

    /// Has a shell start the program.
    fn through(mut self, script: &str) -> Case {
        self.shell = Some(script.to_owned());
        self
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["run".to_owned()];
        arguments.extend(self.job_path.clone());
        for (flag, value) in [("--input", &self.input), ("--output", &self.output)] {
            arguments.extend(value.iter().flat_map(|value| [flag.to_owned(), value.clone()]));
        }
        arguments.extend(self.flags.clone());
        arguments
    }

    fn prepare(&self, after_a_run: bool) -> Sandbox {
        let sandbox = Sandbox::new();
        (self.events)(&sandbox);
        if after_a_run {
            let mut arguments = owned(&["run", "--input", "data", "--output", "out"]);
            arguments.extend(self.flags_before.clone());
            start(&sandbox, &arguments, None).expect_code(0);
        }
        for change in &self.changes {
            change(&sandbox);
        }
        sandbox
    }

    /// Runs the case in both of its folders, and has `check` see what was there, what came of it, and in which.
    fn each(&self, check: impl Fn(&Sandbox, &Tree, &Ran, &str)) {
        for (after_a_run, place) in [(false, "in a new folder"), (true, "after a good run")] {
            let sandbox = self.prepare(after_a_run);
            let before = tree(sandbox.path());
            let arguments = self.arguments();
            let ran = start(&sandbox, &arguments, self.shell.as_deref());
            check(&sandbox, &before, &ran, &format!("dwell {} {place}", arguments.join(" ")));
        }
    }

    /// The run fails with this code and one message that says all of `words`, and changes nothing.
    /// Returns what it said in both folders.
    fn fails(&self, code: i32, words: &[&str]) -> Vec<String> {
        let said = RefCell::new(Vec::new());
        self.each(|sandbox, before, ran, context| {
            assert_eq!(ran.code, Some(code), "{context}\n{}{}", ran.stdout, ran.stderr);
            for word in words {
                assert!(ran.stderr.contains(word), "{context}: no {word:?} in:\n{}", ran.stderr);
            }
            assert_one_clean_error(ran, context);
            assert_untouched(before, &tree(sandbox.path()), context);
            said.borrow_mut().push(ran.stderr.clone());
        });
        said.into_inner()
    }

    /// The run ends well, and `check` sees what it left and what it said.
    fn works(&self, check: impl Fn(&Sandbox, &Ran)) {
        self.each(|sandbox, _, ran, context| {
            assert_eq!(ran.code, Some(0), "{context}\n{}{}", ran.stdout, ran.stderr);
            assert_clean(ran, context);
            check(sandbox, ran);
        });
    }
}

/// Starts the program in a folder, asking for all the traces it would ever print.
fn start(sandbox: &Sandbox, arguments: &[String], script: Option<&str>) -> Ran {
    let program = env!("CARGO_BIN_EXE_dwell");
    let mut command = match script {
        Some(script) => {
            let mut shell = Command::new("sh");
            shell.args(["-c", script, program]);
            shell
        }
        None => Command::new(program),
    };
    let command = command.args(arguments).current_dir(sandbox.path()).env("RUST_BACKTRACE", "1");
    ran(command.output().unwrap())
}

fn ran(output: std::process::Output) -> Ran {
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Writes a file of any content at a path of the sandbox.
fn file(path: &'static str, content: &'static [u8]) -> impl Fn(&Sandbox) {
    move |sandbox| {
        let path = sandbox.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

/// Moves a file or folder of the sandbox.
fn moved(from: &'static str, to: &'static str) -> impl Fn(&Sandbox) {
    move |sandbox| {
        let to = sandbox.path().join(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::rename(sandbox.path().join(from), to).unwrap();
    }
}

/// All rows of a file of the sandbox.
fn rows_of(sandbox: &Sandbox, path: &str) -> RecordBatch {
    let (schema, batches) = read_parquet(&sandbox.path().join(path));
    concat_batches(&schema, &batches).unwrap()
}

/// A table with another column in place of one of the same name, or beside the others.
fn replaced(rows: &RecordBatch, name: &str, column: ArrayRef) -> RecordBatch {
    let schema = rows.schema();
    let mut fields: Vec<Arc<Field>> = schema.fields().iter().cloned().collect();
    let mut columns = rows.columns().to_vec();
    let field = Arc::new(Field::new(name, column.data_type().clone(), true));
    match fields.iter().position(|known| known.name() == name) {
        Some(place) => (fields[place], columns[place]) = (field, column),
        None => {
            fields.push(field);
            columns.push(column);
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// Gives the ordinary events another column, in all rows of which is the first value of `value`.
fn column(name: &'static str, value: ArrayRef) -> impl Fn(&Sandbox) {
    move |sandbox| {
        let rows = rows_of(sandbox, EVENTS);
        let first = UInt32Array::from(vec![0; rows.num_rows()]);
        let column = take(&value, &first, None).unwrap();
        write_batch(&sandbox.path().join(EVENTS), 1000, &replaced(&rows, name, column));
    }
}

/// Takes a column away from the ordinary events.
fn no_column(name: &'static str) -> impl Fn(&Sandbox) {
    move |sandbox| {
        let mut rows = rows_of(sandbox, EVENTS);
        rows.remove_column(rows.schema().index_of(name).unwrap());
        write_batch(&sandbox.path().join(EVENTS), 1000, &rows);
    }
}

/// The columns of all tables of an output folder.
fn schemas(out: &Path) -> BTreeMap<&'static str, Fields> {
    let first_of = |table: &str, column: &str| {
        let dated = dated_files(&out.join(table), column).into_iter().map(|(_, path)| path).next();
        dated.unwrap_or_else(|| std::fs::read_dir(out.join(table)).unwrap().next().unwrap().unwrap().path())
    };
    let files = [
        ("sessions", first_of("sessions", "session_date")),
        ("activity", first_of("activity", "activity_date")),
        ("measures", out.join("measures.parquet")),
        ("histogram", out.join("histogram.parquet")),
    ];
    files.map(|(name, path)| (name, read_parquet(&path).0.fields().clone())).into()
}

/// The columns of the tables of ordinary events.
fn ordinary_schemas() -> BTreeMap<&'static str, Fields> {
    schemas(&run(&[]).prepare(true).out())
}
