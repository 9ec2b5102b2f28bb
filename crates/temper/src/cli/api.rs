//! The options of every command that speaks with a server.

use clap::Args;
use secrecy::SecretString;

/// Which server, and as whom.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ServerOptions {
    /// Address of the server [default: that of the last `temper login`]
    #[arg(long, global = true, value_name = "URL", env = "TEMPER_SERVER", hide_env_values = true)]
    pub(crate) server: Option<String>,
    /// Access token in place of a login
    #[arg(skip = token())]
    pub(crate) token: Option<SecretString>,
}

impl ServerOptions {
    /// Returns them where a server is named; commands that work without one ask it then.
    pub(crate) fn named(&self) -> Option<&Self> {
        self.server.is_some().then_some(self)
    }
}

/// Reads the token from the environment alone: the command line is for everybody on the machine to see.
fn token() -> Option<SecretString> {
    std::env::var("TEMPER_TOKEN").ok().filter(|token| !token.is_empty()).map(SecretString::from)
}

/// The organization of a command.
#[derive(Clone, Debug, Args)]
pub(crate) struct OfOrganization {
    /// The organization
    #[arg(long, value_name = "ORG", env = "TEMPER_ORG", hide_env_values = true)]
    pub(crate) org: String,
}

/// Deleting asks.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Force {
    /// Do not ask
    #[arg(long)]
    pub(crate) force: bool,
}
