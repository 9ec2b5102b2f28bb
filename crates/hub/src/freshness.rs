//! Freshness: how long a repository's tags take to answer to what changed.

use temper_store::records::{Micros, TimedChange};

use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;

/// Most changes that are counted.
const CHANGES_MAX: u32 = 10_000;

/// What took longer than this has a reason to be told, in microseconds.
const NOTABLE: Micros = 15 * 60 * 1_000_000;

/// How fresh a repository is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// Changes that were answered.
    pub answered: u64,
    /// Half of them took at most this long, in microseconds.
    pub p50: Option<Micros>,
    /// 95 of 100 took at most this long, in microseconds.
    pub p95: Option<Micros>,
    /// Changes that wait still, oldest first.
    pub waiting: Vec<Late>,
    /// The slowest of those that were answered and took notably long, slowest first.
    pub late: Vec<Late>,
}

/// A change with what held it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    /// The change.
    pub change: TimedChange,
    /// How long it took or takes, in microseconds.
    pub took: Micros,
    /// What held it up most.
    pub because: Option<String>,
}

/// How many late changes are named.
const LATE_MAX: usize = 20;

impl Hub {
    /// Tells how fresh a repository has been since a time; who may read it may ask.
    pub async fn freshness(
        &self,
        caller: &Caller,
        repository: &str,
        since: Micros,
    ) -> Result<Freshness, HubError> {
        self.require_read(caller, repository, &format!("asking for the freshness of `{repository}`")).await?;
        let changes = self.records().watch().changes(repository, since, CHANGES_MAX).await?;
        Ok(summary(changes, self.now()))
    }
}

fn summary(changes: Vec<TimedChange>, now: Micros) -> Freshness {
    let late = |change: TimedChange| {
        let took = change.moved_at.unwrap_or(now) - change.event_at;
        let because = because(&change, now);
        Late { change, took, because }
    };
    let (answered, waiting): (Vec<TimedChange>, Vec<TimedChange>) =
        changes.into_iter().partition(|change| change.moved_at.is_some());
    let mut answered: Vec<Late> = answered.into_iter().map(late).collect();
    let mut waiting: Vec<Late> = waiting.into_iter().map(late).collect();
    answered.sort_by_key(|late| late.took);
    waiting.sort_by_key(|late| late.change.event_at);
    let (p50, p95) = (percentile(&answered, 50), percentile(&answered, 95));
    let count = answered.len() as u64;
    let late = answered.into_iter().rev().take_while(|late| late.because.is_some()).take(LATE_MAX).collect();
    Freshness { answered: count, p50, p95, waiting, late }
}

/// Returns the nearest rank of sorted times.
fn percentile(sorted: &[Late], percent: usize) -> Option<Micros> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).map(|late| late.took)
}

/// Says what held a change up most, where it took notably long.
pub(crate) fn because(change: &TimedChange, now: Micros) -> Option<String> {
    let end = change.moved_at.unwrap_or(now);
    if end - change.event_at < NOTABLE {
        return None;
    }
    let released = change.released_at.unwrap_or(end);
    let parts = [
        (change.noticed_at - change.event_at, "it was noticed late"),
        (released - change.noticed_at, "rebuilds were paused, or outside their windows"),
        (
            end - released,
            if change.moved_at.is_some() {
                "the rebuild waited, or had to be repeated"
            } else {
                "the rebuild waits, or fails"
            },
        ),
    ];
    let (took, reason) = parts.into_iter().max_by_key(|(took, _)| *took)?;
    Some(format!("{reason}: {}", duration(took)))
}

/// Writes a time span in its two largest units.
fn duration(micros: Micros) -> String {
    let seconds = micros.div_euclid(1_000_000);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Micros = 60_000_000;

    fn change(noticed: Micros, released: Option<Micros>, moved: Option<Micros>) -> TimedChange {
        TimedChange {
            id: String::new(),
            repository: "acme/python".to_owned(),
            subject: "t".to_owned(),
            cause: "base".to_owned(),
            event_at: 0,
            noticed_at: noticed * MINUTE,
            released_at: released.map(|minutes| minutes * MINUTE),
            moved_at: moved.map(|minutes| minutes * MINUTE),
        }
    }

    #[test]
    fn percentiles_are_of_nearest_rank() {
        let check = |took: &[Micros], p50: Option<Micros>, p95: Option<Micros>| {
            let changes = took.iter().map(|minutes| change(0, Some(0), Some(*minutes))).collect();
            let found = summary(changes, 0);
            let minutes = |time: Option<Micros>| time.map(|time| time / MINUTE);
            assert_eq!((minutes(found.p50), minutes(found.p95)), (p50, p95), "{took:?}");
        };
        check(&[], None, None);
        check(&[3], Some(3), Some(3));
        check(&[4, 1, 3, 2], Some(2), Some(4));
        check(&(1..=100).collect::<Vec<_>>(), Some(50), Some(95));
    }

    #[test]
    fn what_held_a_change_up_most_is_told() {
        let check = |change: TimedChange, expected: Option<&str>| {
            assert_eq!(because(&change, 200 * MINUTE).as_deref(), expected, "{change:?}");
        };
        check(change(1, Some(1), Some(2)), None);
        check(change(40, Some(40), Some(50)), Some("it was noticed late: 40 min 0 s"));
        check(
            change(1, Some(91), Some(92)),
            Some("rebuilds were paused, or outside their windows: 1 h 30 min"),
        );
        check(change(1, Some(2), Some(62)), Some("the rebuild waited, or had to be repeated: 1 h 0 min"));
        check(change(1, Some(2), None), Some("the rebuild waits, or fails: 3 h 18 min"));
        check(change(1, None, None), Some("rebuilds were paused, or outside their windows: 3 h 19 min"));
    }

    #[test]
    fn waiting_changes_are_no_answers() {
        let found = summary(vec![change(1, Some(2), None), change(1, Some(1), Some(5))], 200 * MINUTE);
        assert_eq!((found.answered, found.waiting.len(), found.late.len()), (1, 1, 0));
    }
}
