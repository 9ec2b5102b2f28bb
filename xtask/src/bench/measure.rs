//! What one run of a program costs: wall time, processor time, memory, bytes.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::bench::relay::Relay;
use crate::invocation::Invocation;

/// GNU time writes these after the program ended: elapsed, user and system seconds, the largest process in KiB.
const FORMAT: &str = "%e %U %S %M";

/// The cost of a program and of all processes it started and waited for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) wall_seconds: f64,
    /// User and system time.
    pub(crate) cpu_seconds: f64,
    /// Resident memory of the largest process.
    pub(crate) peak_kib: u64,
    /// Bytes handed to block devices.
    pub(crate) written_bytes: u64,
    /// Bytes sent to the registry.
    pub(crate) pushed_bytes: u64,
}

impl Sample {
    /// The cost of doing both, one after the other.
    pub(crate) fn then(&self, next: &Self) -> Self {
        Self {
            wall_seconds: self.wall_seconds + next.wall_seconds,
            cpu_seconds: self.cpu_seconds + next.cpu_seconds,
            peak_kib: self.peak_kib.max(next.peak_kib),
            written_bytes: self.written_bytes + next.written_bytes,
            pushed_bytes: self.pushed_bytes + next.pushed_bytes,
        }
    }
}

/// Runs a program to its successful end and returns its cost; `scratch` is a file that may be overwritten.
pub(crate) fn measure(invocation: Invocation, relay: &Relay, scratch: &Path) -> Result<Sample> {
    let line = invocation.line();
    let wrapper = ["--format".into(), FORMAT.into(), "--output".into(), scratch.into(), "--".into()];
    let (written, pushed) = (written_bytes()?, relay.sent_bytes());
    invocation.wrapped_by("/usr/bin/time", &wrapper).output()?;
    let text = fs::read_to_string(scratch).with_context(|| format!("reading the time of `{line}`"))?;
    let mut sample = parse(&text)?;
    sample.written_bytes = written_bytes()? - written;
    sample.pushed_bytes = relay.sent_bytes() - pushed;
    Ok(sample)
}

/// The sample in the middle by wall time.
pub(crate) fn median(mut samples: Vec<Sample>) -> Result<Sample> {
    samples.sort_by(|left, right| left.wall_seconds.total_cmp(&right.wall_seconds));
    let middle = samples.len() / 2;
    samples.into_iter().nth(middle).context("nothing was measured")
}

fn parse(text: &str) -> Result<Sample> {
    let last = text.lines().last().unwrap_or_default();
    let numbers: Vec<f64> = last.split(' ').map_while(|word| word.parse().ok()).collect();
    let [wall_seconds, user, system, peak] = numbers[..] else { bail!("GNU time wrote `{text}`") };
    Ok(Sample { wall_seconds, cpu_seconds: user + system, peak_kib: peak as u64, ..Sample::default() })
}

/// Written by this process and its ended children: `proc_pid_io(5)`, `write_bytes`.
fn written_bytes() -> Result<u64> {
    let text = fs::read_to_string("/proc/self/io").context("reading this process's counters")?;
    let value = text.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    value.context("no `write_bytes`")?.parse().context("reading `write_bytes`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_gnu_time_are_read() {
        let sample = parse("12.5 3.25 0.75 2048\n").unwrap();
        assert!((sample.cpu_seconds - 4.0).abs() < f64::EPSILON);
        assert_eq!(sample.peak_kib, 2048);
        assert!(parse("Command exited with non-zero status 1\n").is_err());
    }

    #[test]
    fn the_median_is_the_middle_run() {
        let sample = |wall_seconds| Sample { wall_seconds, ..Sample::default() };
        let middle = median(vec![sample(9.0), sample(1.0), sample(2.0)]).unwrap();
        assert!((middle.wall_seconds - 2.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).is_err());
    }
}
