//! A progress bar on a terminal, and nothing anywhere else.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows how far a run is.
#[derive(Clone, Debug)]
pub struct Progress {
    shown: bool,
    bar: ProgressBar,
}

impl Progress {
    /// Progress on stderr, if it is to be shown and stderr is a terminal.
    pub fn new(wanted: bool) -> Self {
        let shown = wanted && std::io::IsTerminal::is_terminal(&std::io::stderr());
        Progress { shown, bar: ProgressBar::hidden() }
    }

    /// Begins a stage of `length` steps: rows, partitions or dates.
    pub fn stage(&mut self, name: &'static str, length: u64) {
        self.bar.finish_and_clear();
        if !self.shown {
            return;
        }
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
        let template = "{msg:>11} {bar:40} {human_pos}/{human_len} {elapsed}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸ "));
        }
        bar.set_message(name);
        self.bar = bar;
    }

    /// Some steps more are done.
    pub fn add(&self, steps: u64) {
        self.bar.inc(steps);
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
