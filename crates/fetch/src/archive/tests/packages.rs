//! Package files: fetched, verified, repeated after failures, refused.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use temper_oci::Digest;
use temper_testkit::Deb;
use temper_testkit::archive::{Fault, Suite};

use super::*;

/// A sink in memory, which can refuse.
#[derive(Default)]
struct Memory {
    files: Mutex<BTreeMap<Digest, Vec<u8>>>,
    is_full: bool,
}

struct MemoryWriter(Arc<Memory>, Vec<u8>);

#[derive(Clone, Default)]
struct Sink(Arc<Memory>);

impl PackageSink for Sink {
    fn contains(&self, digest: &Digest) -> io::Result<bool> {
        Ok(self.0.files.lock().unwrap().contains_key(digest))
    }

    fn create(&self) -> io::Result<Box<dyn PackageWriter>> {
        Ok(Box::new(MemoryWriter(Arc::clone(&self.0), Vec::new())))
    }
}

impl Write for MemoryWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.is_full {
            return Err(io::Error::other("no space"));
        }
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl PackageWriter for MemoryWriter {
    fn commit(self: Box<Self>, digest: &Digest) -> io::Result<()> {
        assert_eq!(*digest, Digest::of(&self.1), "only verified bytes are committed");
        self.0.files.lock().unwrap().insert(*digest, self.1);
        Ok(())
    }
}

fn debs() -> Vec<Deb> {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    names.map(|name| Deb::new(name, "1.0+x~1").file("usr/share/x", 0o644, name.as_bytes())).to_vec()
}

fn bench() -> (Bench, Vec<PackageFile>) {
    let suite = debs().into_iter().fold(Suite::new("trixie"), Suite::package);
    let bench = Bench::new(&FakeArchive::new().suite("debian", &suite));
    let files = debs().into_iter().map(|deb| {
        let bytes = deb.build();
        PackageFile {
            uri: "distribution:debian".to_owned(),
            path: format!("pool/main/{}", deb.file_name()),
            size: bytes.len() as u64,
            digest: Digest::of(&bytes),
        }
    });
    let files = files.collect();
    (bench, files)
}

async fn fetch(bench: &Bench, files: &[PackageFile], sink: &Sink) -> Result<FetchSummary, ArchiveError> {
    sendable(bench.client.fetch_packages(files, Arc::new(sink.clone()), &|_| {})).await
}

#[tokio::test]
async fn packages_arrive_verified_and_once() {
    let (bench, mut files) = bench();
    files.push(files[0].clone());
    let sink = Sink::default();
    let seen = Mutex::new(Vec::new());
    let note = |progress: Progress<'_>| seen.lock().unwrap().push(format!("{progress:?}"));
    let summary = bench.client.fetch_packages(&files, Arc::new(sink.clone()), &note).await.unwrap();
    let bytes = files[..12].iter().map(|file| file.size).sum();
    assert_eq!(summary, FetchSummary { fetched: 12, fetched_bytes: bytes, present: 0 });
    assert_eq!(sink.0.files.lock().unwrap().len(), 12);
    assert_eq!(seen.lock().unwrap().iter().filter(|text| text.starts_with("Done")).count(), 12);
    assert_eq!(bench.server.take_requests().len(), 12);
    let again = fetch(&bench, &files, &sink).await.unwrap();
    assert_eq!(again, FetchSummary { fetched: 0, fetched_bytes: 0, present: 12 });
    assert!(bench.server.take_requests().is_empty());
}

#[tokio::test]
async fn a_slow_file_does_not_hold_up_the_others() {
    let (bench, files) = bench();
    bench.server.fault("a_1.0+x~1_amd64.deb", Fault::After("l_1.0+x~1_amd64.deb".to_owned()));
    let sink = Sink::default();
    assert_eq!(fetch(&bench, &files, &sink).await.unwrap().fetched, 12);
}

#[tokio::test]
async fn troubles_on_the_way_are_repeated() {
    let (bench, files) = bench();
    let wish = |value: &str| Some(value.to_owned());
    bench.server.fault("/a_1.0+x~1_amd64.deb", Fault::Status { code: 503, times: 2, retry_after: None });
    bench.server.fault("/b_1.0+x~1_amd64.deb", Fault::Truncate { after: 100, times: 2 });
    bench.server.fault("/c_1.0+x~1_amd64.deb", Fault::Status { code: 429, times: 1, retry_after: wish("1") });
    let sink = Sink::default();
    let repeated = Mutex::new(Vec::new());
    let note = |progress: Progress<'_>| {
        if let Progress::Repeated(file, number) = progress {
            repeated.lock().unwrap().push((file.path.clone(), number));
        }
    };
    bench.client.fetch_packages(&files[..3], Arc::new(sink.clone()), &note).await.unwrap();
    let repeated: BTreeSet<_> = repeated.into_inner().unwrap().into_iter().collect();
    let shown: Vec<_> = repeated.iter().map(|(path, number)| (&path[10..11], *number)).collect();
    assert_eq!(shown, [("a", 1), ("a", 2), ("b", 1), ("b", 2), ("c", 1)]);
    assert_eq!(sink.0.files.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn what_is_not_the_announced_file_is_refused() {
    let check = async |fault: Option<Fault>, change: fn(&mut PackageFile), expected: &str| {
        let (bench, mut files) = bench();
        change(&mut files[0]);
        if let Some(fault) = fault {
            bench.server.fault(&files[0].path, fault);
        }
        let sink = Sink::default();
        let error = fetch(&bench, &files[..1], &sink).await.unwrap_err();
        let text = message(&error, &bench.server);
        assert!(text.contains(expected), "{text}");
        assert!(sink.0.files.lock().unwrap().is_empty());
        bench.asked().len()
    };
    let url = "`http://mirror/debian/pool/main/a_1.0+x~1_amd64.deb`";
    let keep = |_: &mut PackageFile| {};
    assert_eq!(check(Some(Fault::Corrupt), keep, &format!("{url} has digest `sha256:")).await, 1);
    check(Some(Fault::Append(vec![0; 9])), keep, &format!("{url} has ")).await;
    let status = Fault::Status { code: 403, times: 9, retry_after: None };
    assert_eq!(check(Some(status), keep, &format!("{url} answers with status 403")).await, 1);
    let truncate = Fault::Truncate { after: 50, times: 9 };
    assert_eq!(check(Some(truncate), keep, "broke off").await, 3);
    assert_eq!(check(Some(Fault::Silence), keep, "cannot be reached").await, 3);
    check(None, |file| file.size += 1, "were announced").await;
    check(
        None,
        |file| file.size = u64::MAX,
        "is announced with 18446744073709551615 bytes, which is more than",
    )
    .await;
    check(None, |file| file.path = "pool/../x".to_owned(), "`pool/../x` is not a path below an archive")
        .await;
    check(None, |file| file.path = "pool/none".to_owned(), "answers with status 404").await;
    check(None, |file| file.uri = "distribution:ubuntu".to_owned(), "it is not known where").await;
}

#[tokio::test]
async fn a_sink_that_refuses_ends_the_fetch() {
    let (bench, files) = bench();
    let sink = Sink(Arc::new(Memory { is_full: true, ..Memory::default() }));
    let error = fetch(&bench, &files, &sink).await.unwrap_err();
    let text = message(&error, &bench.server);
    assert!(text.starts_with("package from `http://mirror/debian/pool/main/"), "{text}");
    assert!(text.ends_with("cannot be stored: no space"), "{text}");
}
