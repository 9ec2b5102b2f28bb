//! The data folder and everything that commands work with.

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use temper_compose::{Composer, Log};
use temper_fetch::archive::{ArchiveClient, ArchiveConfig, Freshness, Mirrors};
use temper_fetch::credentials::Credentials;
use temper_fetch::engine::{ArchiveAdapter, Clock};
use temper_fetch::http::{self, HttpConfig};
use temper_fetch::openpgp::Keyring;
use temper_fetch::registry::{RegistryClient, RegistryOptions};
use temper_store::blobs::{BlobError, Blobs, Durability};
use temper_store::cache::Cache;
use temper_store::records::Database;
use tokio::runtime::Handle;

use crate::cli::Global;
use crate::config::{self, Config, ServerConfig};
use crate::database;
use crate::failure::Failure;
use crate::keys::{KeyFolder, KeyPassword};
use crate::progress::Progress;
use crate::storage::StorageChoice;

/// How long a verified package index is used before the archive is asked again, where nothing is configured.
const INDEX_AGE_MAX: Duration = Duration::from_mins(10);

/// How old what a writer left must be to be removed: longer than anything is written without a pause.
const LEFT_OVER_AGE: Duration = Duration::from_hours(24);

/// Where this machine's own package sources stand.
const APT_FOLDER: &str = "/etc/apt";

/// The data folder with the connections to the world.
pub(crate) struct Workspace {
    pub(crate) folder: PathBuf,
    pub(crate) blobs: Blobs,
    /// Where the records are.
    pub(crate) database: Database,
    pub(crate) storage: StorageChoice,
    pub(crate) cache: Cache,
    pub(crate) archive: Arc<ArchiveAdapter>,
    pub(crate) registry: RegistryClient,
    /// How everything else is fetched.
    pub(crate) http: HttpConfig,
    pub(crate) keys: Arc<KeyFolder>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) runtime: Handle,
    /// Whether what images are built from is kept beside them.
    pub(crate) keep_inputs: bool,
    /// What the configuration file says of the server.
    pub(crate) server: ServerConfig,
}

/// Makes a data folder where it is missing. Others have no business in a new one; what becomes of it later is the
/// owner's choice.
pub(crate) fn make_folder(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

impl Workspace {
    /// Opens the data folder that options and environment name, and makes it where it is missing.
    pub(crate) fn open(global: &Global, runtime: &Handle) -> Result<Self, anyhow::Error> {
        let config = Config::read(global.config.as_deref())?;
        let folder = config::data_dir(global.data_dir.as_deref())?;
        let made = make_folder(&folder).map_err(|source| BlobError::Io {
            action: "create folder",
            path: folder.clone(),
            source,
        });
        let blobs = made.and_then(|()| Blobs::open(&folder, Durability::Synced)).map_err(|error| {
            Failure::configuration(
                anyhow::Error::new(error)
                    .context(format!("data folder `{}` cannot be used", folder.display())),
            )
            .hint("name another one with `--data-dir DIR`")
        })?;
        let database = database::choose(global, &config, &folder)?;
        let storage = StorageChoice::read(global, &config)?;
        let cache = Cache::open(&folder.join("cache"));
        // What cannot be swept is in nobody's way.
        let _ = (blobs.sweep(left_over_before()), cache.sweep(left_over_before()));
        let http = http_config(&config)?;
        let archive = Arc::new(archive(&config, global, runtime, &folder, &blobs, &http)?);
        let options = RegistryOptions {
            insecure: config.insecure_registries.iter().cloned().collect(),
            certificate_authorities: registry_authorities(&config)?,
            ..RegistryOptions::default()
        };
        let credentials = Credentials::from_files(credential_files());
        let registry = RegistryClient::new(&http, credentials, options)?;
        let keys = Arc::new(keys(global, &config, &folder));
        let progress = Arc::new(Progress::new());
        Ok(Self {
            folder,
            blobs,
            database,
            storage,
            cache,
            archive,
            registry,
            http,
            keys,
            progress,
            runtime: runtime.clone(),
            keep_inputs: config.signing.keep_inputs,
            server: config.server,
        })
    }

    /// Returns what plans and builds are made with.
    pub(crate) fn composer(&self) -> Composer<'_> {
        Composer { store: &self.blobs, cache: &self.cache, archive: &*self.archive, log: self.log() }
    }

    /// Returns who is told what happens.
    pub(crate) fn log(&self) -> &dyn Log {
        &*self.progress
    }
}

