//! The files that `docker login` and `podman login` write: `config.json` and `auth.json`.
//!
//! See [config.json](https://docs.docker.com/reference/cli/docker/login/#credential-stores) and
//! [containers-auth.json(5)](https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md). Entries
//! stand under a registry, an old address of one (`https://index.docker.io/v1/`), or in Podman's form a part of one
//! (`quay.io/acme`).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use docker_credential::{CredentialRetrievalError, DockerCredential};
use serde::Deserialize;

use super::{Credential, CredentialsError};

/// Longest credential file in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The name under which helpers know Docker's own registry.
const DOCKER_KEY: &str = "https://index.docker.io/v1/";

/// Some programs leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CredentialFile {
    auths: BTreeMap<String, Entry>,
    creds_store: String,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
    registrytoken: String,
}

/// Looks for the credential of a repository; the first file that knows one wins.
pub(super) fn search(
    files: &[PathBuf],
    registry: &str,
    repository: &str,
) -> Result<Option<Credential>, CredentialsError> {
    for path in files {
        let Some(bytes) = read(path)? else { continue };
        let file: CredentialFile = serde_json::from_slice(&bytes)
            .map_err(|source| CredentialsError::Syntax { path: path.clone(), source })?;
        if let Some(credential) = find(&file, path, registry, repository)? {
            return Ok(Some(credential));
        }
    }
    Ok(None)
}

/// A helper for this registry goes before the helper for all, and that before what stands in the file.
fn find(
    file: &CredentialFile,
    path: &Path,
    registry: &str,
    repository: &str,
) -> Result<Option<Credential>, CredentialsError> {
    let own = file.cred_helpers.iter().find(|(key, _)| normalized(key) == registry);
    let own = own.map(|(key, helper)| (key.as_str(), helper.as_str()));
    let all = (if registry == "docker.io" { DOCKER_KEY } else { registry }, file.creds_store.as_str());
    for (key, helper) in own.into_iter().chain([all]).filter(|(_, helper)| !helper.is_empty()) {
        if let Some(credential) = ask(helper, key, path)? {
            return Ok(Some(credential));
        }
    }
    let found = find_entry(file, registry, repository);
    found.map_err(|key| CredentialsError::Entry { key: key.to_owned(), path: path.to_owned() })
}

/// Looks into the file itself; fails with the key of what it cannot read.
fn find_entry<'a>(
    file: &'a CredentialFile,
    registry: &str,
    repository: &str,
) -> Result<Option<Credential>, &'a str> {
    for place in places(registry, repository) {
        for (key, entry) in file.auths.iter().filter(|(key, _)| normalized(key) == place) {
            if let Some(found) = entry.credential().map_err(|()| key.as_str())? {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

/// Lists `registry/a/b`, `registry/a`, `registry`.
fn places(registry: &str, repository: &str) -> Vec<String> {
    let place = format!("{registry}/{repository}");
    let ends = place.match_indices('/').map(|(end, _)| end).chain([place.len()]);
    let mut places: Vec<String> =
        ends.map(|end| place[..end].to_owned()).filter(|place| place.len() >= registry.len()).collect();
    places.reverse();
    places
}

/// Returns the registry, or the part of one, that a key of a file means.
fn normalized(key: &str) -> String {
    let place = match key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")) {
        // What follows the host in an address is a version of the protocol.
        Some(address) => address.split('/').next().unwrap_or_default(),
        None => key.trim_end_matches('/'),
    };
    let (host, rest) = place.split_at(place.find('/').unwrap_or(place.len()));
    match host {
        "index.docker.io" | "registry-1.docker.io" => format!("docker.io{rest}"),
        _ => place.to_owned(),
    }
}

impl Entry {
    /// Returns what the entry says, nothing where it says nothing: a helper's registries stand there empty.
    fn credential(&self) -> Result<Option<Credential>, ()> {
        if !self.identitytoken.is_empty() {
            return Ok(Some(Credential::IdentityToken(self.identitytoken.as_str().into())));
        }
        if !self.registrytoken.is_empty() {
            return Ok(Some(Credential::RegistryToken(self.registrytoken.as_str().into())));
        }
        if self.auth.is_empty() {
            let (user, password) = (self.username.clone(), self.password.as_str().into());
            return Ok((!user.is_empty()).then_some(Credential::Password { user, password }));
        }
        let decoded = BASE64.decode(self.auth.trim()).map_err(drop)?;
        let text = String::from_utf8(decoded).map_err(drop)?;
        let (user, password) = text.split_once(':').ok_or(())?;
        // Docker pads what it writes with zero bytes and takes them off again.
        let password = password.trim_matches('\0');
        Ok(Some(Credential::Password { user: user.to_owned(), password: password.into() }))
    }
}

/// Starts a helper, through the crate that may; nothing where it does not know the registry.
fn ask(helper: &str, registry: &str, path: &Path) -> Result<Option<Credential>, CredentialsError> {
    let failed = |source| {
        let (helper, registry, source) = (helper.to_owned(), registry.to_owned(), Box::new(source));
        Err(CredentialsError::Helper { helper, registry, path: path.to_owned(), source })
    };
    if helper.contains(['/', '\\', '\0']) {
        // A helper is a program that `PATH` finds, never one beside the document that is built.
        return failed(CredentialRetrievalError::HelperCommunicationError);
    }
    let config = serde_json::json!({ "credHelpers": { registry: helper } }).to_string();
    match docker_credential::get_credential_from_reader(config.as_bytes(), registry) {
        Ok(DockerCredential::UsernamePassword(user, password)) => {
            Ok(Some(Credential::Password { user, password: password.into() }))
        }
        Ok(DockerCredential::IdentityToken(token)) => Ok(Some(Credential::IdentityToken(token.into()))),
        Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(None),
        // A store that does not hold the registry says so in words that all helpers share.
        Err(CredentialRetrievalError::HelperFailure { stdout, stderr, .. })
            if [&stdout, &stderr].iter().any(|text| text.contains("credentials not found")) =>
        {
            Ok(None)
        }
        Err(source) => failed(source),
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, CredentialsError> {
    let failed = |source| CredentialsError::File { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Some(bytes))
}

/// Reads a file for a repository that its first entry may be for, without its helpers.
#[cfg(fuzzing)]
pub(super) fn read_all(bytes: &[u8]) {
    if let Ok(file) = serde_json::from_slice::<CredentialFile>(bytes) {
        let key = file.auths.keys().next().map(|key| normalized(key)).unwrap_or_default();
        let (registry, repository) = key.split_once('/').unwrap_or((key.as_str(), "a"));
        let _ = find_entry(&file, registry, repository);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_registries_and_parts_of_them() {
        for (key, expected) in [
            ("https://index.docker.io/v1/", "docker.io"),
            ("index.docker.io", "docker.io"),
            ("docker.io/acme", "docker.io/acme"),
            ("registry-1.docker.io/acme", "docker.io/acme"),
            ("http://registry.example:5000", "registry.example:5000"),
            ("https://registry.example/v2/", "registry.example"),
            ("registry.example/", "registry.example"),
            ("quay.io/acme/app", "quay.io/acme/app"),
            ("", ""),
        ] {
            assert_eq!(normalized(key), expected, "{key}");
        }
        assert_eq!(places("quay.io", "acme/app"), ["quay.io/acme/app", "quay.io/acme", "quay.io"]);
    }
}
