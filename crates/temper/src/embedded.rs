//! The embedded registry over the data folder: serving it, and publishing into it without a network.

mod attachments;
mod image;

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use temper_compose::{Destination, External, OpenBlob};
use temper_oci::Descriptor;
use temper_registry::{
    Access, CollectOptions, Limits, ManifestPush, Push, Registry, RegistryConfig, RegistryError,
    RepositoryName,
};
use temper_store::blobs::Blobs;
use temper_store::records::{Database, Records};
use temper_store::staging::Staging;
use temper_store::storage::StorageError;
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use crate::cli::Global;
use crate::config::{self, Config};
use crate::database;
use crate::failure::Failure;
use crate::workspace::Workspace;

pub(crate) use image::{EmbeddedImage, Name};

/// The registry's part of the data folder.
const REGISTRY_FOLDER: &str = "registry";

/// How often a server removes what nothing needs.
const COLLECT_INTERVAL: Duration = Duration::from_hours(1);

/// What a command does with the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Serves it, or publishes into it: what is missing is made.
    Serve,
    /// Looks after what is there: no storage becomes its own by that.
    Tend,
}

/// Refuses a data folder without a registry, before anything is made in it.
pub(crate) fn require(global: &Global) -> Result<(), anyhow::Error> {
    let folder = config::data_dir(global.data_dir.as_deref())?;
    let shown = folder.display();
    let config = Config::read(global.config.as_deref())?;
    let Database::File(records) = database::choose(global, &config, &folder)? else { return Ok(()) };
    let Err(source) = std::fs::OpenOptions::new().write(true).open(&records) else { return Ok(()) };
    let failure = match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            Failure::configuration(anyhow::anyhow!("data folder `{shown}` has no registry"))
                .hint("name its data folder with `--data-dir DIR`; `temper serve` begins a new one")
        }
        _ => Failure::configuration(
            anyhow::Error::new(source).context(format!("data folder `{shown}` cannot be written")),
        )
        .hint(
            "run this as the user of the server, where the folder is not read-only: who reads its database keeps notes \
             beside it",
        ),
    };
    Err(failure.into())
}

/// Opens the registry of the data folder over its records.
pub(crate) fn open(
    workspace: &Workspace,
    records: &Records,
    access: Arc<dyn Access>,
    purpose: Purpose,
) -> Result<Registry, anyhow::Error> {
    let repositories = records.repositories();
    let wanted = workspace.storage.to_string();
    let settled = workspace.runtime.block_on(repositories.find_storage())?.unwrap_or_else(|| wanted.clone());
    if settled != wanted {
        let error = anyhow::anyhow!("the blobs of this data folder are in `{settled}`, not in `{wanted}`");
        let hint = "give the same `--storage` to every command; another storage begins with another `--data-dir`, \
             where the images are pushed again";
        return Err(Failure::configuration(error).hint(hint).into());
    }
    if purpose == Purpose::Serve {
        // A storage that never worked is not settled on.
        workspace.runtime.block_on(workspace.storage.probe())?;
        workspace.runtime.block_on(repositories.settle_storage(&wanted))?;
    }
    let folder = workspace.folder.join(REGISTRY_FOLDER);
    let registry = Registry::new(RegistryConfig {
        repositories,
        storage: workspace.storage.open(&folder)?,
        staging: Staging::open(&folder.join("uploads"))?,
        access,
        clock: Arc::new(now),
        limits: Limits::default(),
    });
    let owned = match purpose {
        Purpose::Serve => workspace.runtime.block_on(registry.claim_storage()),
        Purpose::Tend => workspace.runtime.block_on(registry.check_storage()),
    };
    match owned {
        Err(error @ RegistryError::Storage(StorageError::Owned { .. })) => {
            let hint = error.hint();
            Err(Failure::configuration(error.into()).hint_if(hint).into())
        }
        claimed => Ok(claimed.map(|()| registry)?),
    }
}

/// Returns bytes that nobody can guess.
pub(crate) fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("a system without randomness has ended the process before");
    bytes
}

/// Returns the time in microseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock for records")]
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// Takes the address before anything long is done, so that a taken port is told at once.
pub(crate) fn listen(runtime: &Handle, address: SocketAddr) -> Result<TcpListener, anyhow::Error> {
    runtime
        .block_on(TcpListener::bind(address))
        .with_context(|| format!("cannot listen on `{address}`"))
        .map_err(|error| {
            let hint = unusable(&address, error.downcast_ref());
            Failure::failed(error).hint(hint).into()
        })
}

