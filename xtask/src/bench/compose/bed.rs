//! The test bed that both phases and both sides share: folders, addresses, the registry and the relay before it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::bench::relay::Relay;
use crate::docker_registry::DockerRegistry;
use crate::e2e::free_address;
use crate::tools;
use crate::workspace::Workspace;

/// The folders and addresses, the same in both phases.
pub(crate) struct Bed {
    directory: PathBuf,
    docker_registry: PathBuf,
    /// What references name.
    address: SocketAddr,
    /// What the relay forwards to.
    registry: SocketAddr,
    /// The OCI layout of the base.
    pub(crate) base: PathBuf,
}

/// What runs while a phase lasts.
pub(crate) struct Services {
    pub(crate) relay: Relay,
    _registry: DockerRegistry,
}

impl Bed {
    /// A new bed in an empty folder.
    pub(crate) fn create(workspace: &Workspace, directory: &Path, base: &Path) -> Result<Self> {
        fs::create_dir_all(directory)?;
        let (address, registry) = (free_address()?, free_address()?);
        fs::write(directory.join("bed"), format!("{address}\n{registry}\n{}\n", base.display()))?;
        Self::load(workspace, directory)
    }

    /// The bed that the first phase left.
    pub(crate) fn load(workspace: &Workspace, directory: &Path) -> Result<Self> {
        let text = fs::read_to_string(directory.join("bed")).context("no bench was prepared")?;
        let mut lines = text.lines();
        let mut next = || lines.next().context("the bed's file is cut off");
        Ok(Self {
            directory: directory.to_owned(),
            docker_registry: tools::require(workspace, &["docker-registry"])?.remove(0),
            address: next()?.parse()?,
            registry: next()?.parse()?,
            base: next()?.into(),
        })
    }

    /// Starts the registry and the relay.
    pub(crate) fn serve(&self) -> Result<Services> {
        let registry = DockerRegistry::start(&self.docker_registry, &self.path("registry"), self.registry)?;
        Ok(Services { relay: Relay::start(self.address, self.registry)?, _registry: registry })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Host and port of the registry.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// A reference in the registry.
    pub(crate) fn reference(&self, repository: &str) -> String {
        format!("{}/{repository}", self.address)
    }
}
