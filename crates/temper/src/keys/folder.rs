//! The keys of the data folder: numbered, the newest signs, and all stay published.
//!
//! `1.pub` is a public key as cosign writes it; beside it is `1.key`, the private half as an encrypted key file of
//! cosign, or `1.pkcs11`, the address of the private half in a token. A number is taken for ever.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, anyhow};
use temper_attest::keys::KeyDerivation;
use temper_attest::{FileKey, PublicKey, Signer};
use temper_oci::Digest;

use super::{KeyPassword, file, pkcs11, random};
use crate::atomic_file;
use crate::failure::Failure;

/// The end of the names of public keys.
const PUBLIC: &str = "pub";
/// The end of the names of encrypted private keys.
const PRIVATE: &str = "key";
/// The end of the names of addresses of private keys in tokens.
const ADDRESS: &str = "pkcs11";
/// Held by who adds a key.
const LOCK_FILE: &str = "lock";

/// The keys of a data folder.
#[derive(Debug)]
pub(crate) struct KeyFolder {
    folder: PathBuf,
    password: KeyPassword,
}

/// One of its keys.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// From 1 upwards; the highest signs.
    pub(crate) number: u32,
    pub(crate) public: PublicKey,
    pub(crate) home: Home,
}

/// Where the private half of a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// In an encrypted file beside it.
    File,
    /// In a token, whose address is in a file beside it.
    Token,
    /// No longer here: the key verifies what it signed before.
    Gone,
}

/// The private half of a key that is added.
enum New<'a> {
    File(FileKey),
    /// The address, and the public half that was found there.
    Token(&'a str, &'a PublicKey),
}

impl New<'_> {
    fn public_key(&self) -> PublicKey {
        match self {
            Self::File(key) => key.public_key(),
            Self::Token(_, public) => (*public).clone(),
        }
    }
}

impl KeyFolder {
    /// Returns the keys of a folder, which need not be there.
    pub(crate) fn new(folder: PathBuf, password: KeyPassword) -> Self {
        Self { folder, password }
    }

    /// Returns the folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Lists the keys by number.
    pub(crate) fn keys(&self) -> Result<Vec<Key>, Error> {
        self.numbers()?.into_iter().map(|number| self.read(number)).collect()
    }

    /// Returns the key of a number.
    pub(crate) fn find(&self, number: u32) -> Result<Option<Key>, Error> {
        if self.path(number, PUBLIC).exists() { self.read(number).map(Some) } else { Ok(None) }
    }

    /// Returns the key that signs.
    pub(crate) fn latest(&self) -> Result<Option<Key>, Error> {
        self.numbers()?.last().map(|number| self.read(*number)).transpose()
    }

    /// Returns the key that signs, and makes the first one where there is none.
    pub(crate) fn latest_or_first(&self) -> Result<Key, Error> {
        match self.latest()? {
            Some(key) => Ok(key),
            None => self.add_if(|existing| existing.is_none(), &New::File(generate()?)),
        }
    }

    /// Makes a key that signs from now on; those before it stay.
    pub(crate) fn rotate(&self) -> Result<Key, Error> {
        self.add(generate()?)
    }

    /// Takes over a key that was made elsewhere; it signs from now on.
    pub(crate) fn add(&self, key: FileKey) -> Result<Key, Error> {
        self.add_if(|_| true, &New::File(key))
    }

    /// Takes over a key of a token by its address; it signs from now on.
    pub(crate) fn add_token(&self, address: &str, public: &PublicKey) -> Result<Key, Error> {
        self.add_if(|_| true, &New::Token(address, public))
    }

    /// Opens the key that signs.
    pub(crate) fn signer(&self) -> Result<Box<dyn Signer>, Error> {
        let latest = self.latest_or_first()?;
        let path = self.path(latest.number, if latest.home == Home::Token { ADDRESS } else { PRIVATE });
        let signer: Box<dyn Signer> = match latest.home {
            Home::File => Box::new(file::open_own(&path, &self.password.get()?, &self.password.hint())?),
            Home::Token => Box::new(pkcs11::open(&pkcs11::parse(file::read(&path)?.trim_end())?)?),
            Home::Gone => {
                let error = anyhow!("key {} cannot sign: `{}` is not there", latest.number, path.display());
                return Err(Failure::configuration(error).hint("`temper key rotate` makes a new key").into());
            }
        };
        if signer.public_key_spki() != latest.public.spki() {
            let error = anyhow!("`{}` is not the private half of key {}", path.display(), latest.number);
            return Err(Failure::configuration(error).into());
        }
        Ok(signer)
    }

