//! Weekly windows in which rebuilds run that nobody asked for.

use serde::{Deserialize, Serialize};
use temper_spec::Problem;
use temper_store::records::{Micros, RebuildSettings};

use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;

/// Most windows of an organization.
const WINDOWS_MAX: usize = 50;

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

const MINUTES_OF_DAY: i64 = 24 * 60;

/// A window, in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The days on which it opens; every day where empty.
    #[serde(default)]
    pub days: Vec<String>,
    /// When it opens, `22:00`.
    pub from: String,
    /// When it closes, `06:00`: on the next day where that is not later; `24:00` is midnight.
    pub to: String,
}

/// The windows of an organization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RebuildWindows(pub Vec<Window>);

impl RebuildWindows {
    pub(super) fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// Says whether rebuilds run at a time; without windows they always do.
    pub fn is_open(&self, at: Micros) -> bool {
        let minute = at.div_euclid(60_000_000);
        let day = minute.div_euclid(MINUTES_OF_DAY);
        let now = minute.rem_euclid(MINUTES_OF_DAY);
        self.0.is_empty() || self.0.iter().any(|window| window.is_open(day, now))
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.0.len() > WINDOWS_MAX {
            problems.push(Problem::new("windows", None, format!("has more than {WINDOWS_MAX} entries")));
        }
        for (index, window) in self.0.iter().enumerate() {
            for day in window.days.iter().filter(|day| !DAYS.contains(&day.as_str())) {
                let problem =
                    Problem::new(format!("windows[{index}].days"), None, format!("there is no day `{day}`"));
                problems.push(problem.with_hint(format!("there is {}", DAYS.join(", "))));
            }
            for (key, text) in [("from", &window.from), ("to", &window.to)] {
                if minutes(text).is_none() {
                    let problem =
                        Problem::new(format!("windows[{index}].{key}"), None, format!("`{text}` is no time"));
                    problems.push(problem.with_hint("write hours and minutes of UTC: `22:00`"));
                }
            }
        }
        problems
    }
}

impl Window {
    /// `day` counts from 1970, `now` in minutes of it.
    fn is_open(&self, day: i64, now: i64) -> bool {
        let (Some(from), Some(to)) = (minutes(&self.from), minutes(&self.to)) else { return false };
        if from < to {
            return self.opens_on(day) && (from..to).contains(&now);
        }
        (self.opens_on(day) && now >= from) || (self.opens_on(day - 1) && now < to)
    }

    fn opens_on(&self, day: i64) -> bool {
        // The first day of 1970 was a Thursday.
        let name = DAYS[(day + 3).rem_euclid(7) as usize];
        self.days.is_empty() || self.days.iter().any(|one| one == name)
    }
}

/// Reads hours and minutes.
fn minutes(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| {
        (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<i64>().ok())?
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let all = hours * 60 + minutes;
    (minutes < 60 && all <= MINUTES_OF_DAY).then_some(all)
}

/// When an organization's rebuilds run that nobody asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rebuilds {
    /// Since when they do not run at all.
    pub paused_at: Option<Micros>,
    /// When they run.
    pub windows: RebuildWindows,
    /// How many targets wait for that.
    pub held: u64,
}

impl Hub {
    /// Returns when an organization's rebuilds run; members may ask.
    pub async fn rebuilds(&self, caller: &Caller, organization: &str) -> Result<Rebuilds, HubError> {
        let organization = self.require_member(caller, organization).await?;
        let watch = self.records().watch();
        let settings = watch.settings(&organization.id).await?;
        let held = watch.count_held(&organization.id).await?;
        Ok(Rebuilds { paused_at: settings.paused_at, windows: RebuildWindows::read(&settings.windows), held })
    }

    /// Pauses an organization's rebuilds or lets them run, and sets their windows; what is absent stays. Owners may.
    pub async fn set_rebuilds(
        &self,
        caller: &Caller,
        organization: &str,
        paused: Option<bool>,
        windows: Option<RebuildWindows>,
    ) -> Result<Rebuilds, HubError> {
        let action = format!("setting rebuilds of organization `{organization}`");
        let owner = self.require_owner(caller, organization, &action).await?;
        let problems = windows.as_ref().map(RebuildWindows::problems).unwrap_or_default();
        if !problems.is_empty() {
            let subject = "the settings of rebuilds".to_owned();
            return Err(HubError::Invalid { subject, problems: temper_spec::Problems(problems) });
        }
        let watch = self.records().watch();
        let before = watch.settings(&owner.id).await?;
        let settings = RebuildSettings {
            paused_at: match paused {
                None => before.paused_at,
                Some(false) => None,
                Some(true) => before.paused_at.or(Some(self.now())),
            },
            windows: match &windows {
                None => before.windows.clone(),
                Some(windows) => serde_json::to_string(windows).unwrap_or_else(|_| "[]".to_owned()),
            },
        };
        let shown = |settings: &RebuildSettings| serde_json::json!({"paused": settings.paused_at.is_some(), "windows": RebuildWindows::read(&settings.windows)});
        let event = self.event(caller, Some(&owner.id), "rebuilds.set", organization);
        let event = event.before(&shown(&before)).after(&shown(&settings));
        watch.set_settings(&owner.id, &settings, event).await?;
        self.rebuilds(caller, organization).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::watch::micros;

    /// Minutes after the beginning of a Monday.
    fn at(minutes: u64) -> Micros {
        // 1970-01-05 was a Monday.
        micros(Duration::from_secs((4 * 24 * 60 + minutes) * 60))
    }

    #[test]
    fn windows_open_and_close() {
        let check = |days: &[&str], from: &str, to: &str, minutes: u64, expected: bool| {
            let days = days.iter().map(|day| (*day).to_owned()).collect();
            let windows = RebuildWindows(vec![Window { days, from: from.to_owned(), to: to.to_owned() }]);
            assert_eq!(windows.problems(), []);
            assert_eq!(windows.is_open(at(minutes)), expected, "{windows:?} {minutes}");
        };
        let day = 24 * 60;
        check(&[], "02:00", "04:00", 119, false);
        check(&[], "02:00", "04:00", 120, true);
        check(&[], "02:00", "04:00", 239, true);
        check(&[], "02:00", "04:00", 240, false);
        check(&["monday"], "22:00", "06:00", 23 * 60, true);
        check(&["monday"], "22:00", "06:00", day + 5 * 60, true);
        check(&["monday"], "22:00", "06:00", 5 * 60, false);
        check(&["monday"], "22:00", "06:00", day + 23 * 60, false);
        check(&["sunday"], "00:00", "24:00", 6 * day + 5, true);
        check(&["sunday"], "00:00", "24:00", 7 * day, false);
        assert!(RebuildWindows::default().is_open(at(0)));
    }

    #[test]
    fn wrong_windows_are_named() {
        let window = |days: &[&str], from: &str, to: &str| Window {
            days: days.iter().map(|day| (*day).to_owned()).collect(),
            from: from.to_owned(),
            to: to.to_owned(),
        };
        let windows =
            RebuildWindows(vec![window(&["funday"], "2:00", "24:01"), window(&[], "aa:bb", "-1:00")]);
        let paths: Vec<String> = windows.problems().into_iter().map(|problem| problem.path).collect();
        assert_eq!(
            paths,
            ["windows[0].days", "windows[0].from", "windows[0].to", "windows[1].from", "windows[1].to"]
        );
    }
}