/// Returns the time before which a file that nobody holds was left by a process that died.
pub(crate) fn left_over_before() -> SystemTime {
    clock()() - LEFT_OVER_AGE
}

/// Returns the clock: only the entry point reads it.
pub(crate) fn clock() -> Clock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock for fetching")]
    Arc::new(SystemTime::now)
}

/// Returns how this machine fetches.
pub(crate) fn http_config(config: &Config) -> Result<HttpConfig, anyhow::Error> {
    let root_certificates = authorities(&config.certificate_authorities)?;
    Ok(HttpConfig { root_certificates, ..HttpConfig::default() })
}

/// Reads the files with the authorities of single registries.
fn registry_authorities(config: &Config) -> Result<BTreeMap<String, Vec<Vec<u8>>>, anyhow::Error> {
    let own = config.registry_certificate_authorities.iter();
    own.map(|(registry, files)| Ok((registry.clone(), authorities(files)?))).collect()
}

/// Reads files with certificates of authorities.
pub(crate) fn authorities(files: &[PathBuf]) -> Result<Vec<Vec<u8>>, anyhow::Error> {
    let read = |path: &PathBuf| {
        let failed = || format!("certificate authorities `{}` cannot be read", path.display());
        Ok(std::fs::read(path).with_context(failed).map_err(Failure::configuration)?)
    };
    files.iter().map(read).collect()
}

fn archive(
    config: &Config,
    global: &Global,
    runtime: &Handle,
    folder: &Path,
    blobs: &Blobs,
    http: &HttpConfig,
) -> Result<ArchiveAdapter, anyhow::Error> {
    let mirrors = Mirrors::new(config.mirrors.clone()).with_apt(Path::new(APT_FOLDER));
    let mut settings = ArchiveConfig::new(mirrors, folder.join("archive"), folder.join("state"));
    for (name, path) in &config.keyrings {
        let failed = || format!("keyring `{name}` cannot be used");
        let bytes = std::fs::read(path).with_context(failed).map_err(Failure::configuration)?;
        let keyring = Keyring::parse(name, &bytes).with_context(failed).map_err(Failure::configuration)?;
        settings.keyrings.insert(name.clone(), keyring);
    }
    let age = config.index_max_age_seconds.map_or(INDEX_AGE_MAX, Duration::from_secs);
    let freshness = if global.offline { Freshness::Offline } else { Freshness::MaxAge(age) };
    let client = ArchiveClient::new(settings, http::client(http)?);
    client.sweep(left_over_before());
    Ok(ArchiveAdapter::new(runtime.clone(), client, Arc::new(blobs.clone()), freshness, clock()))
}

fn keys(global: &Global, config: &Config, folder: &Path) -> KeyFolder {
    let named = global.keys_dir.clone().or_else(|| config.signing.keys_dir.clone());
    let folder = named.unwrap_or_else(|| folder.join("keys"));
    let password = KeyPassword::find(config.signing.key_password_file.as_deref(), &folder);
    KeyFolder::new(folder, password)
}

/// Lists the files in which Docker and Podman keep logins, in the order in which they are looked into.
fn credential_files() -> Vec<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = variable("HOME");
    let docker = variable("DOCKER_CONFIG").or_else(|| home.as_ref().map(|home| home.join(".docker")));
    let files = [
        variable("REGISTRY_AUTH_FILE"),
        docker.map(|folder| folder.join("config.json")),
        variable("XDG_RUNTIME_DIR").map(|folder| folder.join("containers/auth.json")),
        home.map(|home| home.join(".config/containers/auth.json")),
    ];
    files.into_iter().flatten().collect()
}
