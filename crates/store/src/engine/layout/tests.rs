//! Tests of what is attached to the images of a layout.

use serde_json::json;
use temper_attest::carrier::{Carrier, Target, attach};
use temper_attest::{FileKey, Limits, Statement, predicate};
use temper_compose::{Attachments as _, Destination as _};
use temper_oci::{Compression, Platform};
use temper_testkit::image::{Image, Layer};

use super::{LayoutDestination, StoredImage};

#[test]
fn attachments_are_read_back_and_damage_is_told() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let place = LayoutDestination::create(folder.path()).expect("is made");
    let image = Image::new(&Platform::linux("amd64")).layer(&Layer::new(), Compression::Gzip);
    let descriptor = image.build(&mut |digest, bytes| {
        assert_eq!(place.layout.blobs().put(&bytes).expect("is written"), digest);
    });
    let target = Target { repository: "registry.example/acme/app".to_owned(), descriptor };
    let key = FileKey::generate(&mut |bytes| {
        bytes.fill(7);
        Ok(())
    })
    .expect("a key can be made");
    let statement = Statement::new(vec![target.subject()], predicate::SPDX, json!({"name": "app"}));
    let attached = place.attached(&target.descriptor).expect("nothing is there yet");
    let publication =
        attach(&target, &[statement], "2026-01-01T00:00:00Z", &attached, &key, &Limits::default())
            .expect("is signed");
    for blob in &publication.blobs {
        let open = || Ok(Box::new(std::io::Cursor::new(blob.bytes.clone())) as Box<_>);
        place.put_blob(&blob.descriptor, &open).expect("is put");
    }
    for put in publication.manifests.iter().chain(&publication.fallback) {
        let bytes = put.bytes.clone().into();
        place.put_manifest(&put.descriptor, &bytes).expect("is put");
        if let Some(tag) = &put.tag {
            place.put_attachment(&put.descriptor, &bytes, tag).expect("is named");
        }
    }
    place.move_tags(&target.descriptor, &bytes::Bytes::new(), &["1".to_owned()]).expect("is named");
    let image =
        StoredImage::in_layout(folder.path(), None).expect("what is attached to it is no other image");
    assert_eq!(image.root_descriptor().digest, target.descriptor.digest);
    let place = LayoutDestination::open(folder.path()).expect("is there");
    let attached = place.attached(&target.descriptor).expect("can be read");
    let digest = target.descriptor.digest;
    let verification = attached.verify(digest, &key.public_key(), &Limits::default());
    assert_eq!(verification.proofs.len(), 4, "{verification:?}");
    for carrier in [Carrier::LegacyTag, Carrier::Referrer] {
        assert!(verification.is_signed(carrier), "{carrier:?}");
    }
    assert!(attached.fallback.is_some());

    let signatures = attached.signatures.expect("is signed");
    let signature = &signatures.manifest().layers[0].digest;
    let file = place.layout.blobs().file(signature).expect("is there");
    let mut bytes = std::fs::read(&file).expect("can be read");
    bytes[0] ^= 1;
    std::fs::remove_file(&file).expect("can be removed");
    std::fs::write(&file, bytes).expect("can be written");
    let error = place.attached(&target.descriptor).expect_err("is damaged");
    assert!(error.to_string().contains(&signature.to_string()), "{error}");
    assert_eq!(error.hint.as_deref(), Some("the layout is damaged; remove it and copy the image again"));
}
