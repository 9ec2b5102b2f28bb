//! Keys in tokens: hardware modules and their like, by PKCS#11.
//!
//! The private half never leaves the token. The operator names the module, a shared library, which is loaded into this
//! process; nothing that an image or a document says can name one.

pub(crate) mod uri;

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Error, anyhow};
use aws_lc_rs::digest::{SHA256, digest};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as TokenError, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use secrecy::SecretString;
use temper_attest::keys::signature_der;
use temper_attest::{KeyError, PublicKey, SignError, Signer};

use self::uri::{Pin, Uri};
use super::password;
use crate::failure::Failure;

/// What names the module where the address does not, for cosign and for us.
const MODULE_PATH: &str = "COSIGN_PKCS11_MODULE_PATH";
/// What holds the PIN where the address does not, for cosign and for us.
const PIN: &str = "COSIGN_PKCS11_PIN";

/// The modules of this process. A module must be opened and closed once, so each stays open until the end.
static MODULES: Mutex<BTreeMap<PathBuf, Pkcs11>> = Mutex::new(BTreeMap::new());

/// A key in a token, with a session in which its user is logged in.
pub(super) struct TokenKey {
    public: PublicKey,
    key: ObjectHandle,
    /// A session does one thing at a time.
    session: Mutex<Session>,
}

impl TokenKey {
    /// The public half.
    pub(super) fn public_key(&self) -> &PublicKey {
        &self.public
    }
}

impl Signer for TokenKey {
    fn public_key_spki(&self) -> &[u8] {
        self.public.spki()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let failed = |source| SignError { key: self.key_id(), source };
        let digest = digest(&SHA256, message);
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let scalars = session.sign(&Mechanism::Ecdsa, self.key, digest.as_ref());
        let scalars = scalars.map_err(|error| failed(error.into()))?;
        signature_der(&scalars).ok_or_else(|| failed("the token gives no signature over P-256".into()))
    }
}

/// The token's handles say nothing to anybody.
impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKey").field("id", &self.key_id()).finish_non_exhaustive()
    }
}

/// Reads an address.
pub(super) fn parse(text: &str) -> Result<Uri, Error> {
    text.parse().map_err(|error: uri::ParseUriError| {
        let hint = "write `pkcs11:token=LABEL;object=LABEL?module-path=FILE`";
        // The text may hold a PIN, so it is not repeated.
        let error = Error::new(error).context("the address of a PKCS#11 key is wrong");
        Failure::usage(error).hint(hint).into()
    })
}

/// Opens the key of an address.
pub(super) fn open(uri: &Uri) -> Result<TokenKey, Error> {
    find(uri).map_err(|error| {
        let hint = crate::failure::hint(&error);
        let error = error.context(format!("key `{uri}` cannot be used"));
        Failure::configuration(error).hint_if(hint).into()
    })
}

fn find(uri: &Uri) -> Result<TokenKey, Error> {
    let default = env::var_os(MODULE_PATH).map(PathBuf::from);
    let Some(path) = uri::module(uri, default.as_deref()) else {
        let hint = format!("add `?module-path=FILE` to the address, or set `{MODULE_PATH}`");
        return Err(Failure::configuration(anyhow!("it names no module")).hint(hint).into());
    };
    let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
    if !modules.contains_key(path) {
        modules.insert(path.to_owned(), load(path)?);
    }
    let module = &modules[path];
    let slot = slot(module, uri)?;
    let session = module.open_ro_session(slot).context("the token opens no session")?;
    log_in(module, slot, &session, uri)?;
    let key = key(&session, uri)?;
    refuse_always_authenticate(&session, key)?;
    let public = public_key(&session, key, uri)?;
    Ok(TokenKey { public, key, session: Mutex::new(session) })
}

fn load(path: &Path) -> Result<Pkcs11, Error> {
    let failed = || format!("module `{}` cannot be loaded", path.display());
    let module = Pkcs11::new(path).with_context(failed)?;
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).with_context(failed)?;
    Ok(module)
}

/// Finds the one token that is meant.
fn slot(module: &Pkcs11, uri: &Uri) -> Result<Slot, Error> {
    let mut found = Vec::new();
    let mut labels = Vec::new();
    for slot in module.get_slots_with_token().context("the module lists no tokens")? {
        let info = module.get_token_info(slot).context("the module does not describe a token")?;
        let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
        if uri.slot_id.is_none_or(|id| id == slot.id())
            && is(&uri.token, info.label())
            && is(&uri.manufacturer, info.manufacturer_id())
            && is(&uri.model, info.model())
            && is(&uri.serial, info.serial_number())
            && info.token_initialized()
        {
            found.push(slot);
        }
        if !info.label().is_empty() {
            labels.push(format!("`{}`", info.label()));
        }
    }
    let there = if labels.is_empty() { "none".to_owned() } else { labels.join(", ") };
    match found.as_slice() {
        [slot] => Ok(*slot),
        [] => {
            let error = anyhow!("the module has no such token");
            Err(Failure::configuration(error).hint(format!("its tokens are: {there}")).into())
        }
        _ => {
            let hint = format!("name one with `token=` or `serial=`; there are: {there}");
            Err(Failure::configuration(anyhow!("several tokens are meant")).hint(hint).into())
        }
    }
}

