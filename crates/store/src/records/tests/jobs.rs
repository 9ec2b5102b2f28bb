//! The queue: whose turn it is, and who may say so.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{AT, fresh_records};
use crate::records::{Job, Jobs, NewJob};

const KINDS: [&str; 2] = ["check", "build"];

fn job(id: &str, kind: &'static str, subject: &str) -> NewJob {
    let (id, subject) = (id.to_owned(), subject.to_owned());
    NewJob { payload: format!("{{\"job\":\"{id}\"}}"), id, kind, subject, priority: 0, run_at: AT }
}

async fn add(jobs: &Jobs, job: &NewJob) -> String {
    jobs.enqueue(job, AT).await.expect("enqueues").id
}

async fn take(jobs: &Jobs, owner: &str, now: i64) -> Option<Job> {
    jobs.take(&KINDS, owner, now, now + 60).await.expect("takes")
}

async fn take_id(jobs: &Jobs, owner: &str, now: i64) -> Option<String> {
    take(jobs, owner, now).await.map(|job| job.id)
}

#[tokio::test]
async fn bursts_become_one_job() {
    let (_folder, records) = fresh_records().await;
    let jobs = records.jobs();
    add(&jobs, &NewJob { run_at: AT + 10, ..job("1", "build", "t") }).await;
    let second = NewJob { priority: 5, run_at: AT + 20, ..job("2", "build", "t") };
    let joined = jobs.enqueue(&second, AT).await.expect("enqueues");
    assert_eq!((joined.id.as_str(), joined.waiting.as_deref()), ("1", Some("{\"job\":\"1\"}")));
    assert_eq!(add(&jobs, &NewJob { run_at: AT + 5, ..job("3", "build", "t") }).await, "1");
    assert_eq!(add(&jobs, &job("4", "check", "t")).await, "4", "another kind waits by itself");
    assert_eq!(take_id(&jobs, "a", AT).await.as_deref(), Some("4"), "the other is not due");
    assert!(jobs.finish("4", "a").await.expect("finishes"));
    let taken = take(&jobs, "a", AT + 5).await.expect("is due at the earliest time of all");
    assert_eq!((taken.id.as_str(), taken.priority, taken.attempts), ("1", 5, 1));
    // What comes while it runs is another job.
    assert_eq!(add(&jobs, &job("5", "build", "t")).await, "5");
    assert!(!jobs.replace_payload("1", "[1]").await.expect("asks"), "it runs");
    assert!(jobs.replace_payload("5", "[5]").await.expect("asks"));
    assert_eq!(jobs.remove_waiting("build", "t").await.expect("removes"), ["[5]"]);
    assert_eq!(jobs.remove_waiting("check", "t").await.expect("removes"), [""; 0]);
}

#[tokio::test]
async fn the_highest_priority_goes_first_then_the_longest_wait() {
    let (_folder, records) = fresh_records().await;
    let jobs = records.jobs();
    for (id, priority, run_at) in
        [("1", 0, AT + 2), ("2", 0, AT + 1), ("3", 9, AT + 3), ("4", 9, AT + 99), ("5", -1, AT)]
    {
        add(&jobs, &NewJob { priority, run_at, ..job(id, "build", id) }).await;
    }
    let mut order = Vec::new();
    while let Some(id) = take_id(&jobs, "a", AT + 3).await {
        order.push(id);
    }
    assert_eq!(order, ["3", "2", "1", "5"]);
    assert!(jobs.take(&[], "a", AT + 99, AT + 100).await.expect("looks").is_none());
    assert!(jobs.take(&["check"], "a", AT + 99, AT + 100).await.expect("looks").is_none());
}

#[tokio::test]
async fn a_subject_has_one_running_job() {
    let (_folder, records) = fresh_records().await;
    let jobs = records.jobs();
    for (id, kind) in [("1", "build"), ("2", "check")] {
        add(&jobs, &job(id, kind, "t")).await;
    }
    assert_eq!(take_id(&jobs, "a", AT).await.as_deref(), Some("1"));
    assert_eq!(take_id(&jobs, "b", AT).await, None);
    assert!(jobs.finish("1", "a").await.expect("finishes"));
    assert_eq!(take_id(&jobs, "b", AT).await.as_deref(), Some("2"));
}

