//! Workers over a queue of their own.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use temper_store::records::{NewJob, Records};
use tempfile::TempDir;

use super::*;

const AT: Micros = 1_700_000_000_000_000;
const KINDS: [&str; 1] = ["work"];

/// A queue, and a clock that stands still until it is moved.
struct Fixture {
    _folder: TempDir,
    queue: Queue,
    clock: Arc<AtomicI64>,
}

impl Fixture {
    async fn new() -> Self {
        let folder = TempDir::new().expect("makes a folder");
        let url = temper_testkit::database::url(folder.path());
        let records = Records::connect(&url.parse().expect("is a database")).await.expect("opens");
        let (clock, number) = (Arc::new(AtomicI64::new(AT)), AtomicI64::new(0));
        let now = Arc::clone(&clock);
        let random = move || u128::from(number.fetch_add(1, Ordering::Relaxed).cast_unsigned()).to_le_bytes();
        let queue = Queue::new(&records, Arc::new(move || now.load(Ordering::Relaxed)), Arc::new(random));
        Self { _folder: folder, queue, clock }
    }

    async fn add(&self, subject: &str) -> String {
        let job = NewJob {
            id: self.queue.new_id(),
            kind: "work",
            subject: subject.to_owned(),
            payload: "{}".to_owned(),
            priority: 0,
            run_at: self.queue.now(),
        };
        self.queue.jobs().enqueue(&job, self.queue.now()).await.expect("enqueues").id
    }

    fn worker(&self, handler: impl Handler + 'static) -> Worker {
        Worker::new(self.queue.clone(), vec![Arc::new(handler)], WorkerOptions::default())
    }

    async fn states(&self) -> Vec<(String, u64)> {
        let counts = self.queue.jobs().count().await.expect("counts");
        counts.into_iter().map(|count| (count.state, count.count)).collect()
    }

    fn wait(&self, time: Duration) {
        self.clock.fetch_add(micros(time), Ordering::Relaxed);
    }
}

/// Ends every attempt as it is told.
struct Ending(Mutex<Vec<Outcome>>);

impl Handler for Ending {
    fn kinds(&self) -> &'static [&'static str] {
        &KINDS
    }

    fn run<'a>(&'a self, _: &'a Job, _: &'a Lease) -> HandlerFuture<'a> {
        let outcome = self.0.lock().expect("locks").remove(0);
        Box::pin(async move {
            assert_ne!(outcome, Outcome::Failed { error: "panic".to_owned() });
            outcome
        })
    }
}

fn running() -> (watch::Sender<bool>, watch::Receiver<bool>) {
    watch::channel(false)
}

#[tokio::test]
async fn attempts_follow_each_other_later_and_later() {
    let fixture = Fixture::new().await;
    let retry = || Outcome::Retry { error: "503".to_owned() };
    let at = AT + micros(Duration::from_hours(2));
    let outcomes = vec![
        retry(),
        Outcome::Failed { error: "panic".to_owned() },
        Outcome::RetryAt { error: "429".to_owned(), at },
        Outcome::Failed { error: "wrong".to_owned() },
    ];
    let worker = fixture.worker(Ending(Mutex::new(outcomes)));
    let (_sender, stop) = running();
    fixture.add("t").await;
    for (wait, has_job) in
        [(0, true), (29, false), (1, true), (59, false), (1, true), (7_109, false), (1, true)]
    {
        fixture.wait(Duration::from_secs(wait));
        assert_eq!(worker.turn(&stop).await.expect("asks"), has_job, "after {wait} s more");
    }
    assert_eq!(fixture.states().await, [("failed".to_owned(), 1)]);
}

#[test]
fn delays_double_up_to_an_hour() {
    let options = WorkerOptions::default();
    let delays: Vec<u64> = (1..=9).map(|attempts| options.retry_delay(attempts).as_secs()).collect();
    assert_eq!(delays, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
    assert_eq!(options.retry_delay(u32::MAX).as_secs(), 3600);
}

/// Lets others take the job while it runs.
struct Slow {
    queue: Queue,
    clock: Arc<AtomicI64>,
    told: Arc<Mutex<Vec<bool>>>,
}

impl Handler for Slow {
    fn kinds(&self) -> &'static [&'static str] {
        &KINDS
    }

    fn run<'a>(&'a self, _: &'a Job, lease: &'a Lease) -> HandlerFuture<'a> {
        Box::pin(async move {
            let tell = |is_so| self.told.lock().expect("locks").push(is_so);
            tell(lease.confirm().await);
            let now = self.clock.fetch_add(micros(Duration::from_mins(2)), Ordering::Relaxed);
            tell(lease.is_lost());
            let later = now + micros(Duration::from_mins(2));
            let taken = self.queue.jobs().take(&KINDS, "other", later, later + 1).await;
            assert!(taken.expect("asks").is_some(), "the lease has passed");
            tell(lease.confirm().await);
            Outcome::Done
        })
    }
}

#[tokio::test]
async fn who_lost_the_lease_ends_nothing() {
    let fixture = Fixture::new().await;
    let told = Arc::default();
    let slow =
        Slow { queue: fixture.queue.clone(), clock: Arc::clone(&fixture.clock), told: Arc::clone(&told) };
    fixture.add("t").await;
    let (_sender, stop) = running();
    assert!(fixture.worker(slow).turn(&stop).await.expect("asks"));
    assert_eq!(*told.lock().expect("locks"), [true, true, false]);
    assert_eq!(fixture.states().await, [("running".to_owned(), 1)], "it is the other's");
}

/// Tells that it began, and never ends by itself.
struct Endless(tokio::sync::mpsc::Sender<String>);

impl Handler for Endless {
    fn kinds(&self) -> &'static [&'static str] {
        &KINDS
    }

    fn run<'a>(&'a self, job: &'a Job, _: &'a Lease) -> HandlerFuture<'a> {
        Box::pin(async move {
            self.0.send(job.subject.clone()).await.expect("is heard");
            std::future::pending().await
        })
    }
}

#[tokio::test]
async fn an_end_gives_back_what_runs() {
    let fixture = Fixture::new().await;
    let (began, mut begins) = tokio::sync::mpsc::channel(8);
    let options = WorkerOptions { drain: Duration::ZERO, ..WorkerOptions::default() };
    let worker = Worker::new(fixture.queue.clone(), vec![Arc::new(Endless(began))], options);
    let (sender, stop) = running();
    let working = tokio::spawn(async move { worker.run(stop).await });
    for subject in ["a", "b", "c"] {
        fixture.add(subject).await;
        fixture.queue.wake();
    }
    for _ in 0..2 {
        begins.recv().await.expect("begins");
    }
    sender.send_replace(true);
    working.await.expect("ends");
    assert_eq!(fixture.states().await, [("waiting".to_owned(), 3)]);
    let job = fixture.queue.jobs().take(&KINDS, "x", AT, AT + 1).await.expect("asks").expect("waits");
    assert_eq!(job.attempts, 1, "what was given back was no attempt");
}

#[tokio::test]
async fn ids_sort_by_time() {
    let fixture = Fixture::new().await;
    let first = fixture.queue.new_id();
    fixture.wait(Duration::from_millis(1));
    let second = fixture.queue.new_id();
    assert!(first < second, "{first} {second}");
    assert_eq!((first.len(), first.as_bytes()[14]), (36, b'7'));
}
