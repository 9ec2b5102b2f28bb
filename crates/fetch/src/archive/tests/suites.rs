//! Suites: verified, cached, protected against expired and older ones.

use temper_testkit::archive::{Fault, Suite, VALID_UNTIL};
use temper_testkit::{Compression, Deb};

use super::*;

fn hello(version: &str) -> Deb {
    Deb::new("hello", version)
}

fn trixie() -> Suite {
    Suite::new("trixie").package(hello("1.0"))
}

fn bench(suite: &Suite) -> Bench {
    Bench::new(&FakeArchive::new().suite("debian", suite))
}

async fn refused(bench: &Bench, now: i64, expected: &str) -> ArchiveError {
    let error = bench.suite(Freshness::Always, now).await.unwrap_err();
    assert_eq!(message(&error, &bench.server), expected);
    error
}

#[tokio::test]
async fn a_suite_is_verified_read_and_kept() {
    let bench = bench(&trixie());
    let first = bench.suite(Freshness::Always, NOW).await.unwrap();
    assert_eq!(first.release.release.codename.as_deref(), Some("trixie"));
    assert_eq!(first.release.signers, [bench.key.fingerprint()]);
    assert_eq!(first.release.uri, bench.server.uri("debian"));
    assert_eq!(first.packages.len(), 1);
    assert_eq!(first.packages[0].architecture, "amd64");
    assert!(first.packages[0].text.starts_with("Package: hello\nVersion: 1.0\n"));
    let asked = bench.asked();
    assert_eq!(asked[0], "InRelease");
    assert!(asked[1].starts_with("main/binary-amd64/by-hash/SHA256/"), "{asked:?}");

    let again = bench.suite(Freshness::Always, NOW + HOUR).await.unwrap();
    let requests = bench.server.take_requests();
    assert_eq!(requests.len(), 1, "an unchanged suite costs one conditional request");
    assert!(requests[0].headers.contains_key("if-none-match"));
    assert_eq!(again.packages, first.packages);
    assert_eq!(again.release.digest, first.release.digest);
    assert_eq!(again.release.fetched_at, at(NOW + HOUR));
}

#[tokio::test]
async fn freshness_decides_about_the_network() {
    let bench = bench(&trixie());
    let age = |hours: u64| Freshness::MaxAge(Duration::from_hours(hours));
    let error = bench.suite(Freshness::Offline, NOW).await.unwrap_err();
    assert_eq!(message(&error, &bench.server), "suite `trixie` at `http://mirror/debian` is not cached");
    assert!(error.hint().is_some());
    bench.suite(age(1), NOW).await.unwrap();
    assert_eq!(bench.asked().len(), 2);
    bench.suite(age(1), NOW + HOUR).await.unwrap();
    // What was current when it was fetched is used offline at any time.
    bench.suite(Freshness::Offline, VALID_UNTIL + HOUR).await.unwrap();
    assert!(bench.asked().is_empty());
    bench.suite(age(1), NOW + 2 * HOUR).await.unwrap();
    bench.suite(age(1), NOW - HOUR).await.unwrap();
    assert_eq!(bench.asked(), ["InRelease", "InRelease"]);
    let error = bench.indexes(&source("trixie"), &["arm64"], Freshness::Offline, NOW).await.unwrap_err();
    assert!(matches!(error, ArchiveError::IndexOffline { .. }), "{error}");
}

#[tokio::test]
async fn every_form_of_index_is_read() {
    for form in Compression::ALL {
        let bench = bench(&trixie().compressions(&[form]));
        let index = bench.suite(Freshness::Always, NOW).await.unwrap();
        assert!(index.packages[0].text.contains("Package: hello\n"), "{form:?}");
    }
    let bench = bench(&trixie().compressions(&Compression::ALL).without_by_hash());
    bench.suite(Freshness::Always, NOW).await.unwrap();
    assert_eq!(bench.asked(), ["InRelease", "main/binary-amd64/Packages.xz"]);
}

#[tokio::test]
async fn a_release_may_have_its_signature_apart() {
    let bench = bench(&trixie().detached());
    bench.suite(Freshness::Always, NOW).await.unwrap();
    assert_eq!(bench.asked()[..3], ["InRelease", "Release", "Release.gpg"]);
    bench.suite(Freshness::Offline, NOW).await.unwrap();
    bench.server.fault("Release", Fault::Corrupt);
    let error = bench.suite(Freshness::Always, NOW).await.unwrap_err();
    assert!(matches!(error, ArchiveError::Verify { .. }), "{error}");
}

