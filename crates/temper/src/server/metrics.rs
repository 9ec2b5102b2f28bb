//! `/metrics`: what this server did and what waits, as [Prometheus] reads it.
//!
//! [Prometheus]: https://prometheus.io/docs/instrumenting/exposition_formats/

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::Context as _;
use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use temper_store::records::Jobs;

use crate::embedded;

/// Seconds up to which requests and jobs are counted together.
const SECONDS: [f64; 14] =
    [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0, 600.0, 3600.0];

/// The form that Prometheus reads.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Headers of a proxy: who comes through one is not of this machine.
const FORWARDED: [&str; 2] = ["x-forwarded-for", "forwarded"];

/// What is counted; clones share one state.
#[derive(Clone)]
pub(crate) struct Metrics {
    handle: PrometheusHandle,
    jobs: Jobs,
}

impl Metrics {
    /// Counts from now on; once in a process.
    pub(crate) fn install(jobs: Jobs) -> Result<Self, anyhow::Error> {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .context("the buckets of times are wrong")?
            .build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| anyhow::anyhow!("metrics are counted already"))?;
        describe();
        gauge!("temper_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        Ok(Self { handle, jobs })
    }

    /// Returns the router of `/metrics` for programs of this machine.
    pub(crate) fn local_router(&self) -> Router {
        Router::new().route("/metrics", get(answer_local)).with_state(self.clone())
    }

    /// Returns the router of `/metrics` for everybody who reaches it.
    pub(crate) fn router(&self) -> Router {
        Router::new().route("/metrics", get(answer)).with_state(self.clone())
    }

    async fn text(&self) -> String {
        match self.jobs.count().await {
            Ok(counts) => {
                let now = embedded::now();
                // What is no longer counted is none.
                for state in ["waiting", "running", "failed"] {
                    for kind in counts.iter().map(|count| &count.kind) {
                        gauge!("temper_jobs", "kind" => kind.clone(), "state" => state).set(0.0);
                    }
                }
                for count in counts {
                    let (kind, state) = (count.kind, count.state);
                    if state == "waiting" {
                        let late = now.saturating_sub(count.oldest).max(0) as f64 / 1e6;
                        gauge!("temper_job_late_seconds", "kind" => kind.clone()).set(late);
                    }
                    gauge!("temper_jobs", "kind" => kind, "state" => state).set(count.count as f64);
                }
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "jobs cannot be counted");
            }
        }
        self.handle.run_upkeep();
        self.handle.render()
    }
}

fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_gauge!("temper_build_info", "The version that runs");
    describe_counter!("temper_requests_total", "Requests that were answered");
    describe_histogram!("temper_request_seconds", "Time from a request to the head of its answer");
    describe_gauge!("temper_jobs", "Jobs by kind and state, of all servers over the database");
    describe_gauge!(
        "temper_job_late_seconds",
        "Since when the oldest waiting job of a kind could have been taken"
    );
    describe_counter!("temper_jobs_ended_total", "Attempts at jobs that ended here, by outcome");
    describe_histogram!("temper_job_seconds", "Time of attempts at jobs");
}

async fn answer(State(metrics): State<Metrics>) -> Response {
    ([(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, "no-store")], metrics.text().await)
        .into_response()
}

async fn answer_local(
    State(metrics): State<Metrics>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    if is_local(peer, &headers) {
        answer(State(metrics)).await
    } else {
        let hint =
            "metrics are for programs of this machine; `--metrics-listen` opens an address for others\n";
        (StatusCode::FORBIDDEN, hint).into_response()
    }
}

fn is_local(peer: SocketAddr, headers: &HeaderMap) -> bool {
    peer.ip().to_canonical().is_loopback() && FORWARDED.iter().all(|name| !headers.contains_key(*name))
}

/// Counts the requests of a router.
pub(crate) fn count(router: Router) -> Router {
    router.layer(middleware::from_fn(async |request: Request, next: Next| {
        let (door, method) = (door(request.uri().path()), method(request.method().as_str()));
        let start = Instant::now();
        let response = next.run(request).await;
        let status = response.status().as_u16().to_string();
        counter!("temper_requests_total", "door" => door, "method" => method, "status" => status)
            .increment(1);
        histogram!("temper_request_seconds", "door" => door, "method" => method)
            .record(start.elapsed().as_secs_f64());
        response
    }))
}

/// Names the door by the beginning of a path: there are few, whatever clients ask for.
fn door(path: &str) -> &'static str {
    match path.split('/').nth(1) {
        Some("v2") => "registry",
        Some("token") => "token",
        Some("api") => "api",
        Some("keyring") => "keyring",
        Some("healthz" | "readyz" | "metrics") => "operation",
        _ => "other",
    }
}

/// Names a method, of which clients may make up any.
fn method(name: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == name).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_few_whatever_is_asked_for() {
        for (path, expected) in [
            ("/v2/", "registry"),
            ("/v2/acme/python/tags/list", "registry"),
            ("/token", "token"),
            ("/api/v1/organizations", "api"),
            ("/readyz", "operation"),
            ("/", "other"),
            ("/v2x", "other"),
        ] {
            assert_eq!(door(path), expected, "{path}");
        }
        assert_eq!((method("PATCH"), method("BREW")), ("PATCH", "other"));
    }

    #[test]
    fn who_comes_through_a_proxy_is_not_of_this_machine() {
        let peer = |text: &str| text.parse::<SocketAddr>().expect("is an address");
        let mut headers = HeaderMap::new();
        assert!(is_local(peer("127.0.0.1:1"), &headers) && is_local(peer("[::ffff:127.0.0.1]:1"), &headers));
        assert!(!is_local(peer("10.0.0.1:1"), &headers));
        headers.insert("x-forwarded-for", axum::http::HeaderValue::from_static("10.0.0.1"));
        assert!(!is_local(peer("127.0.0.1:1"), &headers));
    }
}