/// Says what to do about an address that cannot be listened on.
fn unusable(address: &SocketAddr, error: Option<&io::Error>) -> String {
    let port = address.port();
    match error.map(io::Error::kind) {
        Some(ErrorKind::AddrNotAvailable) => format!(
            "`{}` is no address of this machine; `--listen 127.0.0.1:{port}` serves this machine, \
             `--listen 0.0.0.0:{port}` all that reach it",
            address.ip()
        ),
        Some(ErrorKind::PermissionDenied) => {
            format!("port {port} is for the administrator; choose one above 1023 with `--listen`")
        }
        _ => "another program may listen there; choose another port with `--listen`".to_owned(),
    }
}

/// Collects what nothing needs, now and every hour; what fails is logged and tried again.
pub(crate) async fn collect(registry: Registry) {
    let mut hours = tokio::time::interval(COLLECT_INTERVAL);
    loop {
        hours.tick().await;
        if let Err(error) = registry.collect(CollectOptions::default()).await {
            tracing::error!(error = &error as &dyn std::error::Error, "could not collect what nothing needs");
        }
    }
}

/// Returns what is ready at Ctrl-C or a termination signal.
pub(crate) fn end() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// A repository of the embedded registry as a destination: everything becomes visible in one transaction.
pub(crate) struct EmbeddedDestination {
    runtime: Handle,
    registry: Registry,
    blobs: Blobs,
    repository: RepositoryName,
    push: Mutex<Push>,
}

impl EmbeddedDestination {
    /// Returns the repository of this name.
    pub(crate) fn new(
        workspace: &Workspace,
        registry: &Registry,
        repository: &str,
    ) -> Result<Self, anyhow::Error> {
        Self::over(&workspace.runtime, registry, &workspace.blobs, repository)
    }

    /// Returns the repository of this name, where there is no workspace at hand.
    pub(crate) fn over(
        runtime: &Handle,
        registry: &Registry,
        blobs: &Blobs,
        repository: &str,
    ) -> Result<Self, anyhow::Error> {
        Ok(Self {
            runtime: runtime.clone(),
            registry: registry.clone(),
            blobs: blobs.clone(),
            repository: RepositoryName::parse(repository)
                .ok_or_else(|| anyhow::anyhow!("`{repository}` is not the name of a repository"))?,
            push: Mutex::default(),
        })
    }

    /// Keeps a manifest beside the layers, so that the image is a base for the next build.
    fn keep(&self, bytes: &Bytes) -> Result<(), External> {
        let kept = self.blobs.put(bytes);
        kept.map(drop).map_err(|error| External::new("could not keep a manifest".to_owned(), error))
    }

    fn change(&self, change: impl FnOnce(&mut Push)) {
        change(&mut self.push.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Destination for EmbeddedDestination {
    fn put_blob(&self, descriptor: &Descriptor, open: OpenBlob<'_>) -> Result<(), External> {
        let digest = descriptor.digest;
        let put = || -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            if self.blobs.contains(&digest).is_none() {
                let mut writer = self.blobs.create()?;
                std::io::copy(&mut open()?, &mut writer)?;
                writer.commit(Some(digest))?;
            }
            let file = self.blobs.file(&digest).ok_or("it was removed meanwhile")?;
            Ok(self.runtime.block_on(self.registry.put_blob(&self.repository, digest, &file))?)
        };
        put().map_err(|error| {
            let is_damaged = matches!(error.downcast_ref(), Some(RegistryError::DigestMismatch { .. }));
            let hint = (is_damaged && self.blobs.remove(&digest).is_ok())
                .then(|| "damaged bytes of the data folder were removed: run the command again".to_owned());
            External::new(format!("could not write blob `{digest}`"), error).with_hint(hint)
        })
    }

    fn put_manifest(&self, descriptor: &Descriptor, bytes: &Bytes) -> Result<(), External> {
        self.keep(bytes)?;
        self.change(|push| push.manifests.push(manifest(descriptor, bytes, &[])));
        Ok(())
    }

    fn put_attachment(&self, descriptor: &Descriptor, bytes: &Bytes, tag: &str) -> Result<(), External> {
        self.change(|push| push.manifests.push(manifest(descriptor, bytes, &[tag.to_owned()])));
        Ok(())
    }

    fn move_tags(&self, image: &Descriptor, bytes: &Bytes, tags: &[String]) -> Result<(), External> {
        self.keep(bytes)?;
        self.change(|push| push.manifests.push(manifest(image, bytes, tags)));
        let push = std::mem::take(&mut *self.push.lock().unwrap_or_else(PoisonError::into_inner));
        let context = format!("could not publish to `{}`", self.repository.as_str());
        self.runtime
            .block_on(self.registry.push(&self.repository, push))
            .map_err(|error| External::new(context, error))
    }
}

fn manifest(descriptor: &Descriptor, bytes: &Bytes, tags: &[String]) -> ManifestPush {
    ManifestPush {
        bytes: bytes.clone(),
        media_type: Some(descriptor.media_type.clone()),
        digest: Some(descriptor.digest),
        tags: tags.to_vec(),
    }
}