#[tokio::test]
async fn components_and_architectures_come_in_order() {
    let suite = trixie()
        .package_in("contrib", Deb::new("extra", "1").architecture("arm64"))
        .package(Deb::new("data", "1").architecture("all"));
    let bench = bench(&suite);
    let source = Source { components: vec!["main".to_owned(), "contrib".to_owned()], ..source("trixie") };
    let index = bench.indexes(&source, &["arm64", "amd64"], Freshness::Always, NOW).await.unwrap();
    let shown: Vec<_> = index
        .packages
        .iter()
        .map(|p| (p.component.as_str(), p.architecture.as_str(), p.text.matches("Package: ").count()))
        .collect();
    assert_eq!(
        shown,
        [("main", "arm64", 1), ("main", "amd64", 2), ("contrib", "arm64", 1), ("contrib", "amd64", 0)]
    );
    let error = bench.indexes(&source, &["s390x"], Freshness::Always, NOW).await.unwrap_err();
    assert_eq!(error.to_string(), "suite `trixie` has no index of component `main` for `s390x`");
    assert_eq!(
        error.hint().unwrap(),
        "the suite offers `contrib/amd64`, `contrib/arm64`, `main/amd64`, `main/arm64`"
    );
}

#[tokio::test]
async fn packages_for_all_may_stand_apart() {
    let suite = trixie().package(Deb::new("data", "1").architecture("all")).architectures(&["all", "amd64"]);
    let bench = bench(&suite);
    let index = bench.suite(Freshness::Always, NOW).await.unwrap();
    let architectures: Vec<_> = index.packages.iter().map(|p| p.architecture.as_str()).collect();
    assert_eq!(architectures, ["amd64", "all"]);
    let bench = self::bench(&suite.field("No-Support-for-Architecture-all", "Packages"));
    assert_eq!(bench.suite(Freshness::Always, NOW).await.unwrap().packages.len(), 1);
}

#[tokio::test]
async fn an_update_is_followed_and_a_step_back_refused() {
    let bench = bench(&trixie());
    bench.suite(Freshness::Always, NOW).await.unwrap();
    let newer = |archive: FakeArchive| {
        archive.suite("debian", &Suite::new("trixie").package(hello("1.1")).date(DATE + HOUR))
    };
    bench.update(newer);
    let index = bench.suite(Freshness::Always, NOW + HOUR).await.unwrap();
    assert!(index.packages[0].text.contains("Version: 1.1\n"));
    bench.update(|archive| archive.suite("debian", &trixie()));
    let expected = "release of `trixie` at `http://mirror/debian` is of 2025-06-01T00:00:00Z, \
                    but one of 2025-06-01T01:00:00Z was seen before";
    refused(&bench, NOW + HOUR, expected).await;
    // The protection outlives the cache, and the cache keeps the newer state.
    let cached = bench.suite(Freshness::Offline, NOW + HOUR).await.unwrap();
    assert!(cached.packages[0].text.contains("Version: 1.1\n"));
    std::fs::remove_dir_all(bench.folder.path().join("cache")).unwrap();
    refused(&bench, NOW + HOUR, expected).await;
}

#[tokio::test]
async fn an_expired_release_is_refused() {
    let bench = bench(&trixie());
    let expected = "release of `trixie` at `http://mirror/debian` was valid until 2025-06-08T00:00:00Z only";
    let error = refused(&bench, VALID_UNTIL + 1, expected).await;
    assert!(error.hint().is_some());
    bench.suite(Freshness::Always, VALID_UNTIL).await.unwrap();
    // An archive that stopped keeps its state: still the same answer, but it is too old now.
    refused(&bench, VALID_UNTIL + 1, expected).await;
    let endless = self::bench(&trixie().valid_until(None));
    endless.suite(Freshness::Always, VALID_UNTIL * 2 - DATE).await.unwrap();
}

#[tokio::test]
async fn a_release_for_another_suite_is_refused() {
    let bench = bench(&trixie());
    let archive = FakeArchive::signed_by(bench.key.clone()).suite("debian", &Suite::new("sid"));
    let renamed =
        archive.files().iter().map(|(path, content)| (path.replace("/sid/", "/trixie/"), content.clone()));
    bench.server.replace(renamed.collect());
    refused(&bench, NOW, "release at `http://mirror/debian` is of `sid`, not of `trixie`").await;
    let stable = self::bench(&trixie().field("Suite", "stable"));
    let error = stable.indexes(&source("stable"), &[], Freshness::Always, NOW).await.unwrap_err();
    assert!(matches!(error, ArchiveError::Status { status: 404, .. }), "{error}");
}

#[tokio::test]
async fn an_unknown_key_is_refused() {
    let bench = bench(&trixie());
    bench.server.replace(FakeArchive::new().suite("debian", &trixie()).files().clone());
    let error = bench.suite(Freshness::Always, NOW).await.unwrap_err();
    let text = message(&error, &bench.server);
    assert!(
        text.starts_with(
            "release of `trixie` at `http://mirror/debian` cannot be trusted: \
             no signature of keyring `test` is good: "
        ),
        "{text}"
    );
    assert!(bench.suite(Freshness::Offline, NOW).await.is_err(), "nothing unverified is kept");
    let source = Source { keyring: "other".to_owned(), ..source("trixie") };
    let error = bench.indexes(&source, &[], Freshness::Always, NOW).await.unwrap_err();
    assert_eq!(error.to_string(), "keyring `other` is not known");
    assert_eq!(
        error.hint().unwrap(),
        "configure it under `keyrings`, or use one of `debian-archive`, `test`"
    );
}