#[tokio::test]
async fn who_lost_the_lease_can_do_nothing() {
    let (_folder, records) = fresh_records().await;
    let jobs = records.jobs();
    add(&jobs, &job("1", "build", "t")).await;
    take(&jobs, "a", AT).await.expect("takes");
    assert!(jobs.heartbeat("1", "a", AT + 100).await.expect("renews"));
    assert_eq!(take_id(&jobs, "b", AT + 99).await, None);
    let again = take(&jobs, "b", AT + 100).await.expect("takes what its owner gave no sign of");
    assert_eq!((again.id.as_str(), again.attempts), ("1", 2));
    assert!(jobs.holds("1", "b").await.expect("asks") && !jobs.holds("1", "a").await.expect("asks"));
    assert!(!jobs.heartbeat("1", "a", AT + 900).await.expect("asks"));
    assert!(!jobs.finish("1", "a").await.expect("asks"));
    assert!(!jobs.retry("1", "a", AT, "late").await.expect("asks"));
    assert!(!jobs.fail("1", "a", "late", AT).await.expect("asks"));
    assert!(!jobs.give_back("1", "a").await.expect("asks"));
    assert!(jobs.finish("1", "b").await.expect("finishes"));
    assert!(!jobs.finish("1", "b").await.expect("asks"), "it is gone");
}

#[tokio::test]
async fn attempts_wait_and_failures_stay_a_while() {
    let (_folder, records) = fresh_records().await;
    let jobs = records.jobs();
    add(&jobs, &job("1", "build", "t")).await;
    take(&jobs, "a", AT).await.expect("takes");
    add(&jobs, &job("2", "build", "t")).await;
    assert!(jobs.retry("1", "a", AT + 30, "503").await.expect("retries"));
    // Neither is lost: both have a payload of their own.
    assert_eq!(take_id(&jobs, "a", AT + 29).await.as_deref(), Some("2"));
    assert!(jobs.give_back("2", "a").await.expect("gives back"));
    let given = take(&jobs, "a", AT + 29).await.expect("takes");
    assert_eq!((given.id.as_str(), given.attempts), ("2", 1));
    assert!(jobs.fail("2", "a", "the document is wrong", AT + 30).await.expect("fails"));
    let again = take(&jobs, "a", AT + 30).await.expect("takes");
    assert_eq!((again.id.as_str(), again.attempts), ("1", 2));
    let counts = async || -> Vec<_> {
        let counts = jobs.count().await.expect("counts");
        counts.into_iter().map(|count| (count.kind, count.state, count.count)).collect()
    };
    let of = |state: &str| ("build".to_owned(), state.to_owned(), 1);
    assert_eq!(counts().await, [of("failed"), of("running")]);
    jobs.forget_failed(AT + 31).await.expect("forgets");
    assert_eq!(counts().await, [of("running")]);
}

#[tokio::test]
async fn workers_at_once_take_each_job_once() {
    let (_folder, records) = fresh_records().await;
    let jobs = records.jobs();
    for number in 0..40_u32 {
        let id = format!("{number:02}");
        add(&jobs, &job(&id, "build", &format!("t{}", number % 30))).await;
    }
    let workers = (0..4).map(|worker| {
        let jobs = jobs.clone();
        tokio::spawn(async move {
            let (owner, mut done) = (format!("w{worker}"), Vec::new());
            while let Some(job) = take(&jobs, &owner, AT).await {
                assert!(jobs.finish(&job.id, &owner).await.expect("finishes"));
                done.push(job.id);
            }
            done
        })
    });
    let mut done = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        done.extend(worker.await.expect("ends"));
    }
    assert_eq!(done.len(), 30, "jobs of one subject were joined");
    assert_eq!(done.iter().collect::<BTreeSet<_>>().len(), 30);
}

