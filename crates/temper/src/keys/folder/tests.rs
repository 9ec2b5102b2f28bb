//! The folder of keys: made once, rotated, and refused with a reason.

use std::os::unix::fs::PermissionsExt as _;
use std::thread;

use super::*;

struct Bed {
    folder: tempfile::TempDir,
}

impl Bed {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("makes a folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("keys").join(name)
    }

    fn keys(&self) -> KeyFolder {
        KeyFolder::new(self.path(""), KeyPassword::Generated(self.path("password")))
    }

    fn with_password(&self, password: &str) -> KeyFolder {
        KeyFolder::new(self.path(""), KeyPassword::Given(password.to_owned().into()))
    }
}

fn signs(keys: &KeyFolder) -> PublicKey {
    let signer = keys.signer().expect("opens");
    let public = PublicKey::of(&*signer).expect("is a key");
    public.verify(b"message", &signer.sign(b"message").expect("signs")).expect("verifies");
    public
}

#[test]
fn the_first_key_is_made_at_first_use_and_kept_secret() {
    let bed = Bed::new();
    assert!(bed.keys().keys().expect("lists").is_empty());
    let public = signs(&bed.keys());
    assert_eq!(signs(&bed.keys()), public);
    let keys = bed.keys().keys().expect("lists");
    assert_eq!((keys.len(), keys[0].number, &keys[0].public), (1, 1, &public));
    for (name, expected) in [("", 0o700), ("1.key", 0o600), ("password", 0o600), ("1.pub", 0o644)] {
        let mode = fs::metadata(bed.path(name)).expect("is there").permissions().mode() & 0o777;
        // What is public may be less public still, as the user's mask says.
        assert!(mode == expected || name == "1.pub" && mode & !expected == 0, "{name}: {mode:o}");
    }
    let sealed = fs::read_to_string(bed.path("1.key")).expect("reads");
    assert!(sealed.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"), "{sealed}");
}

#[test]
fn rotation_adds_and_the_newest_signs() {
    let bed = Bed::new();
    let first = signs(&bed.keys());
    let second = bed.keys().rotate().expect("rotates");
    assert_eq!((second.number, second.home), (2, Home::File));
    assert_eq!(signs(&bed.keys()), second.public);
    let keys = bed.keys().keys().expect("lists");
    assert_eq!(keys.iter().map(|key| &key.public).collect::<Vec<_>>(), [&first, &second.public]);
    assert_eq!(bed.keys().find(1).expect("reads").expect("is there").id(), first.id());
    assert!(bed.keys().find(3).expect("reads").is_none());
    // The old private half is not needed any more.
    fs::remove_file(bed.path("1.key")).expect("removes");
    assert_eq!(bed.keys().keys().expect("lists")[0].home, Home::Gone);
    assert_eq!(signs(&bed.keys()), second.public);
}

#[test]
fn a_key_is_added_once() {
    let bed = Bed::new();
    let key = generate().expect("makes");
    let public = key.public_key();
    assert_eq!(bed.keys().add(key).expect("adds").number, 1);
    let error = bed.keys().add_token("pkcs11:object=a", &public).expect_err("is there");
    assert_eq!(error.to_string(), format!("this is key 1 already, `{}`", public.id()));
}

#[test]
fn what_a_crash_left_is_no_part_of_the_next_key() {
    let public = generate().expect("makes").public_key();
    let bed = Bed::new();
    signs(&bed.keys());
    // A key file whose public half was never written.
    fs::copy(bed.path("1.key"), bed.path("2.key")).expect("copies");
    fs::write(bed.path("2.key.new"), "half").expect("writes");
    let added = bed.keys().add_token("pkcs11:object=a", &public).expect("adds");
    assert_eq!((added.number, added.home), (2, Home::Token));
    assert_eq!(bed.keys().latest().expect("reads").expect("is there").home, Home::Token);
    assert!(!bed.path("2.key").exists() && !bed.path("2.key.new").exists());
    // The address of a token likewise.
    fs::write(bed.path("3.pkcs11"), "pkcs11:object=b\n").expect("writes");
    let rotated = bed.keys().rotate().expect("rotates");
    assert_eq!((rotated.number, signs(&bed.keys())), (3, rotated.public));
    assert!(!bed.path("3.pkcs11").exists());
}

#[test]
fn many_at_once_make_one_first_key() {
    let bed = Bed::new();
    let made = thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| bed.keys().latest_or_first().expect("makes").id())).collect();
        threads.into_iter().map(|thread| thread.join().expect("ends")).collect::<Vec<_>>()
    });
    assert!(made.iter().all(|id| *id == made[0]), "{made:?}");
    assert_eq!(bed.keys().keys().expect("lists").len(), 1);
}

#[test]
fn what_cannot_sign_says_why() {
    let bed = Bed::new();
    bed.with_password("one").latest_or_first().expect("makes");
    assert!(!bed.path("password").exists(), "a password that was given is not written");
    signs(&bed.with_password("one"));
    let says = |keys: &KeyFolder, expected: &str| {
        let error = keys.signer().map(|_| ()).expect_err("cannot sign");
        let said = format!("{error:#} {}", crate::failure::hint(&error).unwrap_or_default());
        assert!(said.contains(expected), "{said}");
    };
    says(&bed.with_password("two"), "`TEMPER_KEY_PASSWORD` must hold the password");
    says(&bed.keys(), "password` cannot be read");
    says(&bed.keys(), "give the password in `TEMPER_KEY_PASSWORD`");
    // A new password would leave the keys that are there without theirs.
    let error = bed.keys().rotate().expect_err("has no password");
    assert!(format!("{error:#}").contains("password` cannot be read"), "{error:#}");
    assert!(!bed.path("password").exists() && !bed.path("2.pub").exists());
    let stranger = Bed::new();
    stranger.with_password("one").latest_or_first().expect("makes");
    fs::copy(stranger.path("1.key"), bed.path("1.key")).expect("copies");
    says(&bed.with_password("one"), "is not the private half of key 1");
    fs::remove_file(bed.path("1.key")).expect("removes");
    says(&bed.with_password("one"), "`temper key rotate` makes a new key");
    fs::write(bed.path("1.pub"), "nothing").expect("writes");
    says(&bed.with_password("one"), "1.pub` cannot be used");
}

#[test]
fn only_numbers_are_keys() {
    for (name, expected) in [
        ("1.pub", Some(1)),
        ("12.pub", Some(12)),
        ("0.pub", None),
        ("01.pub", None),
        ("1.key", None),
        ("pub", None),
        ("latest.pub", None),
        ("1.pub.new", None),
    ] {
        assert_eq!(public_number(name), expected, "{name}");
    }
}
