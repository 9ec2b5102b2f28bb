//! Copies of records, and what is not one.

use std::io;

use temper_oci::Digest;
use tempfile::TempDir;

use super::{AT, REPOSITORY, add_blob, fresh_records, manifest, named, publish, referrer, size_of};
use crate::records::{Database, NewJob, PortableError, Records};

fn elsewhere(folder: &TempDir) -> Database {
    temper_testkit::database::url(folder.path()).parse().expect("is a database")
}

async fn export(records: &Records) -> Vec<String> {
    let mut lines = Vec::new();
    let write = |line: &str| -> io::Result<()> {
        lines.push(line.trim_end().to_owned());
        Ok(())
    };
    let rows = records.export(write).await.expect("exports");
    assert_eq!(lines.len() as u64, rows + 2);
    lines
}

async fn import(database: &Database, lines: &[String]) -> Result<Records, PortableError> {
    Records::import(database, lines.iter().cloned().map(Ok)).await
}

#[tokio::test]
async fn a_copy_is_equal_and_goes_on() {
    let (_folder, records) = fresh_records().await;
    let repositories = records.repositories();
    add_blob(&repositories, REPOSITORY, "layer", "one", AT).await;
    let mut image = manifest("image\u{0}\u{ff}");
    image.blobs = vec![named("layer")];
    let subject = image.record.digest;
    let attached = referrer("\"quoted\"\n", subject, "example/sbom");
    publish(&repositories, vec![image, attached], &[]).await;
    let job = NewJob {
        id: "1".to_owned(),
        kind: "build",
        subject: "t".to_owned(),
        payload: "{\"a\":1}".to_owned(),
        priority: -3,
        run_at: i64::MAX,
    };
    records.jobs().enqueue(&job, AT).await.expect("enqueues");
    let lines = export(&records).await;

    let folder = TempDir::new().expect("makes a folder");
    let database = elsewhere(&folder);
    let copy = import(&database, &lines).await.expect("imports");
    let mut again = export(&copy).await;
    let mut sorted = lines.clone();
    again.sort();
    sorted.sort();
    assert_eq!(again, sorted);
    let copied = copy.repositories();
    assert_eq!(size_of(&copied, REPOSITORY, "layer").await, Some(5));
    assert!(copied.read_manifest(REPOSITORY, subject).await.expect("reads").is_some());
    // Numbers that the database gives go on.
    add_blob(&copied, "acme/other", "more", "two", AT).await;
    assert_eq!(copied.list(None, 9).await.expect("lists"), ["acme/other", REPOSITORY]);
    let twice = import(&database, &lines).await.expect_err("is not empty");
    assert!(matches!(twice, PortableError::NotEmpty(_)), "{twice:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_of_one_moment() {
    let (_folder, records) = fresh_records().await;
    let repositories = records.repositories();
    publish(&repositories, vec![manifest("a")], &[("1", "a")]).await;
    let (mut lines, runtime) = (Vec::new(), tokio::runtime::Handle::current());
    let write = |line: &str| -> io::Result<()> {
        if lines.len() == 1 {
            // While the rows are read, somebody pushes.
            let repositories = repositories.clone();
            let pushed = std::thread::scope(|scope| {
                let push = || runtime.block_on(publish(&repositories, vec![manifest("b")], &[("1", "b")]));
                scope.spawn(push).join()
            });
            pushed.expect("pushes");
        }
        lines.push(line.to_owned());
        Ok(())
    };
    records.export(write).await.expect("exports");
    let text = lines.concat();
    assert!(text.contains(&Digest::of("a").to_string()));
    assert!(!text.contains(&Digest::of("b").to_string()), "{text}");
}

#[tokio::test]
async fn what_is_no_whole_copy_is_refused() {
    let (_folder, records) = fresh_records().await;
    publish(&records.repositories(), vec![manifest("a")], &[("1", "a")]).await;
    let lines = export(&records).await;
    let last = lines.len() - 1;
    let with = |index: usize, text: &str| {
        let mut lines = lines.clone();
        text.clone_into(&mut lines[index]);
        lines
    };
    for (lines, expected) in [
        (vec![], "it ends in the middle, after 0 rows"),
        (lines[..last].to_vec(), "it ends in the middle"),
        ([&lines[..2], &lines[last..]].concat(), "it ends in the middle, after 1 rows"),
        (with(0, "{}"), "line 1 is not a row"),
        (with(0, r#"{"format":1,"schema":99999}"#), "its schema is 99999"),
        (with(1, "x"), "line 2 is not a row"),
        (with(1, r#"{"table":"sqlite_master","row":{"id":1}}"#), "line 2 is not a row"),
        (with(1, r#"{"table":"settings","row":{"name) --":"x"}}"#), "line 2 is not a row"),
        (with(1, r#"{"table":"settings","row":{"name":[1]}}"#), "line 2 is not a row"),
    ] {
        let folder = TempDir::new().expect("makes a folder");
        let error = import(&elsewhere(&folder), &lines).await.expect_err("is refused");
        assert!(error.to_string().starts_with(expected), "{error} is not {expected}");
    }
}

#[tokio::test]
async fn an_older_copy_is_brought_up_to_date() {
    let lines = [
        r#"{"format":1,"schema":1}"#,
        r#"{"table":"repositories","row":{"id":7,"name":"acme/python","created_at":1}}"#,
        r#"{"table":"uploads","row":{"id":"u","repository":"acme/python","touched_at":5}}"#,
        r#"{"rows":2}"#,
    ];
    let folder = TempDir::new().expect("makes a folder");
    let records = import(&elsewhere(&folder), &lines.map(str::to_owned)).await.expect("imports");
    assert_eq!(records.repositories().list(None, 9).await.expect("lists"), [REPOSITORY]);
    assert!(records.repositories().touch_upload("u", 3, AT).await.expect("has the new column"));
    add_blob(&records.repositories(), "acme/other", "more", "two", AT).await;
}
