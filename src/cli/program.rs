//! What the program does with what is asked: work, print, and an exit code.

use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use super::{ChartsRequest, Cli, CompareRequest, DoctorRequest, GapsRequest, Request, RunRequest};
use crate::commands::gaps::page::page;
use crate::commands::{charts, compare, doctor, history};
use crate::error::Error;
use crate::job::schema::schema_text;
use crate::schedulers::Environment;
use crate::summary::format::Format;
use crate::summary::log;
use crate::{cancel, guard};

/// What is printed, and how the program ends once it is.
struct Answer {
    text: String,
    end: End,
}

enum End {
    Code(u8),
    /// The answer is printed, and is more than the user allows.
    Exceeded(Error),
}

impl From<String> for Answer {
    fn from(text: String) -> Answer {
        Answer { text, end: End::Code(0) }
    }
}

/// Does what the command line asks for, prints the answer or the error, and returns the exit code: 0, 1 where files or
/// the disk failed, 2 where something asked for is wrong, 3 where a limit is exceeded, or the user's own.
pub fn main() -> ExitCode {
    let request = Cli::from_arguments().request();
    let setup = request.setup();
    log::start(setup.log_format, setup.quiet);
    use_threads(setup.threads);
    cancel::listen();
    match guard::against_bugs(|| answer(request)) {
        Ok(answer) => match (print(answer.text.as_bytes()), answer.end) {
            (printed, End::Code(0)) => printed,
            (_, End::Code(code)) => ExitCode::from(code),
            (_, End::Exceeded(error)) => fail(&error),
        },
        Err(error) => fail(&error),
    }
}

fn answer(request: Request) -> Result<Answer, Error> {
    match request {
        Request::Init(request) => Ok(request.answer()?.into()),
        Request::Import(request) => Ok(request.answer()?.into()),
        Request::Run(request) => run(*request),
        Request::Doctor(request) => examine(*request),
        Request::History(request) => Ok(history::history(&request.resolve()?)?.into()),
        Request::Charts(request) => Ok(make_charts(request)?.into()),
        Request::Report(request) => Ok(request.answer()?.into()),
        Request::Gaps(request) => Ok(gaps(*request)?.into()),
        Request::Inspect(request) => Ok(request.answer(std::io::stdout().is_terminal())?.into()),
        Request::Compare(request) => Ok(compare_jobs(request)?.into()),
        Request::Identify(request) => Ok(request.answer()?.into()),
        // The stream goes to the standard output by itself: nothing else may.
        Request::Kernel(request) => {
            request.answer(cancel::stdin()?, std::io::stdout()).map_err(cancel::or_interrupted)?;
            Ok(String::new().into())
        }
        Request::Dbt(request) => Ok(request.answer()?.into()),
        Request::Schema => Ok(schema_text().into()),
        Request::Man { command } => Ok(Cli::manual(command.as_deref())?.into()),
        Request::Completions { shell } => Ok(Cli::completions(shell).into()),
    }
}

/// Tells polars how many threads to use, before anything of it has started: it takes the size of its own pool from
/// here, once.
fn use_threads(threads: Option<usize>) {
    if let Some(threads) = threads {
        std::env::set_var("POLARS_MAX_THREADS", threads.to_string());
    }
    // It has another pool, for files that dwell reads by itself. Where the system gives the first of its threads and refuses the
    // next, it would wait for that one without end.
    const FOR_FILES: &str = "POLARS_ASYNC_THREAD_COUNT";
    if std::env::var_os(FOR_FILES).is_none() {
        std::env::set_var(FOR_FILES, "1");
    }
}

fn run(request: RunRequest) -> Result<Answer, Error> {
    let variables =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let answer = request.run(&Environment::new(variables))?;
    Ok(Answer { text: answer.text, end: End::Code(answer.exit_code) })
}

/// What was found is printed also where it is more than the user allows.
fn examine(request: DoctorRequest) -> Result<Answer, Error> {
    let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    let (job, resources, options) = request.resolve(coloured)?;
    let answer = doctor::answer(job, &resources, &options)?;
    Ok(Answer { text: answer.text, end: answer.exceeded.map_or(End::Code(0), End::Exceeded) })
}

fn make_charts(request: ChartsRequest) -> Result<String, Error> {
    let (quiet, resources) = (request.setup().quiet, request.resources()?);
    let text = charts::make_charts(&request.resolve()?, &resources, window())?;
    Ok(if quiet { String::new() } else { text })
}

/// How many letters a line of the window has; where there is none, as many as a file's usually have.
fn window() -> usize {
    const USUAL: usize = 100;
    terminal_size::terminal_size_of(std::io::stdout()).map_or(USUAL, |(width, _)| usize::from(width.0))
}

fn gaps(request: GapsRequest) -> Result<String, Error> {
    let (answer, format) = request.answer()?;
    Ok(match format {
        Format::Html => page(&answer),
        format => answer.text(format),
    })
}

fn compare_jobs(request: CompareRequest) -> Result<String, Error> {
    let ([mut a, mut b], options) = request.resolve()?;
    compare::compare([&mut a, &mut b], &options)
}

fn fail(error: &Error) -> ExitCode {
    tracing::error!("{}", error.message());
    ExitCode::from(error.exit_code())
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
