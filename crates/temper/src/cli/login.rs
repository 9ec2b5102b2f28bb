//! The command line of `temper login` and `temper logout`.

use clap::Args;

/// Options of `login`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper login https://temper.example.org --user alice
  temper login https://temper.example.org --user alice --password-stdin < password

The password may be an access token. The login is kept in `$XDG_CONFIG_HOME/temper/client.yaml`; `TEMPER_SERVER` and
`TEMPER_TOKEN` are for scripts that keep nothing.")]
pub(crate) struct LogIn {
    /// Address of the server [default: that of the last login]
    #[arg(value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Name of the user [default: asked for]
    #[arg(short = 'u', long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Read the password from standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

/// Options of `logout`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper logout")]
pub(crate) struct LogOut {
    /// Address of the server [default: that of the last login]
    #[arg(value_name = "URL")]
    pub(crate) server: Option<String>,
}