    /// Adds a key where `wanted` agrees with the newest one, as it is once nobody else adds any; else returns that.
    fn add_if(&self, wanted: impl FnOnce(Option<&Key>) -> bool, new: &New<'_>) -> Result<Key, Error> {
        let _lock = self.lock()?;
        let keys = self.keys()?;
        if let Some(last) = keys.last().filter(|last| !wanted(Some(last))) {
            return Ok(last.clone());
        }
        let public = new.public_key();
        if let Some(known) = keys.iter().find(|known| known.public == public) {
            let error = anyhow!("this is key {} already, `{}`", known.number, public.id());
            return Err(Failure::failed(error).into());
        }
        let number = keys.last().map_or(1, |last| last.number + 1);
        let (extension, private, home) = match new {
            New::File(key) => {
                // Keys that are there were encrypted with a password, and with another one beside them would be lost.
                let is_first = keys.iter().all(|key| key.home != Home::File);
                let password = if is_first { self.password.get_or_make() } else { self.password.get() }?;
                let sealed = key.to_encrypted_pem(&password, KeyDerivation::Standard, &mut random::fill)?;
                (PRIVATE, sealed, Home::File)
            }
            New::Token(address, _) => (ADDRESS, format!("{address}\n"), Home::Token),
        };
        // A key is there from the moment that its public half is: without one, a private half was left by a process
        // that was cut off, and would be taken for this key's.
        for left in [PRIVATE, ADDRESS].map(|extension| self.path(number, extension)) {
            atomic_file::remove(&left)
                .with_context(|| format!("`{}`, left half made, cannot be removed", left.display()))?;
        }
        let written = |extension, write: fn(&Path, &[u8]) -> io::Result<()>, text: &str| {
            let path = self.path(number, extension);
            write(&path, text.as_bytes())
                .with_context(|| format!("key `{}` cannot be written", path.display()))
        };
        written(extension, atomic_file::write_private, &private)?;
        written(PUBLIC, atomic_file::write, &public.to_pem())?;
        Ok(Key { number, public, home })
    }

    fn read(&self, number: u32) -> Result<Key, Error> {
        let path = self.path(number, PUBLIC);
        let public = PublicKey::from_pem(&file::read(&path)?);
        let public = public.with_context(|| format!("key `{}` cannot be used", path.display()));
        let public = public.map_err(Failure::configuration)?;
        let home = match () {
            () if self.path(number, PRIVATE).exists() => Home::File,
            () if self.path(number, ADDRESS).exists() => Home::Token,
            () => Home::Gone,
        };
        Ok(Key { number, public, home })
    }

    fn numbers(&self) -> Result<Vec<u32>, Error> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries,
        };
        let failed = || format!("folder of keys `{}` cannot be read", self.folder.display());
        let mut numbers = Vec::new();
        for entry in entries.with_context(failed).map_err(Failure::configuration)? {
            let name = entry.with_context(failed)?.file_name();
            numbers.extend(name.to_str().and_then(public_number));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn path(&self, number: u32, extension: &str) -> PathBuf {
        self.folder.join(format!("{number}.{extension}"))
    }

    /// Makes the folder, and waits until nobody else adds a key.
    fn lock(&self) -> Result<File, Error> {
        let locked = || -> io::Result<File> {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(self.folder.join(LOCK_FILE))?;
            file.lock()?;
            Ok(file)
        };
        let failed = || format!("folder of keys `{}` cannot be written", self.folder.display());
        Ok(locked().with_context(failed).map_err(Failure::configuration)?)
    }
}

impl Key {
    /// Names the key as signatures do: the digest of its public half.
    pub(crate) fn id(&self) -> Digest {
        self.public.id()
    }
}

/// Reads `1.pub`; other names, and other spellings of a number, are no keys.
fn public_number(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(PUBLIC)?.strip_suffix('.')?;
    let number: u32 = digits.parse().ok()?;
    (number > 0 && number.to_string() == digits).then_some(number)
}

fn generate() -> Result<FileKey, Error> {
    Ok(FileKey::generate(&mut random::fill)?)
}

#[cfg(test)]
mod tests;
