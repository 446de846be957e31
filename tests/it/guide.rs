//! The README and the pages of the guide: what they point to is there, and what they show works.

use crate::examples::with_sample;
use crate::reference::Alias;
use crate::support::{text, write_aliases, ColumnType, Sandbox};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Flags on the pages that are not of dwell: of cargo, of the generator, of what compares engines, and of Python and Spark.
const OTHER_FLAGS: [&str; 28] = [
    "--archives",
    "--assignee",
    "--bin",
    "--cases",
    "--compatibility",
    "--conf",
    "--data",
    "--delete",
    "--dwell",
    "--example",
    "--exclude",
    "--generate",
    "--help",
    "--locked",
    "--master",
    "--member",
    "--no-deps",
    "--out",
    "--partitions",
    "--profile",
    "--release",
    "--role",
    "--scope",
    "--seed",
    "--task-memory",
    "--test",
    "--version",
    "--zig",
];

const COMMANDS: [&str; 13] = [
    "init", "import", "run", "charts", "report", "doctor", "gaps", "inspect", "compare", "identify", "history",
    "kernel", "dbt",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The pages of the guide, by path, in order of their names.
fn pages() -> Vec<(PathBuf, String)> {
    let files = std::fs::read_dir(root().join("src/guide")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> = files.filter(|file| file.extension().is_some_and(|is| is == "md")).collect();
    pages.sort();
    pages.into_iter().map(read).collect()
}

fn read(path: PathBuf) -> (PathBuf, String) {
    let text = std::fs::read_to_string(&path).unwrap();
    (path, text)
}

fn stem(page: &Path) -> String {
    page.file_stem().unwrap().to_string_lossy().into_owned()
}

/// A page's blocks of code: the language, and the text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(language), None) => open = Some((language.to_owned(), String::new())),
            (None, Some((_, text))) => *text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block of code does not end");
    blocks
}

/// A page without its blocks of code.
fn prose(page: &str) -> String {
    let is_prose = |(place, _): &(usize, &str)| place % 2 == 0;
    page.split("```").enumerate().filter(is_prose).map(|(_, text)| text).collect()
}

/// The anchors of a page's headings.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = prose(page);
    let headings = headings.lines().filter(|line| line.starts_with('#'));
    let sign = |sign: char| match sign {
        ' ' => Some('-'),
        '-' | '_' => Some(sign),
        _ => sign.is_alphanumeric().then(|| sign.to_ascii_lowercase()),
    };
    headings.map(|heading| heading.trim_start_matches('#').trim().chars().filter_map(sign).collect()).collect()
}

/// What the links of a page say where they lead: `[text](there)`, and `[name]: there`.
fn targets(page: &str) -> Vec<String> {
    let page = prose(page);
    let inline = page.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let named = page.lines().filter(|line| line.starts_with('[')).filter_map(|line| line.split_once("]: "));
    inline.chain(named.map(|(_, target)| target)).map(|target| target.trim().to_owned()).collect()
}

/// The words of a text that are flags.
fn flags(text: &str) -> BTreeSet<String> {
    let is_in_flag = |sign: char| sign == '-' || sign.is_ascii_lowercase();
    let words = text.split(|sign: char| !is_in_flag(sign));
    let flags = words.filter(|word| word.strip_prefix("--").is_some_and(|name| name.starts_with(char::is_alphabetic)));
    flags.map(str::to_owned).collect()
}

fn help(command: &str) -> String {
    Sandbox::new().dwell(&[command, "--help"]).expect_code(0).stdout.clone()
}

#[test]
fn links_of_the_readme_and_the_guide_lead_somewhere() {
    for (page, text) in pages().into_iter().chain([read(root().join("README.md"))]) {
        for target in targets(&text).iter().filter(|target| !target.contains("://")) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(file.exists(), "{target} in {}", page.display());
            let found = anchor.is_empty() || anchors(&read(file).1).contains(anchor);
            assert!(found, "{target} in {}", page.display());
        }
    }
}

