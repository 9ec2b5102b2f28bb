//! The client of a server's API: every command about organizations, mirrors, customizations and builds goes through it.
//!
//! A path is given as its segments, so that no name in it can become another path. A failure comes out in the form of
//! local ones: message, hint, problems.

mod logins;

use std::time::Duration;

use anyhow::{Context, anyhow};
use reqwest::header::{CONTENT_TYPE, ETAG, IF_MATCH, LOCATION};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use temper_fetch::http::{self, HttpConfig};
use temper_web::{Listed, ProblemDetails};
use tokio::runtime::Handle;

pub(crate) use self::logins::{Login, Logins};
use crate::cli::{Global, ServerOptions};
use crate::config::Config;
use crate::failure::{Failure, Problem};
use crate::workspace;

/// Where the routes begin.
const ROOT: [&str; 2] = ["api", "v1"];

/// Items that are asked for at once.
const PAGE: &str = "200";

/// Longest silence of a server.
const SILENCE_MAX: Duration = Duration::from_mins(2);

/// Most bytes of an answer.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Speaks with one server.
pub(crate) struct Client {
    runtime: Handle,
    http: reqwest::Client,
    server: Url,
    token: Option<SecretString>,
}

/// What a server answered, with the version of the thing if it has one.
#[derive(Clone, Debug)]
pub(crate) struct Versioned<T> {
    /// The value of `If-Match` for an edit of it.
    pub(crate) version: Option<String>,
    /// The thing.
    pub(crate) document: T,
}

impl Client {
    /// Opens the server that options, environment or the last login name, as who has logged in there.
    pub(crate) fn open(
        global: &Global,
        options: &ServerOptions,
        runtime: &Handle,
    ) -> Result<Self, anyhow::Error> {
        let logins = Logins::read()?;
        let named = options.server.as_deref().map(server_url).transpose()?;
        let server = named.or_else(|| logins.current());
        let server = server.ok_or_else(|| {
            Failure::usage(anyhow!("no server is known"))
                .hint("`temper login URL` logs in to one; `--server URL` or `TEMPER_SERVER` names it")
        })?;
        let token = options.token.clone();
        let token = token.or_else(|| logins.find(&server).map(|login| login.token.clone()));
        Self::new(global, server, token, runtime)
    }

    /// Opens a server as who has the token, or as nobody in particular.
    pub(crate) fn new(
        global: &Global,
        server: Url,
        token: Option<SecretString>,
        runtime: &Handle,
    ) -> Result<Self, anyhow::Error> {
        let config = Config::read(global.config.as_deref())?;
        let http = http::client(&http_config(&config, &server)?)?;
        Ok(Self { runtime: runtime.clone(), http, server, token })
    }

