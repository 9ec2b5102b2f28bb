//! What callers give: names, passwords, patterns. Every problem of a request is told at once.

use secrecy::{ExposeSecret as _, SecretString};
use temper_oci::Pattern;
use temper_spec::{Problem, Problems};

use crate::error::HubError;

/// Longest name of a user, organization, team or access token in characters.
const NAME_LENGTH_MAX: usize = 64;

/// Longest description in bytes.
const DESCRIPTION_BYTES_MAX: usize = 4 << 10;

/// Shortest password in characters.
const PASSWORD_LENGTH_MIN: usize = 8;

/// Longest password in bytes: hashing time grows with it, and clients of the registry send no longer one.
const PASSWORD_BYTES_MAX: usize = 1024;

/// Most patterns of repositories of one access token.
const PATTERNS_MAX: usize = 100;

/// Gathers what is wrong with a request.
#[derive(Debug, Default)]
pub(crate) struct Check {
    problems: Vec<Problem>,
}

impl Check {
    /// Notes a problem where there is one.
    pub(crate) fn note(&mut self, field: &str, problem: Option<String>) {
        self.problems.extend(problem.map(|message| Problem::new(field, None, message)));
    }

    /// Checks a name that becomes part of a repository's name, or that somebody logs in with.
    pub(crate) fn name(&mut self, field: &str, name: &str) {
        let is_name = name.len() <= NAME_LENGTH_MAX
            && !name.contains('/')
            && temper_oci::reference::check_repository(name).is_ok();
        let problem = Problem::new(field, None, format!("`{name}` is not a name")).with_hint(format!(
            "up to {NAME_LENGTH_MAX} lower-case letters and digits, with single `.`, `_` or `-` between them"
        ));
        self.problems.extend((!is_name).then_some(problem));
    }

    /// Checks a text for people.
    pub(crate) fn description(&mut self, field: &str, text: &str) {
        let is_long = text.len() > DESCRIPTION_BYTES_MAX;
        self.note(field, is_long.then(|| format!("has more than {DESCRIPTION_BYTES_MAX} bytes")));
    }

    /// Checks an address for mail, as far as anybody can without sending one.
    pub(crate) fn email(&mut self, field: &str, text: &str) {
        let is_address = text.is_empty()
            || (text.len() <= 254
                && text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
                && !text.contains(char::is_whitespace));
        self.note(field, (!is_address).then(|| format!("`{text}` is no address for mail")));
    }

    /// Checks a new password.
    pub(crate) fn password(&mut self, field: &str, password: &SecretString) {
        let password = password.expose_secret();
        let is_good = password.chars().count() >= PASSWORD_LENGTH_MIN
            && password.len() <= PASSWORD_BYTES_MAX
            && !password.contains(char::is_control);
        self.note(
            field,
            (!is_good).then(|| {
                format!(
                    "a password has at least {PASSWORD_LENGTH_MIN} characters, at most {PASSWORD_BYTES_MAX} bytes \
                     and no control characters"
                )
            }),
        );
    }

    /// Checks patterns of repositories.
    pub(crate) fn patterns(&mut self, field: &str, patterns: &[String]) {
        if patterns.len() > PATTERNS_MAX {
            self.note(field, Some(format!("has more than {PATTERNS_MAX} patterns")));
        }
        for (index, pattern) in patterns.iter().enumerate() {
            let problem = pattern.parse::<Pattern>().err();
            self.note(&format!("{field}[{index}]"), problem.map(|problem| problem.to_string()));
        }
    }

    /// Ends the check: nothing is done where there are problems. `subject` is what was sent: `the organization`.
    pub(crate) fn end(self, subject: &str) -> Result<(), HubError> {
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(HubError::Invalid { subject: subject.to_owned(), problems: Problems(self.problems) })
    }
}
