//! What is wrong with the wish to mirror something.

use std::time::Duration;

use temper_attest::PublicKey;
use temper_oci::reference::check_repository;
use temper_oci::{Pattern, Reference};
use temper_spec::{Problem, Problems};
use temper_store::records::Micros;

use super::{MirrorKind, MirrorRequest};
use crate::error::HubError;
use crate::hub::Hub;

/// Shortest time between looks by the clock: an upstream is no machine of ours.
const INTERVAL_MIN: Duration = Duration::from_mins(1);

/// Longest time between looks.
const INTERVAL_MAX: Duration = Duration::from_hours(24 * 30);

/// Most patterns or keys.
const LIST_MAX: usize = 100;

/// How hardened images call their registry in names of repositories, as Docker's client writes them.
const CATALOG: &str = "dhi/";

/// The registry of the images that the definitions of the catalog describe.
const CATALOG_REGISTRY: &str = "dhi.io";

/// A wish without problems.
pub(super) struct Checked {
    pub(super) kind: MirrorKind,
    pub(super) source: String,
    pub(super) repository: String,
    pub(super) verify_keys: Vec<String>,
    pub(super) interval: Micros,
}

/// Collects all problems of a wish.
pub(super) fn check(hub: &Hub, organization: &str, request: &MirrorRequest) -> Result<Checked, HubError> {
    let mut problems = Vec::new();
    let source = source(hub, &request.source, &mut problems);
    let repository = repository(organization, request, source.as_ref(), &mut problems);
    patterns("tags", &request.tags, &mut problems);
    patterns("except", &request.except, &mut problems);
    let verify_keys = keys(&request.verify_keys, &mut problems);
    let interval = interval(hub, request, &mut problems);
    if let Some((MirrorKind::Definitions, _)) = &source
        && (!request.tags.is_empty() || !request.except.is_empty() || !request.verify_keys.is_empty())
    {
        let message =
            "patterns and keys are for registries: what is built here has the tags of its definition";
        problems.push(Problem::new("source", None, message));
    }
    if let Some((MirrorKind::Registry, name)) = &source
        && *name == hub.config().images.full_name(&repository)
    {
        problems.push(Problem::new("source", None, "repository cannot mirror itself"));
    }
    match source {
        Some((kind, source)) if problems.is_empty() => {
            Ok(Checked { kind, source, repository, verify_keys, interval })
        }
        _ => Err(HubError::Invalid { subject: "the mirror".to_owned(), problems: Problems(problems) }),
    }
}

fn source(hub: &Hub, text: &str, problems: &mut Vec<Problem>) -> Option<(MirrorKind, String)> {
    if !Reference::names_registry(text) {
        let prefix = text.strip_prefix(CATALOG).unwrap_or(text).trim_end_matches('/');
        let catalog = &hub.outside().catalog;
        if catalog.below(prefix).next().is_some() {
            return Some((MirrorKind::Definitions, prefix.to_owned()));
        }
        let message = format!("the catalog has no definition `{text}`");
        let hint = format!(
            "{}; an image of a registry is named with the registry, `docker.io/library/nginx`",
            catalog.nearest(prefix)
        );
        problems.push(Problem::new("source", None, message).with_hint(hint));
        return None;
    }
    match text.parse::<Reference>() {
        Ok(reference) if reference.tag().is_none() && reference.digest().is_none() => {
            Some((MirrorKind::Registry, reference.to_string()))
        }
        Ok(reference) => {
            let problem = Problem::new("source", None, format!("`{text}` names an image, not a repository"));
            let name = reference.without_identifier();
            problems
                .push(problem.with_hint(format!("name the repository `{name}`, and its tags by patterns")));
            None
        }
        Err(error) => {
            let problem = Problem::new("source", None, error.to_string());
            problems.push(match error.hint() {
                Some(hint) => problem.with_hint(hint),
                None => problem,
            });
            None
        }
    }
}

fn repository(
    organization: &str,
    request: &MirrorRequest,
    source: Option<&(MirrorKind, String)>,
    problems: &mut Vec<Problem>,
) -> String {
    let Some(repository) = &request.repository else {
        return source
            .map(|(kind, source)| default_repository(organization, *kind, source))
            .unwrap_or_default();
    };
    let is_inside = repository.strip_prefix(organization).is_some_and(|rest| rest.starts_with('/'));
    if !is_inside {
        let message = format!("repository `{repository}` is not in organization `{organization}`");
        let name = repository.rsplit('/').next().unwrap_or_default();
        problems.push(
            Problem::new("repository", None, message).with_hint(format!("name it `{organization}/{name}`")),
        );
    } else if let Err(error) = check_repository(repository) {
        problems.push(Problem::new("repository", None, error.to_string()));
    }
    repository.clone()
}

/// Names the repository as Docker's client does: `dhi-` before the name of a hardened image.
fn default_repository(organization: &str, kind: MirrorKind, source: &str) -> String {
    let name = match kind {
        MirrorKind::Definitions => source.split('/').next(),
        MirrorKind::Registry => source.rsplit('/').next(),
    };
    let is_hardened = kind == MirrorKind::Definitions || source.split('/').next() == Some(CATALOG_REGISTRY);
    format!("{organization}/{}{}", if is_hardened { "dhi-" } else { "" }, name.unwrap_or_default())
}

fn patterns(path: &str, patterns: &[String], problems: &mut Vec<Problem>) {
    bound(path, patterns.len(), problems);
    for (index, pattern) in patterns.iter().enumerate() {
        if let Err(error) = pattern.parse::<Pattern>() {
            problems.push(Problem::new(format!("{path}[{index}]"), None, error.to_string()));
        }
    }
}

fn keys(texts: &[String], problems: &mut Vec<Problem>) -> Vec<String> {
    bound("verifyKeys", texts.len(), problems);
    let mut keys = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match PublicKey::from_pem(text) {
            Ok(key) => keys.push(key.to_pem()),
            Err(error) => {
                let problem = Problem::new(format!("verifyKeys[{index}]"), None, error.to_string());
                problems.push(problem.with_hint("give the PEM text of a public key, as `cosign.pub` has it"));
            }
        }
    }
    keys
}

fn bound(path: &str, length: usize, problems: &mut Vec<Problem>) {
    if length > LIST_MAX {
        problems.push(Problem::new(path, None, format!("has {length} entries, more than {LIST_MAX}")));
    }
}

fn interval(hub: &Hub, request: &MirrorRequest, problems: &mut Vec<Problem>) -> Micros {
    let interval = request.interval_seconds.map_or(hub.outside().mirror_interval, Duration::from_secs);
    if request.interval_seconds.is_some() && !(INTERVAL_MIN..=INTERVAL_MAX).contains(&interval) {
        let (least, most) = (INTERVAL_MIN.as_secs(), INTERVAL_MAX.as_secs());
        let message = format!("is {} s, and must be from {least} to {most}", interval.as_secs());
        problems.push(Problem::new("intervalSeconds", None, message));
    }
    Micros::try_from(interval.as_micros()).unwrap_or(Micros::MAX)
}
