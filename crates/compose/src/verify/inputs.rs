//! The inputs of a build: whether artifacts and base can still be had, and who signed the base.

use temper_attest::Limits;
use temper_attest::carrier::Carrier;
use temper_attest::provenance::{BuildRecord, Input, Role};
use temper_oci::Descriptor;

use crate::image::ImageSource;
use crate::verify::Verifier;
use crate::verify::report::{Report, sentence};

/// Checks the base and every artifact of a record.
pub(super) fn check(record: &BuildRecord, verifier: &Verifier<'_>, report: &mut Report) {
    let images = record.inputs.iter().filter(|input| input.platform.is_none());
    for input in images {
        let what = match input.role {
            Role::Base => "base",
            Role::Artifact => "artifact",
            Role::Archive | Role::Document | Role::Package => continue,
        };
        let what = format!("{what} `{}@{}`", input.name, input.digest);
        match open(input, verifier) {
            Ok((source, root)) => {
                report.prove(format!("{what} is still there, with this digest"));
                check_signature(&*source, &root, &what, verifier, report);
            }
            Err(why) => report.skip(what, why),
        }
    }
}

/// Opens an input and reads its root, whose digest counts and not what somebody says of it.
fn open<'a>(
    input: &Input,
    verifier: &'a Verifier<'_>,
) -> Result<(Box<dyn ImageSource + 'a>, Descriptor), String> {
    let source = match verifier.inputs.image(input) {
        Ok(Some(source)) => source,
        Ok(None) => return Err("it is not to be found any more".to_owned()),
        Err(error) => return Err(sentence(&error)),
    };
    let root = source.root().map_err(|error| sentence(&error))?.descriptor();
    if root.digest == input.digest {
        Ok((source, root))
    } else {
        Err(format!("what is there has the digest `{}`", root.digest))
    }
}

/// A signature of an input is welcome and not demanded: it may be from anywhere.
fn check_signature(
    source: &dyn ImageSource,
    root: &Descriptor,
    what: &str,
    verifier: &Verifier<'_>,
    report: &mut Report,
) {
    let what_signed = format!("who signed {what}");
    let attached = source.attachments().map(|place| place.attached(root));
    let attached = match attached {
        Some(Ok(attached)) => attached,
        Some(Err(error)) => return report.skip(what_signed, sentence(&error)),
        None => {
            return report.skip(what_signed, "the copy that was found has no place for signatures beside it");
        }
    };
    for key in &verifier.policy.keys {
        let verification = attached.verify(root.digest, key, &Limits::default());
        if [Carrier::LegacyTag, Carrier::Referrer].into_iter().any(|carrier| verification.is_signed(carrier))
        {
            return report.prove(format!("{what} is signed by key `{}`", key.id()));
        }
    }
    let is_signed = attached.signatures.is_some() || !attached.referrers.is_empty();
    let why = if is_signed {
        "none of the given keys made its signature; add its publisher's with `--key`"
    } else {
        "it has no signature"
    };
    report.skip(what_signed, why);
}