fn log_in(module: &Pkcs11, slot: Slot, session: &Session, uri: &Uri) -> Result<(), Error> {
    let info = module.get_token_info(slot).context("the module does not describe the token")?;
    if !info.login_required() {
        return Ok(());
    }
    // A reader with keys of its own asks for the PIN itself.
    let pin = if info.protected_authentication_path() { None } else { Some(pin(uri)?) };
    match session.login(UserType::User, pin.as_ref()) {
        // All sessions of a process with a token share one login.
        Ok(()) | Err(TokenError::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        Err(error) => {
            let hint =
                "many tokens lock after a few wrong PINs; check where it comes from before trying again";
            let error = Error::new(error).context("the token refuses the login");
            Err(Failure::configuration(error).hint(hint).into())
        }
    }
}

fn pin(uri: &Uri) -> Result<SecretString, Error> {
    match &uri.pin {
        Pin::Value(pin) => Ok(pin.clone()),
        Pin::Source(path) => password::of_file(path),
        Pin::Unsaid => match env::var(PIN) {
            Ok(pin) if !pin.is_empty() => Ok(pin.into()),
            _ if io::stdin().is_terminal() => {
                let prompt = format!("PIN of {uri}: ");
                Ok(rpassword::prompt_password(prompt).context("the terminal cannot be read")?.into())
            }
            _ => {
                let hint = format!("add `?pin-source=FILE` to the address, or set `{PIN}`");
                Err(Failure::configuration(anyhow!("the token needs a PIN")).hint(hint).into())
            }
        },
    }
}

/// The attributes that the objects of a key have in common.
fn names(uri: &Uri, class: ObjectClass) -> Vec<Attribute> {
    let label = uri.object.clone().map(|label| Attribute::Label(label.into_bytes()));
    let id = uri.id.clone().map(Attribute::Id);
    let mut attributes = vec![Attribute::Class(class), Attribute::KeyType(KeyType::EC)];
    attributes.extend(label);
    attributes.extend(id);
    attributes
}

fn key(session: &Session, uri: &Uri) -> Result<ObjectHandle, Error> {
    let found = session.find_objects(&names(uri, ObjectClass::PRIVATE_KEY));
    match found.context("the token lists no keys")?.as_slice() {
        [key] => Ok(*key),
        [] => {
            let error = anyhow!("the token has no such private key for elliptic curves");
            let hint = "`pkcs11-tool --login --list-objects` shows what there is";
            Err(Failure::configuration(error).hint(hint).into())
        }
        _ => {
            let error = anyhow!("several keys of the token are meant");
            Err(Failure::configuration(error).hint("name one with `id=`").into())
        }
    }
}

/// Refuses a key that wants its PIN for each signature: a build signs many times, and nobody sits there.
fn refuse_always_authenticate(session: &Session, key: ObjectHandle) -> Result<(), Error> {
    let attributes = session.get_attributes(key, &[AttributeType::AlwaysAuthenticate]).unwrap_or_default();
    if attributes.iter().any(|attribute| matches!(attribute, Attribute::AlwaysAuthenticate(true))) {
        let error = anyhow!("the key wants its PIN for each signature");
        return Err(Failure::configuration(error).hint("make one that signs after one login").into());
    }
    Ok(())
}

/// Reads the public half: an object beside the private one with the same names, or an attribute of that itself.
fn public_key(session: &Session, key: ObjectHandle, uri: &Uri) -> Result<PublicKey, Error> {
    let mut objects =
        session.find_objects(&names(uri, ObjectClass::PUBLIC_KEY)).context("the token lists no keys")?;
    objects.push(key);
    for object in objects {
        let attributes = session.get_attributes(object, &[AttributeType::EcPoint]).unwrap_or_default();
        let point = attributes.into_iter().find_map(|attribute| match attribute {
            Attribute::EcPoint(point) => Some(point),
            _ => None,
        });
        if let Some(point) = point {
            return Ok(point_key(&point)?);
        }
    }
    let error = anyhow!("the token does not give the public half of the key");
    Err(Failure::configuration(error)
        .hint("put the public key beside it, under the same label and id")
        .into())
}

/// Reads a point, which stands in an octet string of DER, though some tokens leave that out.
fn point_key(bytes: &[u8]) -> Result<PublicKey, KeyError> {
    PublicKey::from_point(bytes.strip_prefix(&[0x04, 0x41]).unwrap_or(bytes))
}
