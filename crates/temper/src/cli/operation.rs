//! Options of how a server runs beside others.

use std::net::SocketAddr;

use clap::{Args, ValueEnum};

/// Jobs at once, where nothing is said.
const JOBS: u16 = 2;

/// Longest time that a server goes on after the end was asked for, in seconds.
const STOP_DELAY_MAX: i64 = 300;

/// How a server runs beside others.
#[derive(Debug, Args)]
pub(crate) struct Operation {
    /// What this server does; several over one PostgreSQL database and one object store share the work
    #[arg(
        long = "role",
        value_name = "ROLE",
        env = "TEMPER_ROLE",
        hide_env_values = true,
        value_enum,
        value_delimiter = ',',
        default_value = "all"
    )]
    pub(crate) roles: Vec<ServerRole>,
    /// Jobs that a worker does at once
    #[arg(long, value_name = "N", env = "TEMPER_JOBS", hide_env_values = true, default_value_t = JOBS)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) jobs: u16,
    /// Address and port where everybody who reaches it gets `/metrics`, `/healthz` and `/readyz`
    #[arg(long, value_name = "ADDR:PORT", env = "TEMPER_METRICS_LISTEN", hide_env_values = true)]
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// Seconds for which a server that ends still takes requests, while `/readyz` says that others are to be asked
    #[arg(
        long,
        value_name = "SECONDS",
        env = "TEMPER_STOP_DELAY",
        hide_env_values = true,
        default_value_t = 0
    )]
    #[arg(value_parser = clap::value_parser!(u16).range(0..=STOP_DELAY_MAX))]
    pub(crate) stop_delay: u16,
}

/// What a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ServerRole {
    /// Everything
    All,
    /// Lets clients push and pull
    Registry,
    /// Answers the API
    Api,
    /// Builds, syncs, watches, and removes what nothing needs
    Worker,
}

/// One server that does everything.
impl Default for Operation {
    fn default() -> Self {
        Self { roles: vec![ServerRole::All], jobs: JOBS, metrics_listen: None, stop_delay: 0 }
    }
}

impl Operation {
    /// Says whether this server does something.
    pub(crate) fn does(&self, role: ServerRole) -> bool {
        self.roles.iter().any(|own| *own == role || *own == ServerRole::All)
    }
}
