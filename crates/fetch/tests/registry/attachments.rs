//! What is attached to an image is read from registries with and without a list of referrers.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse as _;
use serde_json::json;
use temper_attest::carrier::{Carrier, Target, attach};
use temper_attest::{FileKey, Limits, Statement, predicate};
use temper_compose::{Attachments as _, Destination as _, list_referrers};
use temper_fetch::engine::RegistryDestination;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::fixture::{Server, client, push_image, start, start_with};

/// Starts a registry as they were before OCI 1.1.
async fn start_without_referrers() -> Server {
    start_with(None, |router| {
        router.layer(from_fn(|request: Request, next: Next| async move {
            if request.uri().path().contains("/referrers/") {
                return StatusCode::NOT_FOUND.into_response();
            }
            let mut response = next.run(request).await;
            response.headers_mut().remove("oci-subject");
            response
        }))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn attachments_are_read_back() {
    for (has_api, server) in [(true, start().await), (false, start_without_referrers().await)] {
        let image = server.reference("acme/app:1");
        let descriptor = push_image(&client(), &image, [].into(), None).await;
        let place = RegistryDestination::new(Handle::current(), client(), &image);
        block_in_place(|| {
            let key = FileKey::generate(&mut |bytes| {
                bytes.fill(7);
                Ok(())
            })
            .expect("a key can be made");
            let target = Target { repository: "registry.example/acme/app".to_owned(), descriptor };
            let statement = Statement::new(vec![target.subject()], predicate::SPDX, json!({"name": "app"}));
            let attached = place.attached(&target.descriptor).expect("nothing is there yet");
            let publication =
                attach(&target, &[statement], "2026-01-01T00:00:00Z", &attached, &key, &Limits::default())
                    .expect("is signed");
            for blob in &publication.blobs {
                let open = || Ok(Box::new(std::io::Cursor::new(blob.bytes.clone())) as Box<_>);
                place.put_blob(&blob.descriptor, &open).expect("is put");
            }
            for put in &publication.manifests {
                let bytes = put.bytes.clone().into();
                match &put.tag {
                    Some(tag) => place.move_tags(&put.descriptor, &bytes, std::slice::from_ref(tag)),
                    None => place.put_manifest(&put.descriptor, &bytes),
                }
                .expect("is put");
            }
            list_referrers(&place, target.descriptor.digest, &publication).expect("are listed");
            let attached = place.attached(&target.descriptor).expect("can be read");
            let digest = target.descriptor.digest;
            let verification = attached.verify(digest, &key.public_key(), &Limits::default());
            assert_eq!(verification.proofs.len(), 4, "{verification:?}");
            for carrier in [Carrier::LegacyTag, Carrier::Referrer] {
                assert!(verification.is_signed(carrier), "{carrier:?}");
            }
            assert_eq!(attached.fallback.is_none(), has_api);
            assert!(place.tagged("2").expect("is no failure").is_none());
        });
    }
}
