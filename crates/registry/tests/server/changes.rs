//! What watchers and the log learn of changes.

use std::io;
use std::sync::{Arc, Mutex};

use temper_oci::{Descriptor, Digest, media_type};
use temper_registry::{Actor, Author, Change, Event, RepositoryName};
use tracing_subscriber::fmt::MakeWriter;

use crate::fixture::{CONFIG, LAYER, image};
use crate::people::People;

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("locks").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn every_change_says_who_from_where_and_what_was_before() {
    // For the whole process: what one thread alone listens to, another may have marked as of no interest. No other
    // test uses this repository or lets this user fail.
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(lines.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).expect("is the only one");
    let people = People::new().await;
    let mut events = people.fixture.registry.subscribe();
    let (writer, owner) = (people.basic("robot"), people.basic("owner"));
    for blob in [CONFIG, LAYER] {
        let path = format!("/v2/acme/changes/blobs/uploads/?digest={}", Digest::of(blob));
        people.send(writer.as_deref(), "POST", &path, blob).await.expect(201, "");
    }
    let one = image(None).to_bytes();
    let subject = Descriptor::of(media_type::OCI_MANIFEST, &one);
    let two = image(Some(subject.clone())).to_bytes();
    let (first, second) = (Digest::of(&one), Digest::of(&two));
    let path = "/v2/acme/changes/manifests/latest";
    for bytes in [one, two.clone(), two] {
        people.send(writer.as_deref(), "PUT", path, bytes).await.expect(201, "");
    }
    people.send(owner.as_deref(), "DELETE", path, "").await.expect(202, "");
    let path = format!("/v2/acme/changes/manifests/{second}");
    people.send(owner.as_deref(), "DELETE", &path, "").await.expect(202, "");
    let path = format!("/v2/acme/changes/manifests/{first}");
    people.send(owner.as_deref(), "DELETE", &path, "").await.expect(202, "");
    let layer = Digest::of(LAYER);
    let path = format!("/v2/acme/changes/blobs/{layer}");
    people.send(owner.as_deref(), "DELETE", &path, "").await.expect(202, "");
    people.send(Some("Basic b3duZXI6d3Jvbmc="), "DELETE", &path, "").await.expect(401, "UNAUTHORIZED");

    let mut seen = Vec::new();
    while let Ok(Event { repository, author, change }) = events.try_recv() {
        assert_eq!(Some(repository), RepositoryName::parse("acme/changes"));
        seen.push((author, change));
    }
    let peer = "192.0.2.1".parse().ok();
    let robot = Author { actor: Actor::Token { user: "robot".to_owned(), token: "ci".to_owned() }, peer };
    let owner = Author { actor: Actor::User("owner".to_owned()), peer };
    let media_type = media_type::OCI_MANIFEST.to_owned();
    let pushed = |digest, subject| Change::ManifestPushed { digest, media_type: media_type.clone(), subject };
    let moved = |old, digest| Change::TagMoved {
        tag: "latest".to_owned(),
        old,
        digest,
        media_type: media_type.clone(),
    };
    let expected = [
        (&robot, pushed(first, None)),
        (&robot, moved(None, first)),
        (&robot, pushed(second, Some(first))),
        (&robot, moved(Some(first), second)),
        (&robot, pushed(second, Some(first))),
        (&owner, Change::TagRemoved { tag: "latest".to_owned(), digest: second }),
        (
            &owner,
            Change::ManifestRemoved { digest: second, media_type: media_type.clone(), tags: Vec::new() },
        ),
        (&owner, Change::ManifestRemoved { digest: first, media_type: media_type.clone(), tags: Vec::new() }),
        (&owner, Change::BlobRemoved { digest: layer }),
    ];
    assert_eq!(seen.iter().map(|(author, change)| (author, change.clone())).collect::<Vec<_>>(), expected);

    let text = String::from_utf8(lines.0.lock().expect("locks").clone()).expect("is text");
    let fields: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect();
    let of = |message: &str| {
        let is_ours = |line: &&serde_json::Value| {
            let fields = &line["fields"];
            fields["message"] == message
                && (fields["repository.name"] == "acme/changes" || fields["user.name"] == "\"owner\"")
        };
        fields.iter().rfind(is_ours).unwrap_or_else(|| panic!("{message} is not in {text}"))["fields"].clone()
    };
    let moved = of("tag moved");
    for (name, value) in [
        ("repository.name", "acme/changes"),
        ("actor", "user:robot/token:ci"),
        ("peer.address", "192.0.2.1"),
        ("tag", "latest"),
        ("manifest.old_digest", &first.to_string()),
        ("manifest.digest", &second.to_string()),
        ("media_type", media_type::OCI_MANIFEST),
    ] {
        assert_eq!(moved[name], value, "{moved}");
    }
    assert_eq!(of("manifest removed")["actor"], "user:owner");
    assert_eq!(of("blob removed")["blob.digest"], layer.to_string());
    let failed = of("login failed");
    assert_eq!((&failed["peer.address"], &failed["user.name"]), (&"192.0.2.1".into(), &"\"owner\"".into()));
    assert_eq!(failed["reason"], "wrong password");
    assert!(!text.contains("b3duZXI6") && !text.contains(people.secret.expose()), "{text}");
}

#[tokio::test]
async fn a_watcher_that_sleeps_blocks_nobody() {
    let people = People::new().await;
    let mut asleep = people.fixture.registry.subscribe();
    let name = RepositoryName::parse("acme/app").expect("is a name");
    let index = temper_oci::Index::of(Vec::new()).to_bytes();
    for _ in 0..600 {
        let manifest = temper_registry::ManifestPush {
            bytes: index.clone().into(),
            media_type: None,
            digest: None,
            tags: vec!["latest".to_owned()],
        };
        let push = temper_registry::Push { manifests: vec![manifest.clone(), manifest] };
        people.fixture.registry.push(&name, push).await.expect("pushes");
    }
    let lost = asleep.try_recv();
    assert!(matches!(lost, Err(tokio::sync::broadcast::error::TryRecvError::Lagged(_))), "{lost:?}");
}
