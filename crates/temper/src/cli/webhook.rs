//! The command line of `temper webhook`.

use clap::{Args, Subcommand, ValueEnum};

use super::{Force, OfOrganization, ServerOptions};

/// `temper webhook`.
#[derive(Debug, Args)]
pub(crate) struct Webhook {
    #[command(flatten)]
    pub(crate) server: ServerOptions,
    #[command(subcommand)]
    pub(crate) command: WebhookCommand,
}

/// What to do with webhooks.
#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// Let an address be told of what happens; prints the secret that its signatures are made with, once
    Create(WebhookCreate),
    /// List the addresses that are told
    #[command(after_help = "Example:
  temper webhook list --org acme")]
    List(OfOrganization),
    /// Send the event `ping`
    #[command(after_help = "Example:
  temper webhook ping --org acme 01890a5d-ac96-774b-bcce-b302099a8057")]
    Ping(WebhookName),
    /// Show what was sent to an address, and what it answered
    Deliveries(WebhookName),
    /// Tell an address no more
    Delete(WebhookDelete),
    /// Look after addresses at which registries tell of pushes
    #[command(
        subcommand,
        after_help = "Example:
  temper webhook incoming create --org acme harbor"
    )]
    Incoming(IncomingCommand),
}

/// Options of `webhook create`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper webhook create --org acme https://hooks.example/temper --event push --repository 'acme/*'")]
pub(crate) struct WebhookCreate {
    #[command(flatten)]
    pub(crate) of: OfOrganization,
    /// The address
    pub(crate) url: String,
    /// Event that it is told of: `push`, `build.succeeded`, `build.failed`, `mirror.failed`, `late`; may be repeated [default: all]
    #[arg(long = "event", value_name = "EVENT")]
    pub(crate) events: Vec<String>,
    /// Pattern of the repositories; may be repeated [default: all]
    #[arg(long = "repository", value_name = "PATTERN")]
    pub(crate) repositories: Vec<String>,
}

/// Names a webhook.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper webhook deliveries --org acme 01890a5d-ac96-774b-bcce-b302099a8057")]
pub(crate) struct WebhookName {
    #[command(flatten)]
    pub(crate) of: OfOrganization,
    /// Its id, as `webhook list` shows it
    pub(crate) id: String,
}

/// Options of `webhook delete` and `webhook incoming delete`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper webhook delete --org acme 01890a5d-ac96-774b-bcce-b302099a8057 --force")]
pub(crate) struct WebhookDelete {
    #[command(flatten)]
    pub(crate) of: OfOrganization,
    /// Its id, as `webhook list` shows it
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) force: Force,
}

/// What to do with incoming webhooks.
#[derive(Debug, Subcommand)]
pub(crate) enum IncomingCommand {
    /// Make an address for a registry; prints it with its secret, once
    Create(IncomingCreate),
    /// List the addresses
    #[command(after_help = "Example:
  temper webhook incoming list --org acme")]
    List(OfOrganization),
    /// Hear an address no more
    #[command(after_help = "Example:
  temper webhook incoming delete --org acme 01890a5d-ac96-774b-bcce-b302099a8057 --force")]
    Delete(WebhookDelete),
}

/// Options of `webhook incoming create`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper webhook incoming create --org acme harbor")]
pub(crate) struct IncomingCreate {
    #[command(flatten)]
    pub(crate) of: OfOrganization,
    /// Whose calls are understood
    pub(crate) kind: IncomingKind,
}

/// Whose calls are understood.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum IncomingKind {
    /// Docker Hub; the secret is part of the address
    DockerHub,
    /// Harbor; the secret is its auth header
    Harbor,
    /// Anything that signs its body with HMAC-SHA256
    Generic,
}

impl IncomingKind {
    /// Returns the word of the API.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::DockerHub => "docker-hub",
            Self::Harbor => "harbor",
            Self::Generic => "generic",
        }
    }
}
