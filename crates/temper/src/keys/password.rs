//! Passwords of keys: where each comes from. None is printed, logged, or kept longer than it is used.

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, anyhow};
use secrecy::{SecretSlice, SecretString};
use temper_attest::keys::RandomError;

use super::random;
use crate::atomic_file;
use crate::failure::Failure;

/// What holds the password of the data folder's keys.
const KEY_PASSWORD: &str = "TEMPER_KEY_PASSWORD";
/// What names the file with that password.
const KEY_PASSWORD_FILE: &str = "TEMPER_KEY_PASSWORD_FILE";
/// What holds the password of other key files, for cosign and for us.
const COSIGN_PASSWORD: &str = "COSIGN_PASSWORD";
/// Longest file with a password in bytes.
const FILE_BYTES_MAX: usize = 4096;
/// Unpredictable bytes of a generated password.
const GENERATED_BYTES: usize = 32;

/// Where the password comes from that encrypts the keys of the data folder.
#[derive(Clone, Debug)]
pub(crate) enum KeyPassword {
    /// The environment holds it.
    Given(SecretString),
    /// The operator keeps it in a file.
    File(PathBuf),
    /// Temper has made it, and keeps it beside the keys.
    Generated(PathBuf),
}

impl KeyPassword {
    /// Finds the password: the environment goes before the configured file, and without either the one in `folder`.
    pub(crate) fn find(configured: Option<&Path>, folder: &Path) -> Self {
        if let Some(password) = variable(KEY_PASSWORD) {
            return Self::Given(password.into());
        }
        let named = variable(KEY_PASSWORD_FILE).map(PathBuf::from);
        named
            .or_else(|| configured.map(Path::to_path_buf))
            .map_or_else(|| Self::Generated(folder.join("password")), Self::File)
    }

    /// Returns the password, of keys that are there.
    pub(super) fn get(&self) -> Result<SecretString, Error> {
        match self {
            Self::Given(password) => Ok(password.clone()),
            Self::File(path) | Self::Generated(path) => {
                let hint =
                    format!("put the file back from a backup, or give the password in `{KEY_PASSWORD}`");
                Ok(first_line_of(path).map_err(|error| Failure::configuration(error).hint(hint))?)
            }
        }
    }

    /// Returns the password, and makes it first where that is left to Temper.
    pub(super) fn get_or_make(&self) -> Result<SecretString, Error> {
        match self {
            Self::Generated(path) if !path.exists() => {
                let password = generate()?;
                atomic_file::write_private(path, &password)
                    .with_context(|| format!("password `{}` cannot be written", path.display()))?;
                self.get()
            }
            _ => self.get(),
        }
    }

    /// Says where the password came from that did not fit.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Given(_) => {
                format!("`{KEY_PASSWORD}` must hold the password that the key was made with")
            }
            Self::File(path) | Self::Generated(path) => {
                format!("`{}` must hold the password that the key was made with", path.display())
            }
        }
    }
}

/// Asks for the password of a key file from elsewhere.
pub(super) fn of_key_file(path: &Path) -> Result<SecretString, Error> {
    // An empty password is one that cosign takes.
    if let Ok(password) = env::var(COSIGN_PASSWORD) {
        return Ok(password.into());
    }
    if !io::stdin().is_terminal() {
        let error = anyhow!("key `{}` needs a password", path.display());
        return Err(Failure::usage(error).hint(format!("set `{COSIGN_PASSWORD}`, as for cosign")).into());
    }
    let prompt = format!("Password of {}: ", path.display());
    Ok(rpassword::prompt_password(prompt).context("the terminal cannot be read")?.into())
}

/// Reads a file of bounded size.
pub(super) fn read_bounded(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > bytes_max {
        return Err(anyhow!("it is larger than {bytes_max} bytes"));
    }
    Ok(bytes)
}

/// Reads a password or a PIN: the first line, without its end.
pub(super) fn of_file(path: &Path) -> Result<SecretString, Error> {
    Ok(first_line_of(path).map_err(Failure::configuration)?)
}

fn first_line_of(path: &Path) -> Result<SecretString, Error> {
    let read = || -> Result<SecretString, Error> {
        let bytes = SecretSlice::from(read_bounded(path, FILE_BYTES_MAX)?);
        first_line(&bytes)
    };
    read().with_context(|| format!("password `{}` cannot be read", path.display()))
}

fn first_line(bytes: &SecretSlice<u8>) -> Result<SecretString, Error> {
    use secrecy::ExposeSecret as _;
    let text = std::str::from_utf8(bytes.expose_secret()).map_err(|_| anyhow!("it is not text"))?;
    match text.lines().next().unwrap_or_default() {
        "" => Err(anyhow!("it is empty")),
        line => Ok(line.into()),
    }
}

/// Makes a password of hexadecimal digits, with the end of its line.
fn generate() -> Result<Vec<u8>, RandomError> {
    let mut bytes = [0; GENERATED_BYTES];
    random::fill(&mut bytes)?;
    let digits = bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| b"0123456789abcdef"[usize::from(nibble)]);
    Ok(digits.chain(*b"\n").collect())
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_password_is_the_first_line_of_its_file() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let path = folder.path().join("password");
        let long = "x".repeat(FILE_BYTES_MAX + 1);
        for (text, expected) in [
            ("secret\n", Ok("secret")),
            ("secret\r\nnote", Ok("secret")),
            (" spaces count ", Ok(" spaces count ")),
            ("\nsecret", Err("it is empty")),
            ("", Err("it is empty")),
            (&long, Err("it is larger than 4096 bytes")),
        ] {
            std::fs::write(&path, text).expect("writes");
            match (of_file(&path), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found.expose_secret(), expected),
                (Err(found), Err(expected)) => assert!(format!("{found:#}").contains(expected), "{found:#}"),
                (found, _) => assert_eq!(found.is_ok(), expected.is_ok(), "{text:?}"),
            }
        }
    }

    #[test]
    fn no_password_is_printed() {
        let password = KeyPassword::Given("hidden".to_owned().into());
        assert!(!format!("{password:?}").contains("hidden"));
    }
}
