//! What is refused, and the way out.

use super::*;

fn refused(derive: &str, session: &str, told: &[&str]) {
    let (sandbox, ran) = try_with(STORY, &format!("derive = {{ {derive} }}"), session, "");
    ran.expect_code(2);
    for part in told {
        assert!(ran.stderr.contains(part), "{derive}: no {part:?} in {}", ran.stderr);
    }
    assert!(!sandbox.out().join("sessions").exists(), "nothing is written");
}

#[test]
fn mistakes_name_the_column_and_the_place() {
    const HALF: &str = "timeout = '30m'";
    for (derive, told) in [
        ("own = 'CASE'", &["`input.derive.own` cannot be understood"][..]),
        ("own = 'pge'", &["`input.derive.own`", "there is no column `pge` at line 1, column 1", "did you mean page?"]),
        ("own = 'LOWR(page)'", &["`input.derive.own`", "there is no function lowr", "lower"]),
        ("own = 'COUNT(page)'", &["`input.derive.own`", "aggregate"]),
        ("own = 'NOW()'", &["`input.derive.own`", "another value in each run"]),
        ("own = 'page + 1'", &["`input.derive.own`", "column 1"]),
        ("own = \"INTERVAL '1 day'\"", &["`input.derive.own`", "an interval"]),
        ("page = 'name'", &["`input.derive.page`", "a column of the input"]),
        ("own = 'own'", &["`input.derive` goes in a circle: `own` is made of `own`"]),
        (
            "a = 'b', b = 'LOWER(c)', c = \"CONCAT(page, a)\"",
            &["circle: `a` is made of `b` is made of `c` is made of `a`"],
        ),
        ("own = ''", &["`input.derive`", "own", "empty"]),
        ("'' = 'page'", &["`input.derive` is empty"]),
        ("own = 5", &["`input.derive`", "text in quotes", "line 3"]),
    ] {
        refused(derive, HALF, told);
    }
    let (_, ran) = try_with(STORY, "derive = 'page'", HALF, "");
    ran.expect_code(2);
    assert!(ran.stderr.contains("`input.derive`") && ran.stderr.contains("channel ="), "{}", ran.stderr);
}

#[test]
fn a_role_that_cannot_take_the_type_names_the_column() {
    let refused = |input: &str, session: &str, told: &[&str]| {
        let (_, ran) = try_with(STORY, input, session, "");
        ran.expect_code(2);
        assert!(told.iter().all(|part| ran.stderr.contains(part)), "{told:?}: {}", ran.stderr);
    };
    let half = "timeout = '30m'";
    refused("user = 'own'\nderive = { own = 'amt > 1' }", half, &["`own` (input.user)", "boolean"]);
    refused("time = 'own'\nderive = { own = 'EPOCH_MS(event_time)' }", half, &["`own`", "input.time_unit"]);
    refused("time_unit = 's'\ntime = 'own'\nderive = { own = 'event_time' }", half, &["`own`", "input.time_unit"]);
    refused("event = 'own'\nderive = { own = '1 + 1' }", half, &["`own` (input.event)", "integer"]);
    refused("sequence = 'own'\nderive = { own = 'page' }", half, &["`own` (input.sequence)", "text"]);
    refused("where = 'own'\nderive = { own = 'page' }", half, &["`input.where`", "text"]);
    refused("where = 'onw = 1'\nderive = { own = 'page' }", half, &["`input.where`", "did you mean own?"]);
    refused("derive = { own = 'page' }", "timeout = '30m'\nproperty = 'onw'", &["session.property", "own"]);
}

#[test]
fn a_column_of_nothing_plays_each_role_as_one_of_a_file_does() {
    let derive = "derive = { own = 'NULL', other = \"CASE WHEN own IS NULL THEN 'none' END\", text = 'LOWER(own)' }";
    let run = |input: &str, session: &str, rest: &str| run_with(STORY, &format!("{input}\n{derive}"), session, rest);
    let half = "timeout = '30m'";
    assert_eq!(sessions(&run("", "timeout = '30m'\nproperty = 'own'", ""), &["user_id"]), [""; 0]);
    assert_eq!(sessions(&run("user = 'own'", half, ""), &["user_id"]), [""; 0]);
    assert_eq!(sessions(&run("session_id = 'own'", "", ""), &["user_id"]), [""; 0]);
    assert_eq!(sessions(&run("user = ['own', 'user_id']", half, ""), &["user_id"]), ["ann", "bob", "bob"]);
    let roles = "event = 'own'\nsequence = 'own'\ndedup = 'own'\nwhere = \"own IS NULL AND other = 'none'\"";
    let rest = "events = ['own', 'other', 'text']\n[[column]]\nname = 'a'\nfirst = 'own'\n[[segment]]\nname = 's'\nby = 'own'\n\
                [[chart]]\nname = 'c'\ngroup_by = { first = 'text' }\n";
    let sandbox = run(roles, "timeout = { by = 'own', x = '1m', default = '30m' }\nnew_on_change = 'own'", rest);
    assert_eq!(sessions(&sandbox, &["user_id", "first_event", "a"]), ["ann - -", "bob - -", "bob - -"]);
    assert_eq!(rows_of(&sandbox.out(), "events", "event_date", &["own", "other", "text"])[0], "- none -");
}

#[test]
fn what_nothing_names_is_told_of_and_does_no_harm() {
    let (sandbox, ran) = try_with(STORY, "derive = { own = 'page', other = 'own' }", "timeout = '30m'", "");
    ran.expect_code(0);
    let plain = run_with(STORY, "", "timeout = '30m'", "");
    assert_eq!(table_hashes(&sandbox.out()), table_hashes(&plain.out()));
    let warnings = read_run(&sandbox.out())["warnings"].to_string();
    for name in ["`own`", "`other`"] {
        assert!(warnings.contains(name) && warnings.contains("input.derive"), "{warnings}");
    }
    let dry = sandbox.dwell(&["run", "job.toml", "--dry-run", "--overwrite"]);
    assert!(dry.stdout.contains("own = page, which nothing of the job names"), "{}", dry.stdout);
    // One that another is made of, which has a use, has one.
    let (sandbox, ran) =
        try_with(STORY, "derive = { own = 'page', other = 'own' }", "timeout = '30m'\nproperty = 'other'", "");
    ran.expect_code(0);
    assert_eq!(read_run(&sandbox.out())["warnings"].as_array().map(Vec::len), Some(0));
    let dry = sandbox.dwell(&["run", "job.toml", "--dry-run"]);
    assert!(dry.stdout.contains("other as property (text, derived)"), "{}", dry.stdout);
    assert!(dry.stdout.contains("Derived     own = page\n"), "{}", dry.stdout);
}
