//! The layout of the source: no room imports from one above it, and no two files import each other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The folders of `src`, from the lowest: each imports only from those before it.
const ROOMS: [&str; 14] = [
    "stats",
    "storage",
    "sessionize",
    "job",
    "events",
    "tables",
    "pipeline",
    "charts",
    "summary",
    "page",
    "schedulers",
    "commands",
    "cli",
    "guide",
];
/// The files beside them, which every room may use.
const EVERYWHERE: [&str; 7] = ["cancel", "error", "fuzzing", "guard", "heap", "kernel", "profile"];

/// All modules of the library, by path, without their tests.
fn modules() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut found);
    found
}

fn collect(folder: &Path, above: &str, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_string();
        let module = if above.is_empty() { name.clone() } else { format!("{above}::{name}") };
        if path.is_dir() {
            collect(&path, &module, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !["lib", "main"].contains(&module.as_str()) {
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
            let code: String = code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .fold(String::new(), |all, line| all + line + "\n");
            let module = if name == "mod" { above.to_string() } else { module };
            found.insert(module, code);
        }
    }
}

/// The modules that a module names, by paths from the root, from itself, or from its parent.
fn imports(module: &str, code: &str, all: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut imported = BTreeSet::new();
    for path in paths(code) {
        let mut parts: Vec<&str> = path.split("::").collect();
        let mut base: Vec<&str> = match parts[0] {
            "crate" => Vec::new(),
            _ => module.split("::").collect(),
        };
        if parts[0] != "super" {
            parts.remove(0);
        }
        while parts.first() == Some(&"super") {
            parts.remove(0);
            base.pop();
        }
        base.extend(parts);
        let named = (1..=base.len()).rev().map(|length| base[..length].join("::")).find(|path| all.contains_key(path));
        imported.extend(named.filter(|named| named != module));
    }
    imported
}

/// All paths that begin with `crate`, `self` or `super`, with groups in braces spelled out.
fn paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (start, _) in
        code.match_indices("crate::").chain(code.match_indices("super::")).chain(code.match_indices("self::"))
    {
        let before = code[..start].chars().next_back();
        if before.is_some_and(|before| before.is_alphanumeric() || before == '_' || before == ':') {
            continue;
        }
        let rest: String =
            code[start..].chars().take_while(|sign| !matches!(sign, ';' | '(' | '<' | '!' | '?')).collect();
        let rest: String = rest.split_whitespace().collect::<Vec<_>>().join("");
        spelled_out(&rest, "", &mut paths);
    }
    paths
}

fn spelled_out(text: &str, above: &str, paths: &mut Vec<String>) {
    let end = text.find(|sign: char| !(sign.is_alphanumeric() || sign == '_' || sign == ':')).unwrap_or(text.len());
    let path = format!("{above}{}", &text[..end]);
    match text[end..].strip_prefix('{') {
        Some(group) => {
            let mut depth = 0;
            let mut from = 0;
            for (at, sign) in group.char_indices() {
                match sign {
                    '{' => depth += 1,
                    ',' if depth == 0 => {
                        spelled_out(&group[from..at], &path, paths);
                        from = at + 1;
                    }
                    '}' if depth == 0 => {
                        spelled_out(&group[from..at], &path, paths);
                        break;
                    }
                    '}' => depth -= 1,
                    _ => {}
                }
            }
        }
        None => paths.push(path.trim_end_matches(':').to_string()),
    }
}

#[test]
fn rooms_import_only_from_those_below() {
    let all = modules();
    let room = |module: &str| module.split("::").next().unwrap_or_default().to_string();
    let place = |room: &str| ROOMS.iter().position(|known| *known == room);
    let mut wrong = Vec::new();
    for (module, code) in &all {
        let of = room(module);
        if EVERYWHERE.contains(&of.as_str()) {
            continue;
        }
        assert!(place(&of).is_some(), "{module} is in no known room");
        for imported in imports(module, code, &all) {
            let from = room(&imported);
            if from != of && !EVERYWHERE.contains(&from.as_str()) && place(&from) > place(&of) {
                wrong.push(format!("{module} imports {imported}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_two_files_import_each_other() {
    let all = modules();
    let imported: BTreeMap<&String, BTreeSet<String>> =
        all.iter().map(|(module, code)| (module, imports(module, code, &all))).collect();
    let mut mutual = Vec::new();
    for (module, others) in &imported {
        for other in others.iter().filter(|other| imported[*other].contains(*module) && module < other) {
            mutual.push(format!("{module} and {other}"));
        }
    }
    // A room's own file names what is in it.
    let is_room =
        |pair: &String| pair.split(" and ").collect::<Vec<_>>().windows(2).any(|pair| pair[1].starts_with(pair[0]));
    mutual.retain(|pair| !is_room(pair));
    assert!(mutual.is_empty(), "{mutual:#?}");
}