#[tokio::test]
async fn what_one_keyring_verified_is_verified_again_for_another() {
    let bench = bench(&trixie());
    bench.suite(Freshness::Always, NOW).await.unwrap();
    bench.suite(Freshness::Offline, NOW).await.unwrap();
    let folder = bench.folder.path();
    let stranger = archive_client(&bench.server, &TestKey::generate(), folder);
    let error = stranger.release(&source("trixie"), Freshness::Offline, at(NOW)).await.unwrap_err();
    assert!(matches!(error, ArchiveError::Verify { .. }), "{error}");
}

#[tokio::test]
async fn indexes_that_differ_from_the_release_are_refused() {
    let check = async |fault: Fault, expected: &str| {
        let bench = bench(&trixie().without_by_hash());
        bench.server.fault("Packages.xz", fault);
        let error = bench.suite(Freshness::Always, NOW).await.unwrap_err();
        let text = message(&error, &bench.server);
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("http://mirror/debian/dists/trixie/main/binary-amd64/Packages.xz"), "{text}");
        assert_eq!(bench.asked().len(), 4, "release and index are asked for once more");
        bench.server.clear_faults();
        bench.suite(Freshness::Always, NOW).await.unwrap();
    };
    check(Fault::Corrupt, "has digest `sha256:").await;
    check(Fault::Append(b"x".to_vec()), "were announced").await;
}

#[tokio::test]
async fn an_update_in_between_is_asked_once_more() {
    let bench = bench(&trixie().without_by_hash());
    bench.client.release(&source("trixie"), Freshness::Always, at(NOW)).await.unwrap();
    bench.update(|archive| {
        let suite = Suite::new("trixie").package(hello("1.1")).date(DATE + HOUR);
        archive.suite("debian", &suite.without_by_hash())
    });
    let fresh = Freshness::MaxAge(Duration::from_hours(1));
    let index = bench.suite(fresh, NOW).await.unwrap();
    assert!(index.packages[0].text.contains("Version: 1.1\n"));
}

#[tokio::test]
async fn an_index_that_is_gone_by_digest_is_taken_by_name() {
    let bench = bench(&trixie());
    let archive = FakeArchive::signed_by(bench.key.clone()).suite("debian", &trixie());
    let named = archive.files().iter().filter(|(path, _)| !path.contains("by-hash"));
    bench.server.replace(named.map(|(path, content)| (path.clone(), content.clone())).collect());
    bench.suite(Freshness::Always, NOW).await.unwrap();
    assert_eq!(bench.asked()[2], "main/binary-amd64/Packages.xz");
}

#[tokio::test]
async fn a_damaged_cache_is_made_again() {
    let bench = bench(&trixie());
    bench.suite(Freshness::Always, NOW).await.unwrap();
    let foreign = Compression::Zstd.compress(b"Package: foreign\n");
    for damage in [&b"damage"[..], &foreign] {
        bench.asked();
        let mut damaged = 0;
        for folder in ["releases", "indexes"] {
            for entry in std::fs::read_dir(bench.folder.path().join("cache").join(folder)).unwrap() {
                std::fs::write(entry.unwrap().path(), damage).unwrap();
                damaged += 1;
            }
        }
        assert_eq!(damaged, 2);
        let index = bench.suite(Freshness::MaxAge(Duration::from_hours(1)), NOW).await.unwrap();
        assert!(index.packages[0].text.starts_with("Package: hello\n"));
        assert_eq!(bench.asked().len(), 2);
    }
}

#[tokio::test]
async fn troubles_on_the_way_are_repeated() {
    let status = |code, times| Fault::Status { code, times, retry_after: None };
    let bench = bench(&trixie().without_by_hash());
    bench.server.fault("InRelease", status(503, 2));
    bench.server.fault("Packages.xz", Fault::Truncate { after: 3, times: 2 });
    bench.suite(Freshness::Always, NOW).await.unwrap();
    bench.server.fault("InRelease", status(500, 9));
    refused(&bench, NOW, "`http://mirror/debian/dists/trixie/InRelease` answers with status 500").await;
    bench.server.take_requests();
    bench.server.fault("InRelease", status(403, 9));
    refused(&bench, NOW, "`http://mirror/debian/dists/trixie/InRelease` answers with status 403").await;
    assert_eq!(bench.asked().len(), 1, "what will not pass is not repeated");
    bench.server.fault("InRelease", Fault::Silence);
    let error = bench.suite(Freshness::Always, NOW).await.unwrap_err();
    assert!(matches!(error, ArchiveError::Request { .. }), "{error}");
    assert_eq!(bench.asked().len(), 3);
}