    /// Reads a thing.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, anyhow::Error> {
        Ok(self.get_versioned(path)?.document)
    }

    /// Reads the thing that a query finds.
    pub(crate) fn get_with<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, anyhow::Error> {
        self.document(&self.send(self.request(Method::GET, path, query))?)
    }

    /// Puts a thing in the place of another, in the version that `version` names if it names one, and returns it.
    pub(crate) fn replace<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
        version: Option<&str>,
    ) -> Result<T, anyhow::Error> {
        let mut request = self.request(Method::PUT, path, &[]).json(body);
        if let Some(version) = version {
            request = request.header(IF_MATCH, version);
        }
        self.document(&self.send(request)?)
    }

    /// Reads an answer that goes on and on; `each` takes its pieces, and says whether it wants more.
    pub(crate) fn stream(
        &self,
        request: RequestBuilder,
        mut each: impl FnMut(&[u8]) -> Result<bool, anyhow::Error>,
    ) -> Result<(), anyhow::Error> {
        self.runtime.block_on(async {
            let mut response = self.open_stream(request).await?;
            let failed = || format!("the answer of `{}` broke off", self.server);
            while let Some(piece) = response.chunk().await.with_context(failed)? {
                if !each(&piece)? {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Reads a thing with its version.
    pub(crate) fn get_versioned<T: DeserializeOwned>(
        &self,
        path: &[&str],
    ) -> Result<Versioned<T>, anyhow::Error> {
        let answer = self.send(self.request(Method::GET, path, &[]))?;
        Ok(Versioned { version: answer.version.clone(), document: self.document(&answer)? })
    }

    /// Reads a list to its end, or to `limit` items.
    pub(crate) fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        limit: Option<usize>,
    ) -> Result<Vec<T>, anyhow::Error> {
        let (mut items, mut after) = (Vec::new(), None::<String>);
        loop {
            let mut query = [&[("limit", PAGE)], query].concat();
            query.extend(after.as_deref().map(|after| ("after", after)));
            let listed: Listed<T> = self.document(&self.send(self.request(Method::GET, path, &query))?)?;
            items.extend(listed.items);
            if let Some(limit) = limit.filter(|limit| items.len() >= *limit) {
                items.truncate(limit);
                return Ok(items);
            }
            match listed.next {
                // A server that repeats itself must not hold anybody for ever.
                Some(next) if after.as_ref() != Some(&next) => after = Some(next),
                _ => return Ok(items),
            }
        }
    }

    /// Makes a thing, and returns what the server says of it.
    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, anyhow::Error> {
        self.document(&self.send(self.request(Method::POST, path, &[]).json(body))?)
    }

    /// Changes a thing, in the version that `version` names if it names one, and returns it.
    pub(crate) fn patch<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
        version: Option<&str>,
    ) -> Result<T, anyhow::Error> {
        let mut request = self.request(Method::PATCH, path, &[]).json(body);
        if let Some(version) = version {
            request = request.header(IF_MATCH, version);
        }
        self.document(&self.send(request)?)
    }

    /// Puts a thing.
    pub(crate) fn put(&self, path: &[&str], body: &impl Serialize) -> Result<(), anyhow::Error> {
        self.send(self.request(Method::PUT, path, &[]).json(body)).map(drop)
    }

    /// Removes a thing.
    pub(crate) fn delete(&self, path: &[&str], query: &[(&str, &str)]) -> Result<(), anyhow::Error> {
        self.send(self.request(Method::DELETE, path, query)).map(drop)
    }

    /// Begins any other request.
    pub(crate) fn request(&self, method: Method, path: &[&str], query: &[(&str, &str)]) -> RequestBuilder {
        let mut url = self.server.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(ROOT).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    /// Sends a request and reads the whole answer; one that tells of a failure becomes the failure.
    pub(crate) fn send(&self, request: RequestBuilder) -> Result<Answer, anyhow::Error> {
        self.runtime.block_on(async {
            let response = self.open_stream(request).await?;
            Answer::read(response).await.with_context(|| format!("the answer of `{}` broke off", self.server))
        })
    }

    /// Sends a request and returns the answer unread, for those that go on and on.
    pub(crate) async fn open_stream(&self, request: RequestBuilder) -> Result<Response, anyhow::Error> {
        let sent = request.send().await;
        let response =
            sent.with_context(|| format!("server `{}` cannot be reached", self.server)).map_err(|error| {
                Failure::failed(error)
                    .hint("is it running, and is this its address? `--server URL` names another")
            })?;
        if response.status().is_success() {
            return Ok(response);
        }
        if response.status().is_redirection() {
            let place =
                response.headers().get(LOCATION).and_then(|place| place.to_str().ok()).unwrap_or("elsewhere");
            return Err(anyhow!("server `{}` says that it is at `{place}`", self.server));
        }
        let (status, is_problem) = (response.status(), is_problem(&response));
        let answer = Answer::read(response).await?;
        Err(refused(&self.server, status, is_problem.then_some(&*answer.bytes)).into())
    }

    fn document<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, anyhow::Error> {
        serde_json::from_slice(&answer.bytes)
            .with_context(|| format!("server `{}` answers something else than expected", self.server))
            .map_err(|error| Failure::failed(error).hint("is it a Temper server, of this version?").into())
    }
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) version: Option<String>,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    async fn read(mut response: Response) -> Result<Self, anyhow::Error> {
        let tag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok());
        let version = tag.map(str::to_owned);
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > ANSWER_BYTES_MAX {
                return Err(anyhow!("the answer has more than {ANSWER_BYTES_MAX} bytes"));
            }
        }
        Ok(Self { version, bytes })
    }
}

