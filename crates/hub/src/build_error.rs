//! Why a build failed, as it is kept and shown.

use std::error::Error;

use serde::{Deserialize, Serialize};
use temper_compose::Plan;
use temper_spec::Problem;

/// Why a build failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildError {
    /// What failed.
    pub message: String,
    /// The causes behind it, the nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Everything that is wrong with the document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<BuildProblem>,
}

/// Something that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildProblem {
    /// Its place in the document.
    pub path: String,
    /// The platform that has the problem, where not all have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl BuildError {
    /// Takes an error with the causes behind it.
    pub(crate) fn of(error: &dyn Error, hint: Option<String>) -> Self {
        let mut causes = Vec::new();
        let mut next = error.source();
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        Self { message: error.to_string(), causes, hint, problems: Vec::new() }
    }

    /// Says one thing.
    pub(crate) fn of_message(message: &str) -> Self {
        Self { message: message.to_owned(), ..Self::default() }
    }

    /// Lists the problems of a plan.
    pub(crate) fn of_plan(plan: &Plan) -> Self {
        let problems = plan.problems().map(|(platform, finding)| BuildProblem {
            path: finding.path.clone(),
            platform: platform.map(ToString::to_string),
            message: finding.message.clone(),
            hint: finding.hint.clone(),
        });
        Self::of_list(problems.collect())
    }

    /// Lists the problems of a document.
    pub(crate) fn of_problems(problems: &[Problem]) -> Self {
        let problems = problems.iter().map(|problem| BuildProblem {
            path: problem.path.clone(),
            platform: None,
            message: problem.message.clone(),
            hint: problem.hint(),
        });
        Self::of_list(problems.collect())
    }

    fn of_list(problems: Vec<BuildProblem>) -> Self {
        let message = match problems.as_slice() {
            [one] => one.message.clone(),
            many => format!("the document has {} problems", many.len()),
        };
        Self { message, problems, ..Self::default() }
    }

    /// Writes it in one line.
    pub fn sentence(&self) -> String {
        std::iter::once(&self.message).chain(&self.causes).cloned().collect::<Vec<_>>().join(": ")
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts are JSON")
    }
}
