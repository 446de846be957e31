//! `dwell doctor`: the questions that people ask about their sessions, answered from the events.
//!
//! The events are taken in with the columns of [`beside`] and the kinds of [`id_kind`]; [`mod@examine`] walks once over
//! each user's events with the kernel's own rule and counts what is worth knowing, as an [`exam::Exam`]. Each question
//! is a file that makes findings of that; [`finding`] is what they are, and [`show`] how they look.

pub mod beside;
pub mod by_sender;
pub mod cases;
pub mod event_facts;
pub mod exam;
pub mod examine;
pub mod few_sessions;
pub mod finding;
pub mod id_kind;
pub mod long_sessions;
pub mod marks;
pub mod no_activity;
pub mod other_definition;
pub mod patient;
pub mod quoted;
pub mod senders;
pub mod server_events;
pub mod show;
pub mod sign_ins;
pub mod soundness;
pub mod source;
pub mod standing;
pub mod words;
pub mod zero_length;

use beside::{Beside, Named};
use exam::{Exam, Examination};
use examine::examine;
use finding::{Finding, LeftOut, Level};
use marks::MarkNames;
use patient::Patient;
use words::Words;

use crate::error::Error;
use crate::job::options::Resources;
use crate::job::{Job, Kind};
use crate::pipeline::each_partition;
use crate::pipeline::question::Question;
use crate::sessionize::rule::Rule;
use crate::sessionize::time::{Span, Timestamp};
use crate::summary::format::Format;

/// Gaps above these are worth asking about: the timeouts of telephones and of the web.
const GAPS: [Span; 2] = [Span::from_micros(5 * 60_000_000), Span::from_micros(30 * 60_000_000)];

/// What a doctor needs to know besides the job.
#[derive(Clone, Debug)]
pub struct Options {
    /// The columns beside those of a run that are named.
    pub named: Named,
    /// The events that only say that a session starts or ends.
    pub marks: MarkNames,
    /// Later events have not happened yet.
    pub now: Timestamp,
    /// The words that the job was asked about with.
    pub words: Words,
    /// The level from which on a finding ends the command with 3.
    pub fail_on: Option<Level>,
    /// How the answer looks.
    pub shown: Shown,
}

/// How an answer looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown {
    /// The format.
    pub format: Format,
    /// Whether a terminal shows it, that has colours.
    pub coloured: bool,
}

/// What is printed, and the limit that was exceeded, if one was.
#[derive(Debug)]
pub struct Answer {
    /// The diagnosis.
    pub text: String,
    /// What the command ends with.
    pub exceeded: Option<Error>,
}

/// All answers.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// The definition in a sentence.
    pub definition: String,
    /// All rows of the input.
    pub rows: u64,
    /// Its files.
    pub files: u64,
    /// Sessions in the tables.
    pub sessions: u64,
    /// Users with events on the dates asked about.
    pub users: u64,
    /// The answers, question by question.
    pub findings: Vec<Finding>,
    /// What was not asked.
    pub left_out: Vec<LeftOut>,
}

impl Diagnosis {
    /// The worst level of all findings.
    pub fn worst(&self) -> Level {
        self.findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Fine)
    }

    /// Findings of a level or worse.
    pub fn count_from(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level >= level).count()
    }
}

/// What is not looked at, whatever the job.
pub const NOT_CHECKED: [&str; 6] = [
    "whether events are missing that were never sent",
    "whether user ids belong to the same person over time, or several people share one",
    "whether a clock is wrong by the same amount for a device's ids and events alike",
    "segments and charts: all events that pass input.where are looked at together",
    "the tables of earlier runs: the answers are those of a full run over the input as it is now",
    "times of day in other zones than UTC, where lateness is counted in days",
];

/// Answers all questions about a job, to be printed.
///
/// # Errors
/// As [`diagnose`].
pub fn answer(job: Job, resources: &Resources, options: &Options) -> Result<Answer, Error> {
    let diagnosis = diagnose(job, resources, options)?;
    let exceeded = options.fail_on.and_then(|level| match diagnosis.count_from(level) {
        0 => None,
        findings => Some(Error::Findings { findings, level: level.name() }),
    });
    Ok(Answer { text: show::show(&diagnosis, options.shown.format, options.shown.coloured), exceeded })
}

/// Answers all questions about a job.
///
/// # Errors
/// Files that cannot be read, columns that are not there, an interruption.
pub fn diagnose(job: Job, resources: &Resources, options: &Options) -> Result<Diagnosis, Error> {
    let mut question = Question::open(job, resources)?;
    let beside = Beside::find(&question.plan.footers, &options.named, source::of(&question))?;
    question.plan.facts = beside.facts();
    let by_session_id = question.plan.roles.value.as_ref().is_some_and(|value| value.is_session_id);
    let asked = match by_session_id {
        true => question.ask_with(&id_kind::with_kinds)?,
        false => question.ask()?,
    };
    let known = &asked.known;
    let sign_ins = sign_ins::ask_where_it_matters(&question, &beside, &asked.gathered.rows, resources)?;
    let examination = Examination {
        known,
        beside: &beside,
        by_session_id,
        marks: &options.marks.by_rank(&known.types),
        gaps: GAPS,
        at_once: GAPS[1],
        now: options.now,
    };
    let mut exam = Exam::default();
    let parts = each_partition(&question.pool, &asked.gathered.events, &question.budget, |pieces| {
        Ok(examine(pieces, &examination))
    })?;
    parts.into_iter().for_each(|part| exam.merge(part));
    let patient = Patient {
        job: &question.job,
        plan: &question.plan,
        rows: &asked.gathered.rows,
        known,
        exam: &exam,
        beside: &beside,
        options,
        sign_ins: sign_ins.as_ref(),
        gaps: GAPS,
        at_once: GAPS[1],
        is_default: matches!(known.rule, Rule::Default(_)),
        by_session_id,
    };
    Ok(answers(&patient))
}

fn answers(patient: &Patient<'_>) -> Diagnosis {
    let mut findings = Vec::new();
    let mut left_out = Vec::new();
    few_sessions::ask(patient, &mut findings, &mut left_out);
    zero_length::ask(patient, &mut findings);
    no_activity::ask(patient, &mut findings, &mut left_out);
    long_sessions::ask(patient, &mut findings, &mut left_out);
    server_events::ask(patient, &mut findings, &mut left_out);
    other_definition::ask(patient, &mut findings);
    source::ask(patient, &mut findings);
    soundness::ask(patient, &mut findings, &mut left_out);
    Diagnosis {
        definition: patient.job.definition.sentence(),
        rows: patient.plan.extent.rows,
        files: patient.plan.extent.files,
        sessions: patient.exam.sessions,
        users: patient.exam.case(cases::Case::Event).users,
        findings,
        left_out,
    }
}

/// Whether starting at the id is what sessions do.
fn starts_at_id(job: &Job) -> bool {
    matches!(job.definition.kind, Kind::Default { starts_at_id: true, .. })
}