fn is_problem(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/problem+json"))
}

/// Returns the failure that an answer tells of.
fn refused(server: &Url, status: StatusCode, problem: Option<&[u8]>) -> Failure {
    let details = problem.and_then(|bytes| serde_json::from_slice::<ProblemDetails>(bytes).ok());
    let Some(details) = details else {
        let error = anyhow!("server `{server}` answers {}", status.as_u16());
        return Failure::failed(error)
            .hint("is it a Temper server? is it `--anonymous` or has `--accounts`?");
    };
    let problems: Vec<Problem> = details.problems.iter().map(Problem::from).collect();
    Failure::failed(anyhow!(details.detail)).hint_if(details.hint).problems(problems)
}

/// Reads the address of a server; one without a scheme is spoken to by TLS, unless it is this machine.
pub(crate) fn server_url(text: &str) -> Result<Url, anyhow::Error> {
    let scheme = if text.contains("://") {
        ""
    } else if is_here(text) {
        "http://"
    } else {
        "https://"
    };
    let wrong = |reason: String| {
        Failure::usage(anyhow!("`{text}` is no address of a server: {reason}"))
            .hint("write it as `https://registry.example.org`")
    };
    let url: Url = format!("{scheme}{text}").parse().map_err(|error| wrong(format!("{error}")))?;
    if !["http", "https"].contains(&url.scheme()) || url.host().is_none() {
        return Err(wrong("it begins with neither `https://` nor `http://`".to_owned()).into());
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err(wrong("it has more than host and port".to_owned()).into());
    }
    Ok(url)
}

fn is_here(text: &str) -> bool {
    let host =
        text.rsplit_once(':').map_or(text, |(host, port)| if port.contains(']') { text } else { host });
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

fn http_config(config: &Config, server: &Url) -> Result<HttpConfig, anyhow::Error> {
    let mut http = workspace::http_config(config)?;
    let host = server.host_str().unwrap_or_default();
    let authority = server.port().map_or(host.to_owned(), |port| format!("{host}:{port}"));
    if let Some(files) = config.registry_certificate_authorities.get(&authority) {
        http.root_certificates.extend(workspace::authorities(files)?);
    }
    // A token is for this server alone.
    Ok(HttpConfig { redirects_max: 0, read_timeout: SILENCE_MAX, ..http })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_servers_are_read() {
        for (text, expected) in [
            ("https://temper.example", "https://temper.example/"),
            ("temper.example:8443", "https://temper.example:8443/"),
            ("localhost:5080", "http://localhost:5080/"),
            ("127.0.0.1:5080", "http://127.0.0.1:5080/"),
            ("[::1]:5080", "http://[::1]:5080/"),
            ("http://10.0.0.1/", "http://10.0.0.1/"),
        ] {
            assert_eq!(server_url(text).expect(text).as_str(), expected, "{text}");
        }
        for wrong in ["", "ftp://a", "https://a/b", "https://a?b", "https://u@a", "https://"] {
            assert!(server_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_refusal_is_told_as_a_local_failure_is() {
        let server = server_url("localhost:1").expect("is an address");
        let problem = serde_json::json!({
            "type": "urn:temper:problem:invalid", "title": "Unprocessable Content", "status": 422,
            "detail": "the organization has problems", "hint": "look",
            "problems": [{"path": "name", "message": "`A` is not a name", "hint": "lower case"}],
        });
        let failure =
            refused(&server, StatusCode::UNPROCESSABLE_ENTITY, Some(problem.to_string().as_bytes()));
        let text = crate::failure::text(&failure.into());
        assert_eq!(
            text,
            "error: the organization has problems\n  `name`: `A` is not a name\n    hint: lower case\nhint: look\n"
        );
        let other = crate::failure::text(&refused(&server, StatusCode::BAD_GATEWAY, None).into());
        assert!(other.starts_with("error: server `http://localhost:1/` answers 502\n"), "{other}");
    }
}
