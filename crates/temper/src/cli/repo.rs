//! The command line of `temper repo`.

use clap::{Args, Subcommand};

use super::{Force, OfOrganization, ServerOptions};

/// `temper repo`.
#[derive(Debug, Args)]
pub(crate) struct Repo {
    #[command(flatten)]
    pub(crate) server: ServerOptions,
    #[command(subcommand)]
    pub(crate) command: RepoCommand,
}

/// What to do with repositories.
#[derive(Debug, Subcommand)]
pub(crate) enum RepoCommand {
    /// List the repositories of an organization that you may read
    #[command(after_help = "Example:
  temper repo list --org acme")]
    List(OfOrganization),
    /// Show a repository
    Get(RepoName),
    /// Say what holds in a repository; it need not have images yet
    Set(RepoSet),
    /// Remove a repository with its images
    Delete(RepoDelete),
}

/// Names a repository.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper repo get acme/dhi-python")]
pub(crate) struct RepoName {
    /// The repository, `acme/dhi-python`
    pub(crate) repository: String,
}

/// Options of `repo set`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper repo set acme/dhi-python --public true
  temper repo set acme/dhi-python --immutable-tags 'v*' --immutable-tags '????-??-??'
  temper repo set acme/dhi-python --quota 50GiB --retention-newest 20")]
pub(crate) struct RepoSet {
    /// The repository, `acme/dhi-python`
    pub(crate) repository: String,
    /// What it is
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Whether everybody pulls, without an account
    #[arg(long, value_name = "true|false")]
    pub(crate) public: Option<bool>,
    /// Which tags stay where they were first put: `none`, `all`, or a pattern, which may be repeated
    #[arg(long, value_name = "none|all|PATTERN")]
    pub(crate) immutable_tags: Vec<String>,
    /// Most bytes, `50GiB`, or `none`
    #[arg(long, value_name = "SIZE", value_parser = quota)]
    pub(crate) quota: Option<Quota>,
    /// How many of the newest manifests are kept that no tag holds, or `default`
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) retention_newest: Option<Count>,
    /// How many days a manifest is kept that no tag holds, or `default`
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) retention_days: Option<Count>,
}

/// Options of `repo delete`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper repo delete acme/dhi-python --force")]
pub(crate) struct RepoDelete {
    /// The repository, `acme/dhi-python`
    pub(crate) repository: String,
    #[command(flatten)]
    pub(crate) force: Force,
}

/// A bound in bytes, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota(pub(crate) Option<u64>);

/// A number, or the server's default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) Option<u32>);

/// Reads `500`, `50GiB` or `none`.
pub(super) fn quota(text: &str) -> Result<Quota, String> {
    if text == "none" {
        return Ok(Quota(None));
    }
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let shift = match &text[end..] {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => return Err("write bytes, or `KiB`, `MiB`, `GiB`, `TiB`: `50GiB`; or `none`".to_owned()),
    };
    let number: u64 = text[..end].parse().map_err(|_| "begins with no number".to_owned())?;
    number.checked_mul(1 << shift).map(|bytes| Quota(Some(bytes))).ok_or_else(|| "is too much".to_owned())
}

fn count(text: &str) -> Result<Count, String> {
    if text == "default" {
        return Ok(Count(None));
    }
    text.parse().map(|number| Count(Some(number))).map_err(|_| "is neither a number nor `default`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, expected) in [
            ("none", Some(Quota(None))),
            ("500", Some(Quota(Some(500)))),
            ("50GiB", Some(Quota(Some(50 << 30)))),
            ("1TiB", Some(Quota(Some(1 << 40)))),
            ("GiB", None),
            ("5GB", None),
            ("99999999999TiB", None),
        ] {
            assert_eq!(quota(text).ok(), expected, "{text}");
        }
    }
}
