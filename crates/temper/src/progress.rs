//! Progress of long work: a bar on a terminal, plain lines elsewhere, always on standard error.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use temper_compose::{Event, Log};

use crate::plan_text::bytes;

/// Plain lines about one long part of a step are at least this far apart.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Shows events of plans and builds to the person who waits for them.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    last: Mutex<Instant>,
    started: Instant,
    /// The message of the last event.
    step: Mutex<Option<String>>,
}

impl Progress {
    /// Returns a bar where standard error is a terminal, else plain lines.
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(120));
            bar.set_style(style("{spinner} {msg}"));
            bar
        });
        Self { bar, last: Mutex::new(now), started: now, step: Mutex::default() }
    }

    /// Prints text as it is, above the bar.
    pub(crate) fn text(&self, text: &str) {
        match &self.bar {
            Some(bar) => text.lines().for_each(|line| bar.println(line)),
            // A closed standard error must not end a build.
            None => drop(std::io::stderr().write_all(text.as_bytes())),
        }
    }

    /// Removes the bar, so that what is printed next stands alone.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Returns what was done last, in words.
    pub(crate) fn step(&self) -> Option<String> {
        self.step.lock().ok()?.clone()
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

impl Log for Progress {
    fn event(&self, event: Event) {
        let platform = event.platform.as_ref().map(|platform| format!(" [{platform}]")).unwrap_or_default();
        let amount = event.progress.map(|(done, total)| {
            if event.is_bytes {
                format!(" {} of {}", bytes(done), bytes(total))
            } else {
                format!(" {done} of {total}")
            }
        });
        let message = format!("{}{platform}{}", event.message, amount.unwrap_or_default());
        if let Ok(mut step) = self.step.lock() {
            *step = Some(message.clone());
        }
        match &self.bar {
            Some(bar) if event.progress.is_some_and(|(done, total)| done < total) => bar.set_message(message),
            Some(bar) => {
                bar.set_message(message.clone());
                bar.println(format!("  {message}"));
            }
            None => self.line(&event, &message),
        }
    }
}

impl Progress {
    /// Prints a line; of the many events of one long part only one in a while, and the last.
    fn line(&self, event: &Event, message: &str) {
        let is_part = event.progress.is_some_and(|(done, total)| done < total);
        let Ok(mut last) = self.last.lock() else { return };
        if is_part && last.elapsed() < LINE_INTERVAL {
            return;
        }
        *last = Instant::now();
        let seconds = self.started.elapsed().as_secs_f32();
        // A closed standard error must not end a build.
        let _ = writeln!(std::io::stderr(), "[{seconds:6.1}s] {message}");
    }
}
