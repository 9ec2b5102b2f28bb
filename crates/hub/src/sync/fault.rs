//! What a failure is about: an image, the upstream, or a moment.

use std::error::Error;
use std::io;
use std::time::Duration;

use temper_fetch::http::{HttpError, is_transient_status};
use temper_fetch::registry::RegistryError;

use crate::error::HubError;

/// What a failure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This moment: it is tried again, after the wait that the upstream asks for.
    Passing(Option<Duration>),
    /// This image: the others still come in.
    Image,
    /// All of the upstream: whoever looks after the mirror must do something.
    Upstream,
}

/// Says what a failure is about.
pub(crate) fn fault(error: &HubError) -> Fault {
    match error {
        HubError::External(external) => match external.source.as_deref() {
            Some(source) => cause(source).map_or(Fault::Passing(None), of_registry),
            None => Fault::Image,
        },
        HubError::Records(_) => Fault::Passing(None),
        _ => Fault::Upstream,
    }
}

fn of_registry(error: &RegistryError) -> Fault {
    match error {
        RegistryError::Refused(refusal) if is_transient_status(refusal.status) => {
            Fault::Passing(refusal.retry_after)
        }
        RegistryError::Refused(refusal) if matches!(refusal.status.as_u16(), 401 | 403) => Fault::Upstream,
        RegistryError::Send { .. }
        | RegistryError::Body(HttpError::Body { .. })
        | RegistryError::Size { .. } => Fault::Passing(None),
        RegistryError::Address { .. }
        | RegistryError::List { .. }
        | RegistryError::ListCircle { .. }
        | RegistryError::TokenServer { .. }
        | RegistryError::Credentials(_) => Fault::Upstream,
        _ => Fault::Image,
    }
}

/// Finds what a registry's client said first, below whatever passed it on.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a RegistryError> {
    let mut found = None;
    let mut next = Some(error);
    while let Some(error) = next {
        found = error.downcast_ref().or(found);
        // What an error of reading holds is not among its causes.
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = held.map(|held| held as &(dyn Error + 'static)).or_else(|| error.source());
    }
    found
}
