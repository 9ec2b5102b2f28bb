//! Where clients see this server, and where they come from: the public address, and proxies in front.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use axum::middleware::{self, Next};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Addresses that are read of `X-Forwarded-For`: no chain of proxies is longer.
const FORWARDED_MAX: usize = 32;

/// The address by which clients know a server, `https://registry.example.org`: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

/// Why a text is not a public address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParsePublicUrlError {
    /// It is not an address of the web.
    #[error("`{0}` is not of the form `https://HOST[:PORT]`")]
    Form(String),
    /// Clients of registries know no paths before `/v2/`.
    #[error("`{0}` has a path, under which no client looks for a registry")]
    Path(String),
}

impl FromStr for PublicUrl {
    type Err = ParsePublicUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || ParsePublicUrlError::Form(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| form())?;
        let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme)).ok_or_else(form)?;
        let host = uri.authority().and_then(|authority| host(authority.as_str())).ok_or_else(form)?;
        if uri.query().is_some() || text.contains('#') {
            return Err(form());
        }
        if !["", "/"].contains(&uri.path()) {
            return Err(ParsePublicUrlError::Path(text.to_owned()));
        }
        Ok(Self(format!("{scheme}://{host}")))
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PublicUrl {
    /// Returns host and port, with which references to images begin.
    pub fn authority(&self) -> &str {
        authority(&self.0)
    }

    /// Says whether clients use TLS.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }
}

/// What stands between clients and the server.
#[derive(Clone, Debug, Default)]
pub struct Frontage {
    /// Where clients see the server, whatever they say; without it, what they say is repeated to them.
    pub public_url: Option<PublicUrl>,
    /// Proxies whose word on clients is taken: `X-Forwarded-For`, `-Proto` and `-Host`.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether the server itself speaks TLS.
    pub is_tls: bool,
}

/// Who comes, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// The client's address; absent where it is not known.
    pub peer: Option<IpAddr>,
    /// Whether a program of this machine asks this machine, as `Frontage` decides.
    pub is_local: bool,
    /// Where the client sees this server, without a slash at the end.
    pub origin: String,
}

impl Visitor {
    /// Returns what [`Frontage::layer`] found out, or what is seen without a frontage.
    pub fn of(request: &Request) -> Self {
        request.extensions().get().cloned().unwrap_or_else(|| Frontage::default().visitor(request))
    }
}

impl Frontage {
    /// Lets every request of a router be seen through this.
    pub fn layer(self, router: Router) -> Router {
        router.layer(middleware::from_fn(move |mut request: Request, next: Next| {
            let visitor = self.visitor(&request);
            request.extensions_mut().insert(visitor);
            next.run(request)
        }))
    }

    fn visitor(&self, request: &Request) -> Visitor {
        let peer =
            request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
        let headers = request.headers();
        let is_trusted = peer.is_some_and(|peer| self.trusts(peer));
        Visitor {
            peer: self.client(peer, headers),
            is_local: self.is_local(peer, request.uri(), headers),
            origin: self.origin(is_trusted, request.uri(), headers),
        }
    }

    /// Says whether a program of this machine asks this machine.
    ///
    /// Only the socket tells that, never what a proxy says. A browser here asks for every page that it shows, also
    /// from elsewhere: then the host is one that the page's owner had resolved to this machine, or the origin is
    /// not this server.
    fn is_local(&self, peer: Option<IpAddr>, uri: &Uri, headers: &HeaderMap) -> bool {
        let is_direct = peer.is_some_and(|peer| peer.is_loopback() && !self.trusts(peer))
            && !headers.contains_key(FORWARDED_FOR)
            && !headers.contains_key(header::FORWARDED);
        let text = |value: &HeaderValue| value.to_str().unwrap_or("?").to_owned();
        let hosts: Vec<_> = headers.get_all(header::HOST).iter().map(text).collect();
        let mut asked = hosts.iter().map(String::as_str).chain(uri.authority().map(Authority::as_str));
        let mut origins = headers.get_all(header::ORIGIN).iter().map(text);
        let is_own = |origin: &str| {
            origin.contains("://") && hosts.iter().any(|host| host.eq_ignore_ascii_case(authority(origin)))
        };
        is_direct
            && asked.all(|host| self.is_public(host) || is_here(host))
            && origins.all(|origin| self.is_public(authority(&origin)) || is_own(&origin))
    }

    fn is_public(&self, host: &str) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.authority().eq_ignore_ascii_case(host))
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|net| net.contains(&address))
    }

    /// Follows `X-Forwarded-For` back through proxies that are trusted.
    fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let mut client = peer?;
        if !self.trusts(client) {
            let is_forwarded = headers.contains_key(FORWARDED_FOR) || headers.contains_key(header::FORWARDED);
            // Somebody else's request, handed on by a program of this machine that nobody declared a proxy: what
            // this machine may do is not for them.
            return (!(is_forwarded && client.is_loopback())).then_some(client);
        }
        let lines = headers.get_all(FORWARDED_FOR).iter().rev();
        let hops = lines.flat_map(|line| line.to_str().unwrap_or("?").rsplit(',')).take(FORWARDED_MAX);
        for hop in hops {
            client = address(hop)?;
            if !self.trusts(client) {
                break;
            }
        }
        Some(client)
    }

    fn origin(&self, is_trusted: bool, uri: &Uri, headers: &HeaderMap) -> String {
        if let Some(PublicUrl(url)) = &self.public_url {
            return url.clone();
        }
        // The nearest proxy speaks last.
        let last =
            |name| headers.get_all(name).iter().next_back()?.to_str().ok()?.rsplit(',').next().map(str::trim);
        let forwarded = |name| is_trusted.then(|| last(name)).flatten();
        let scheme = forwarded(FORWARDED_PROTO).map(str::to_ascii_lowercase);
        let scheme = match scheme.as_deref() {
            Some("https") => "https",
            Some("http") => "http",
            _ if self.is_tls => "https",
            _ => "http",
        };
        let host = forwarded(FORWARDED_HOST)
            .and_then(host)
            .or_else(|| last(header::HOST).and_then(host))
            .or_else(|| uri.authority().and_then(|authority| host(authority.as_str())))
            .unwrap_or("localhost");
        format!("{scheme}://{host}")
    }
}

/// Returns host and port of an origin.
pub(crate) fn authority(origin: &str) -> &str {
    origin.split_once("://").map_or(origin, |(_, authority)| authority)
}

/// Takes a text that is a host with or without a port, and nothing that would end a quoted string.
fn host(text: &str) -> Option<&str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    let authority: Authority = text.parse().ok()?;
    (!authority.host().is_empty() && text.bytes().all(is_plain)).then_some(text)
}

/// Says whether a host with or without a port names this machine wherever it is resolved.
fn is_here(text: &str) -> bool {
    let Ok(authority) = text.parse::<Authority>() else { return false };
    let host = authority.host();
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Reads one address of `X-Forwarded-For`, where some proxies write a port, and brackets around IPv6.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port).or_else(bare).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests;
