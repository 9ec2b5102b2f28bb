//! Keys that sign fake archives.

use std::io::Write;
use std::time::{Duration, SystemTime};

use sequoia_openpgp::Cert;
use sequoia_openpgp::armor::Kind;
use sequoia_openpgp::cert::CertBuilder;
use sequoia_openpgp::crypto::KeyPair;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::SerializeInto;
use sequoia_openpgp::serialize::stream::{Armorer, Message, Signer};

/// When keys are made, unless a test says otherwise: 2024-01-01, in seconds since the epoch.
const CREATED: i64 = 1_704_067_200;

/// An OpenPGP key with its secret part.
#[derive(Clone)]
pub struct TestKey(Cert);

impl TestKey {
    /// Makes a key that does not expire. Key material is random, times are not.
    pub fn generate() -> Self {
        Self::build(None)
    }

    /// Makes a key that is valid for some days from the beginning of 2024.
    pub fn valid_for_days(days: u32) -> Self {
        Self::build(Some(Duration::from_secs(u64::from(days) * 86_400)))
    }

    fn build(validity: Option<Duration>) -> Self {
        let (cert, _revocation) = CertBuilder::new()
            .add_userid("Testers <testers@example.org>")
            .set_creation_time(time(CREATED))
            .set_validity_period(validity)
            .add_signing_subkey()
            .generate()
            .expect("the parameters are valid");
        Self(cert)
    }

    /// The public part, as a keyring file has it.
    pub fn keyring(&self) -> Vec<u8> {
        self.0.armored().to_vec().expect("memory takes every byte")
    }

    /// The fingerprint of the primary key.
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint().to_hex()
    }

    /// Signs a text in the clear, as `InRelease` is, at a time in seconds since the epoch.
    pub fn sign_clear(&self, text: &str, at: i64) -> Vec<u8> {
        self.sign_clear_with(&[], text, at)
    }

    /// Signs in the clear together with other keys, as archives do while they change theirs.
    pub fn sign_clear_with(&self, others: &[&Self], text: &str, at: i64) -> Vec<u8> {
        let mut signed = Vec::new();
        let mut signer = self.signer(Message::new(&mut signed), at).cleartext();
        for other in others {
            signer = signer.add_signer(other.key_pair()).expect("the key signs");
        }
        write(signer.build().expect("the keys sign"), text);
        signed
    }

    /// Makes a signature apart from its text, as `Release.gpg` is.
    pub fn sign_detached(&self, text: &str, at: i64) -> Vec<u8> {
        let mut signature = Vec::new();
        let message = Message::new(&mut signature);
        let message = Armorer::new(message).kind(Kind::Signature).build().expect("memory takes every byte");
        write(self.signer(message, at).detached().build().expect("the key signs"), text);
        signature
    }

    fn signer<'a>(&self, message: Message<'a>, at: i64) -> Signer<'a> {
        Signer::new(message, self.key_pair()).expect("the key signs").creation_time(time(at))
    }

    fn key_pair(&self) -> KeyPair {
        let policy = StandardPolicy::new();
        let keys = self.0.keys().with_policy(&policy, time(CREATED)).secret().for_signing();
        let key = keys.last().expect("the key has a signing part").key().clone();
        key.into_keypair().expect("the secret part is not encrypted")
    }
}

fn write(mut message: Message<'_>, text: &str) {
    message.write_all(text.as_bytes()).expect("memory takes every byte");
    message.finalize().expect("memory takes every byte");
}

fn time(seconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).expect("tests live after 1970"))
}
