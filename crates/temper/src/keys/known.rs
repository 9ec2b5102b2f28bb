//! Public keys that signatures are checked with: those that the command line names, or those of the data folder.

use anyhow::{Error, anyhow};
use temper_attest::PublicKey;
use temper_attest::keys::KEY_BYTES_MAX;
use temper_fetch::http;
use temper_oci::Digest;

use super::{KeyFolder, password};
use crate::failure::Failure;
use crate::workspace::Workspace;

/// What every key in a PEM file begins with.
const BEGIN: &str = "-----BEGIN ";

/// A public key with what messages call it.
#[derive(Clone, Debug)]
pub(crate) struct KnownKey {
    /// A file, an address, or the number in the data folder: `key 2`.
    pub(crate) name: String,
    pub(crate) key: PublicKey,
}

/// Reads public keys; without any, those of the data folder, the newest first.
///
/// Each is a file or an address (`https://…`), with one key or several, or the id of a key of the data folder (`sha256:…`).
pub(crate) fn known(workspace: &Workspace, named: &[String]) -> Result<Vec<KnownKey>, Error> {
    if !named.is_empty() {
        let read = named.iter().map(|name| read(workspace, name)).collect::<Result<Vec<_>, _>>()?;
        return Ok(read.into_iter().flatten().collect());
    }
    let own = workspace.keys.keys()?.into_iter().rev();
    Ok(own.map(|key| KnownKey { name: format!("key {}", key.number), key: key.public }).collect())
}

fn read(workspace: &Workspace, name: &str) -> Result<Vec<KnownKey>, Error> {
    let keys = if let Ok(id) = name.parse::<Digest>() {
        vec![own(&workspace.keys, id)?]
    } else if name.starts_with("https://") || name.starts_with("http://") {
        parse(name, fetch(workspace, name)?)?
    } else {
        of_file(name)?
    };
    Ok(keys.into_iter().map(|key| KnownKey { name: name.to_owned(), key }).collect())
}

/// Finds a key of the data folder by its id.
fn own(keys: &KeyFolder, id: Digest) -> Result<PublicKey, Error> {
    let found = keys.keys()?.into_iter().find(|key| key.id() == id);
    let found = found.ok_or_else(|| {
        Failure::usage(anyhow!("the data folder has no key `{id}`"))
            .hint("`temper key list` shows those that it has; name others by a file or an address")
    })?;
    Ok(found.public)
}

fn of_file(name: &str) -> Result<Vec<PublicKey>, Error> {
    let bytes =
        password::read_bounded(name.as_ref(), KEY_BYTES_MAX).map_err(|error| unusable(name, error))?;
    parse(name, bytes)
}

fn parse(name: &str, bytes: Vec<u8>) -> Result<Vec<PublicKey>, Error> {
    let text = String::from_utf8(bytes).map_err(|_| unusable(name, anyhow!("it is not text")))?;
    let mut starts: Vec<usize> = text.match_indices(BEGIN).map(|(start, _)| start).skip(1).collect();
    starts.insert(0, 0);
    starts.push(text.len());
    let key = |range: &[usize]| {
        PublicKey::from_pem(&text[range[0]..range[1]]).map_err(|error| unusable(name, error.into()))
    };
    Ok(starts.windows(2).map(key).collect::<Result<_, _>>()?)
}

fn unusable(name: &str, error: Error) -> Failure {
    Failure::usage(error.context(format!("public key `{name}` cannot be used")))
        .hint("name a PEM file, as `temper key show` prints it")
}

fn fetch(workspace: &Workspace, address: &str) -> Result<Vec<u8>, Error> {
    let client = http::client(&workspace.http)?;
    Ok(workspace.runtime.block_on(http::small(&client, address, KEY_BYTES_MAX as u64))?.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::KeyPassword;

    #[test]
    fn a_key_is_found_by_its_file_and_by_its_id() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let keys = KeyFolder::new(folder.path().to_owned(), KeyPassword::Given("secret".to_owned().into()));
        let (first, second) = (keys.rotate().expect("makes"), keys.rotate().expect("makes"));
        for key in [&first, &second] {
            assert_eq!(own(&keys, key.id()).expect("is there"), key.public);
            let file = folder.path().join(format!("{}.pub", key.number)).display().to_string();
            assert_eq!(of_file(&file).expect("reads"), std::slice::from_ref(&key.public));
        }
        let both = folder.path().join("both.pub").display().to_string();
        std::fs::write(&both, first.public.to_pem() + &second.public.to_pem()).expect("writes");
        assert_eq!(of_file(&both).expect("reads"), [first.public, second.public]);
        std::fs::write(&both, keys.rotate().expect("makes").public.to_pem() + "-----BEGIN NOTHING")
            .expect("writes");
        of_file(&both).expect_err("has something else");
        let error = own(&keys, Digest::of("another")).expect_err("is not there");
        assert_eq!(crate::failure::exit_code(&error), 2);
        let long = vec![b'a'; KEY_BYTES_MAX + 1];
        for (name, text, expected) in [
            ("none.pub", None, "No such file"),
            (
                "private.pub",
                Some(&b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"[..]),
                "none.pub` cannot",
            ),
            ("binary.pub", Some(b"\xff"), "it is not text"),
            ("long.pub", Some(&long), "it is larger than"),
        ] {
            let path = folder.path().join(name);
            if let Some(text) = text {
                std::fs::write(&path, text).expect("writes");
            }
            let error = of_file(&path.display().to_string()).expect_err("is no key");
            let expected = expected.replace("none.pub", name);
            assert!(format!("{error:#}").contains(&expected), "{error:#}");
            assert_eq!(crate::failure::exit_code(&error), 2, "{error:#}");
        }
    }
}
