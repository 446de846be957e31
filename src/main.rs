//! The command line program: parse, run, report, exit.

use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use dwell::cli::{
    ChartsRequest, Cli, CompareRequest, DoctorRequest, GapsRequest, InspectRequest, KernelRequest, QuestionFlags,
    ReportRequest, Request, RunRequest,
};
use dwell::commands::gaps::page::page;
use dwell::commands::{charts, compare, doctor, history};
use dwell::error::Error;
use dwell::heap::Heap;
use dwell::job::schema::schema_text;
use dwell::job::JobError;
use dwell::schedulers::Environment;
use dwell::summary::format::Format;
use dwell::summary::log::{self, LogFormat};
use dwell::{cancel, guard};

/// Where the system has no more memory, the run fails as it does where a disk is full.
#[global_allocator]
static HEAP: Heap = Heap;

fn main() -> ExitCode {
    match Cli::from_arguments().request() {
        Request::Completions { shell } => print(&Cli::completions(shell)),
        Request::Schema => print(schema_text().as_bytes()),
        Request::Man { command } => report(&(LogFormat::default(), false), || {
            let page = Cli::manual(command.as_deref())?;
            Ok(String::from_utf8_lossy(&page).into_owned())
        }),
        Request::History(request) => report(&(LogFormat::default(), false), || history::history(&request.resolve()?)),
        Request::Charts(request) => {
            let log = (request.log_format(), request.quiet());
            report(&log, || make_charts(request))
        }
        Request::Report(request) => {
            let log = (request.log_format(), request.quiet());
            report(&log, || make_report(request))
        }
        Request::Doctor(request) => examine(*request),
        Request::Gaps(request) => report(&question_log(&request.question), || gaps(*request)),
        Request::Inspect(request) => report(&question_log(&request.question), || inspect(*request)),
        Request::Compare(request) => {
            let log = (request.log_format(), request.quiet());
            report(&log, || compare_jobs(request))
        }
        Request::Kernel(request) => report(&request.log(), || sessionize_stream(*request)),
        Request::Run(request) => run_job(*request),
    }
}

fn question_log(flags: &QuestionFlags) -> (LogFormat, bool) {
    (flags.log_format(), flags.quiet())
}

fn gaps(request: GapsRequest) -> Result<String, Error> {
    use_threads(request.question.threads());
    cancel::listen();
    let (answer, format) = request.answer()?;
    Ok(match format {
        Format::Html => page(&answer),
        format => answer.text(format),
    })
}

/// A user's events are lines to read: there is nothing to draw.
fn no_page() -> Error {
    let hint = "inspect prints table, json or csv; pages are those of report, doctor, gaps and compare".to_string();
    JobError::Choice { key: "--format", value: "html".to_string(), hint }.into()
}

fn inspect(request: InspectRequest) -> Result<String, Error> {
    use_threads(request.question.threads());
    cancel::listen();
    if request.question.format() == Format::Html {
        return Err(no_page());
    }
    let (stream, format) = request.answer()?;
    Ok(match format {
        Format::Table => stream.drawing(std::io::stdout().is_terminal()),
        Format::Json => stream.json(),
        Format::Csv => stream.csv(),
        Format::Html => return Err(no_page()),
    })
}

fn run_job(request: RunRequest) -> ExitCode {
    log::start(request.log_format(), request.quiet());
    let variables =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let environment = Environment::new(variables);
    let run = || {
        use_threads(request.threads());
        cancel::listen();
        request.run(&environment)
    };
    match guard::against_bugs(run) {
        Ok(answer) => match (print(answer.text.as_bytes()), answer.exit_code) {
            (printed, 0) => printed,
            (_, code) => ExitCode::from(code),
        },
        Err(error) => fail(&error),
    }
}

fn fail(error: &Error) -> ExitCode {
    tracing::error!("{}", error.message());
    ExitCode::from(error.exit_code())
}

/// The stream goes to the standard output by itself: nothing else may.
fn sessionize_stream(request: KernelRequest) -> Result<String, Error> {
    use_threads(request.threads());
    cancel::listen();
    request.answer(std::io::stdin(), std::io::stdout())?;
    Ok(String::new())
}

fn compare_jobs(request: CompareRequest) -> Result<String, Error> {
    use_threads(request.threads());
    cancel::listen();
    let ([mut a, mut b], options) = request.resolve()?;
    compare::compare([&mut a, &mut b], &options)
}

/// Tells polars how many threads to use, before anything of it has started: it takes the size of its own pool from
/// here, once.
fn use_threads(threads: Option<usize>) {
    if let Some(threads) = threads {
        std::env::set_var("POLARS_MAX_THREADS", threads.to_string());
    }
}

fn make_charts(request: ChartsRequest) -> Result<String, Error> {
    use_threads(request.threads());
    cancel::listen();
    let (quiet, resources) = (request.quiet(), request.resources()?);
    let text = charts::make_charts(&request.resolve()?, &resources, window())?;
    Ok(if quiet { String::new() } else { text })
}

/// How many letters a line of the window has; where there is none, as many as a file's usually have.
fn window() -> usize {
    const USUAL: usize = 100;
    terminal_size::terminal_size_of(std::io::stdout()).map_or(USUAL, |(width, _)| usize::from(width.0))
}

fn make_report(request: ReportRequest) -> Result<String, Error> {
    cancel::listen();
    request.answer()
}

/// What was found is printed also where it is more than the user allows.
fn examine(request: DoctorRequest) -> ExitCode {
    let (log, quiet) = (request.question().log_format(), request.question().quiet());
    log::start(log, quiet);
    use_threads(request.question().threads());
    cancel::listen();
    let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    let answer = || {
        let (job, resources, options) = request.resolve(coloured)?;
        doctor::answer(job, &resources, &options)
    };
    let failed = match guard::against_bugs(answer) {
        Ok(answer) => match (print(answer.text.as_bytes()), answer.exceeded) {
            (printed, None) => return printed,
            (_, Some(exceeded)) => exceeded,
        },
        Err(error) => error,
    };
    fail(&failed)
}

fn report(log: &(LogFormat, bool), work: impl FnOnce() -> Result<String, Error>) -> ExitCode {
    log::start(log.0, log.1);
    match guard::against_bugs(work) {
        Ok(text) => print(text.as_bytes()),
        Err(error) => fail(&error),
    }
}

fn print(text: &[u8]) -> ExitCode {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        // Who closes the pipe early has seen enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            tracing::error!("the answer cannot be written to the standard output: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