/// What somebody does with the queue.
#[derive(Clone, Debug)]
enum Step {
    Add { subject: u8, kind: usize, priority: i64, delay: i64 },
    Take { owner: u8 },
    Beat { owner: u8 },
    Finish { owner: u8 },
    Retry { owner: u8, delay: i64 },
    GiveBack { owner: u8 },
    Wait { time: i64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let owner = || 0..3_u8;
    let step = prop_oneof![
        3 => (0..4_u8, 0..2_usize, -1..2_i64, 0..50_i64)
            .prop_map(|(subject, kind, priority, delay)| Step::Add { subject, kind, priority, delay }),
        4 => owner().prop_map(|owner| Step::Take { owner }),
        1 => owner().prop_map(|owner| Step::Beat { owner }),
        2 => owner().prop_map(|owner| Step::Finish { owner }),
        1 => (owner(), 0..50_i64).prop_map(|(owner, delay)| Step::Retry { owner, delay }),
        1 => owner().prop_map(|owner| Step::GiveBack { owner }),
        2 => (0..60_i64).prop_map(|time| Step::Wait { time }),
    ];
    proptest::collection::vec(step, 1..40)
}

/// Who believes to run which job, and until when that is true.
type Held = BTreeMap<u8, (Job, i64)>;

async fn walk(jobs: &Jobs, steps: Vec<Step>) {
    let (mut now, mut held, mut number) = (AT, Held::new(), 0);
    let (mut added, mut finished) = (BTreeSet::new(), BTreeSet::new());
    for step in steps {
        match step {
            Step::Add { subject, kind, priority, delay } => {
                number += 1;
                let new = NewJob {
                    priority,
                    run_at: now + delay,
                    ..job(&format!("{number:03}"), KINDS[kind], &format!("t{subject}"))
                };
                added.insert(jobs.enqueue(&new, now).await.expect("enqueues").id);
            }
            Step::Take { owner } if !held.contains_key(&owner) => {
                let taken = jobs.take(&KINDS, &owner.to_string(), now, now + 40).await.expect("takes");
                let Some(taken) = taken else { continue };
                assert!(!finished.contains(&taken.id), "what is done is done");
                for (job, until) in held.values() {
                    assert!(job.subject != taken.subject || *until <= now, "{job:?} runs, {taken:?} too");
                }
                held.insert(owner, (taken, now + 40));
            }
            Step::Beat { owner } => {
                let Some((job, until)) = held.get_mut(&owner) else { continue };
                let kept = jobs.heartbeat(&job.id, &owner.to_string(), now + 40).await.expect("asks");
                assert!(kept || *until <= now, "a lease that has not passed is kept");
                if kept { *until = now + 40 } else { drop(held.remove(&owner)) }
            }
            Step::Finish { owner } => {
                let Some((job, until)) = held.remove(&owner) else { continue };
                let kept = jobs.finish(&job.id, &owner.to_string()).await.expect("asks");
                assert!(kept || until <= now);
                assert!(!kept || finished.insert(job.id), "a job ends once");
            }
            Step::Retry { owner, delay } => {
                let Some((job, until)) = held.remove(&owner) else { continue };
                let kept = jobs.retry(&job.id, &owner.to_string(), now + delay, "").await.expect("asks");
                assert!(kept || until <= now);
            }
            Step::GiveBack { owner } => {
                let Some((job, until)) = held.remove(&owner) else { continue };
                let kept = jobs.give_back(&job.id, &owner.to_string()).await.expect("asks");
                assert!(kept || until <= now);
            }
            Step::Wait { time } => now += time,
            Step::Take { .. } => {}
        }
    }
    // Whatever happened, one worker ends it all.
    now += 1_000;
    while let Some(job) = take(jobs, "last", now).await {
        assert!(jobs.finish(&job.id, "last").await.expect("finishes"));
        assert!(finished.insert(job.id), "a job ends once");
    }
    assert_eq!(finished, added, "no job is lost");
}

#[test]
fn no_order_of_events_loses_a_job_or_runs_it_twice() {
    let runtime = tokio::runtime::Runtime::new().expect("starts");
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let (_folder, records) = runtime.block_on(fresh_records());
    let jobs = records.jobs();
    let walked = runner.run(&steps(), |steps| {
        runtime.block_on(walk(&jobs, steps));
        Ok(())
    });
    walked.expect("holds");
}
