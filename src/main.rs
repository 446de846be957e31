//! The command line program: parse, run, report, exit.

use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use dwell::cli::{
    ChartsRequest, Cli, CompareRequest, DoctorRequest, GapsRequest, InspectRequest, KernelRequest, QuestionFlags,
    Request, RunRequest,
};
use dwell::commands::{charts, compare, doctor, history, run};
use dwell::error::Error;
use dwell::heap::Heap;
use dwell::summary::format::Format;
use dwell::summary::log::{self, LogFormat};
use dwell::{cancel, guard};

/// Where the system has no more memory, the run fails as it does where a disk is full.
#[global_allocator]
static HEAP: Heap = Heap;

fn main() -> ExitCode {
    match Cli::from_arguments().request() {
        Request::Completions { shell } => print(&Cli::completions(shell)),
        Request::History(request) => report(&(LogFormat::default(), false), || history::history(&request.resolve()?)),
        Request::Charts(request) => {
            let log = (request.log_format(), request.quiet());
            report(&log, || make_charts(request))
        }
        Request::Doctor(request) => examine(*request),
        Request::Gaps(request) => report(&question_log(&request.question), || gaps(*request)),
        Request::Inspect(request) => report(&question_log(&request.question), || inspect(*request)),
        Request::Compare(request) => {
            let log = (request.log_format(), request.quiet());
            report(&log, || compare_jobs(request))
        }
        Request::Kernel(request) => report(&request.log(), || sessionize_stream(*request)),
        Request::Run(request) => report(&request_log(&request), || run_job(*request)),
    }
}

fn request_log(request: &RunRequest) -> (LogFormat, bool) {
    (request.log_format(), request.quiet())
}

fn question_log(flags: &QuestionFlags) -> (LogFormat, bool) {
    (flags.log_format(), flags.quiet())
}

fn gaps(request: GapsRequest) -> Result<String, Error> {
    use_threads(request.question.threads());
    cancel::listen();
    let (answer, format) = request.answer()?;
    Ok(answer.text(format))
}

fn inspect(request: InspectRequest) -> Result<String, Error> {
    use_threads(request.question.threads());
    cancel::listen();
    let (stream, format) = request.answer()?;
    Ok(match format {
        Format::Table => stream.drawing(std::io::stdout().is_terminal()),
        Format::Json => stream.json(),
        Format::Csv => stream.csv(),
    })
}

fn run_job(request: RunRequest) -> Result<String, Error> {
    use_threads(request.threads());
    cancel::listen();
    let (job, options) = request.resolve()?;
    let summary = run::run(&job, &options)?;
    Ok(if options.resources.quiet && !options.dry_run { String::new() } else { summary })
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
    let text = charts::make_charts(&request.resolve()?, &resources)?;
    Ok(if quiet { String::new() } else { text })
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
    tracing::error!("{}", failed.message());
    ExitCode::from(failed.exit_code())
}

fn report(log: &(LogFormat, bool), work: impl FnOnce() -> Result<String, Error>) -> ExitCode {
    log::start(log.0, log.1);
    match guard::against_bugs(work) {
        Ok(text) => print(text.as_bytes()),
        Err(error) => {
            tracing::error!("{}", error.message());
            ExitCode::from(error.exit_code())
        }
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