#[test]
fn pages_name_each_other_alike_as_files_and_in_rustdoc() {
    let links = read(root().join("src/guide/links.txt")).1;
    for (page, text) in pages() {
        for line in text.lines().filter(|line| line.starts_with('[') && line.contains("]: ")) {
            let in_rustdoc = line.replacen("]: ", "]: crate::guide::", 1).replacen(".md", "", 1);
            assert!(
                links.lines().any(|link| link == in_rustdoc),
                "no {in_rustdoc} in links.txt, for {}",
                page.display()
            );
        }
    }
}

#[test]
fn every_page_is_a_module_and_in_the_readme() {
    let modules = read(root().join("src/guide/mod.rs")).1;
    let readme = targets(&read(root().join("README.md")).1);
    for (page, _) in pages() {
        let name = stem(&page);
        assert!(modules.contains(&format!("pub mod {name} {{}}")), "{name} is no module");
        assert!(readme.contains(&format!("src/guide/{name}.md")), "{name} is not in the README");
    }
}

#[test]
fn code_on_the_pages_says_its_language() {
    for (page, text) in pages() {
        for (language, block) in blocks(&text) {
            assert!(!language.is_empty(), "in {}:\n{block}", page.display());
        }
    }
}

#[test]
fn flags_on_the_pages_are_flags_of_a_command() {
    let known: BTreeSet<String> = COMMANDS.iter().flat_map(|command| flags(&help(command))).collect();
    for (page, text) in pages().into_iter().chain([read(root().join("README.md"))]) {
        for flag in flags(&text) {
            assert!(known.contains(&flag) || OTHER_FLAGS.contains(&flag.as_str()), "{flag} in {}", page.display());
        }
    }
}

#[test]
fn flags_stand_under_headings_in_plain_words() {
    let known = ["Answer", "Arguments", "Input", "Mapping", "Options", "Output", "Run", "Schedulers", "Whose"];
    for command in COMMANDS {
        let help = help(command);
        let headings = help.lines().filter_map(|line| line.strip_suffix(':')).filter(|line| !line.contains(' '));
        let other: Vec<&str> = headings.filter(|heading| !known.contains(heading)).collect();
        assert!(other.is_empty(), "dwell {command} --help: {other:?}");
    }
}

#[test]
fn the_page_of_the_command_line_has_every_command_and_every_flag_of_run() {
    let page = read(root().join("src/guide/command_line.md")).1;
    let all = Sandbox::new().dwell(&["--help"]).expect_code(0).stdout.clone();
    let commands = all.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(COMMANDS.iter().all(|command| names.contains(command)), "{names:?}");
    for name in names.into_iter().filter(|name| *name != "help") {
        assert!(page.contains(&format!("| `dwell {name}")), "{name} is not on the page");
    }
    let listed = flags(&page);
    for flag in flags(&help("run")).iter().filter(|flag| *flag != "--help") {
        assert!(listed.contains(flag), "{flag} is not on the page");
    }
}

#[test]
fn jobs_on_the_pages_are_jobs() {
    let sandbox = with_sample();
    let mapping = [Alias { from: text("a device"), to: text("a user"), since: None }];
    write_aliases(&sandbox.path().join("aliases/part-0.parquet"), ColumnType::Text, true, &mapping);
    let mut jobs = 0;
    for name in ["job_file", "sessions", "charts"] {
        let page = read(root().join(format!("src/guide/{name}.md"))).1;
        for (_, keys) in blocks(&page).into_iter().filter(|(language, _)| language == "toml") {
            let missing = |table: &str, path: &str| {
                if keys.contains(table) {
                    return String::new();
                }
                format!("{table}\npath = '{path}'\n")
            };
            let (input, output) = (missing("[input]", "data/events"), missing("[output]", "out"));
            sandbox.job(&format!("{input}{output}{keys}"));
            sandbox.dwell(&["run", "job.toml", "--dry-run"]).expect_code(0);
            jobs += 1;
        }
    }
    assert!(jobs >= 4, "{jobs} jobs");
}
