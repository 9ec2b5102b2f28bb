//! Telling addresses that users name: only where the network's own machines are out of reach.
//!
//! An address on the open network may lead to one of the server's own. So what a name resolves to is looked at where
//! the connection is made, and redirects are not followed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use crate::http::{HttpConfig, HttpError, display_url};

/// Longest time for a whole delivery.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why an address was not told.
#[derive(Debug, thiserror::Error)]
pub enum CourierError {
    /// It is no address that anything can be sent to.
    #[error("`{0}` is no address that begins with `https://` or `http://`")]
    Address(String),
    /// It is one of the network's own.
    #[error("`{url}` leads to `{address}`, which is no public address")]
    Private {
        /// Where to.
        url: String,
        /// What that is.
        address: IpAddr,
    },
    /// No answer came.
    #[error("`{url}` gave no answer")]
    Send {
        /// Where to.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
}

impl CourierError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Private { .. } => {
                Some("whoever runs the server can name its network in `server.webhook-networks` of the configuration".to_owned())
            }
            _ => None,
        }
    }

    /// Says whether it is of no use to try again.
    pub fn is_lasting(&self) -> bool {
        matches!(self, Self::Address(_) | Self::Private { .. })
    }
}

/// Sends small documents to addresses that users name; clones share connections.
#[derive(Clone, Debug)]
pub struct Courier {
    client: Client,
    allowed: Arc<[IpNet]>,
}

impl Courier {
    /// Makes a courier that goes to public addresses and to those of `allowed`.
    pub fn new(config: &HttpConfig, allowed: Vec<IpNet>) -> Result<Self, HttpError> {
        let allowed: Arc<[IpNet]> = allowed.into();
        let resolver = PublicOnly { allowed: Arc::clone(&allowed) };
        let client = crate::http::builder(config)?
            // A proxy would resolve names by itself.
            .no_proxy()
            .redirect(Policy::none())
            .timeout(TIMEOUT)
            .dns_resolver(Arc::new(resolver))
            .build()
            .map_err(HttpError::Client)?;
        Ok(Self { client, allowed })
    }

    /// Looks whether something may be sent to an address, as far as its text tells.
    pub fn check(&self, address: &str) -> Result<Url, CourierError> {
        let url: Url = address.parse().map_err(|_| CourierError::Address(address.to_owned()))?;
        let ("https" | "http", Some(host)) = (url.scheme(), url.host_str()) else {
            return Err(CourierError::Address(display_url(&url)));
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        // Names are looked at where they are resolved.
        match host.parse::<IpAddr>() {
            Ok(ip) if !may_reach(ip, &self.allowed) => {
                Err(CourierError::Private { url: display_url(&url), address: ip })
            }
            _ => Ok(url),
        }
    }

    /// Sends JSON with these headers and returns the answer's status; nothing else of the answer is read.
    pub async fn send(
        &self,
        address: &str,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<u16, CourierError> {
        let url = self.check(address)?;
        let shown = display_url(&url);
        let mut map = HeaderMap::new();
        map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                map.insert(HeaderName::from_static(name), value);
            }
        }
        let sent = self.client.post(url).headers(map).body(body).send().await;
        let response = sent.map_err(|source| match refused(&source) {
            Some(address) => CourierError::Private { url: shown.clone(), address },
            None => CourierError::Send { url: shown.clone(), source: source.without_url() },
        })?;
        Ok(response.status().as_u16())
    }
}

/// Resolves names as the system does, and refuses those that lead to the network's own machines.
struct PublicOnly {
    allowed: Arc<[IpNet]>,
}

/// The address that a name led to and must not.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no public address")]
struct Refused(IpAddr);

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = Arc::clone(&self.allowed);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // One forbidden address is enough: which one is taken is not ours to say.
            if let Some(refused) = found.iter().find(|address| !may_reach(address.ip(), &allowed)) {
                return Err(Box::new(Refused(refused.ip())) as Box<_>);
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Finds the address that ended a request.
fn refused(error: &reqwest::Error) -> Option<IpAddr> {
    let mut next = std::error::Error::source(error);
    while let Some(error) = next {
        if let Some(Refused(address)) = error.downcast_ref() {
            return Some(*address);
        }
        next = error.source();
    }
    None
}

fn may_reach(address: IpAddr, allowed: &[IpNet]) -> bool {
    let address = address.to_canonical();
    allowed.iter().any(|network| network.contains(&address)) || is_public(address)
}

/// Says whether an address is one of the open network, by the registries of
/// [special-purpose addresses](https://www.rfc-editor.org/rfc/rfc6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b));
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match segments {
        // Translation and 6to4 lead to an address of version 4.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => is_public_v4(embedded(high, low)),
        [0x64, 0xff9b, ..] | [0x2001, 0 | 0xdb8, ..] => false,
        // Only one eighth of all is given out.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn courier(allowed: &[&str]) -> Courier {
        let allowed = allowed.iter().map(|text| text.parse().expect("is a network")).collect();
        Courier::new(&HttpConfig::default(), allowed).expect("builds")
    }

    #[test]
    fn public_addresses_are_told_apart() {
        for (address, expected) in [
            ("93.184.215.14", true),
            ("127.0.0.1", false),
            ("10.0.0.1", false),
            ("172.16.9.9", false),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("198.18.0.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("2606:4700::1111", true),
            ("::1", false),
            ("::", false),
            ("fe80::1", false),
            ("fd00::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:93.184.215.14", true),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b::5db8:d70e", true),
            ("2002:7f00:1::", false),
            ("2001:db8::1", false),
        ] {
            let address: IpAddr = address.parse().expect("is an address");
            assert_eq!(may_reach(address, &[]), expected, "{address}");
        }
    }

    #[test]
    fn addresses_are_checked_by_their_text() {
        let check = |address: &str, expected: Option<&str>| {
            let error = courier(&["10.1.0.0/16"]).check(address).err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), expected);
        };
        check("https://hooks.example/a?b=c", None);
        check("http://10.1.2.3:8080/", None);
        check("http://10.2.0.1/", Some("`http://10.2.0.1/` leads to `10.2.0.1`, which is no public address"));
        check("http://[::1]/", Some("`http://[::1]/` leads to `::1`, which is no public address"));
        check("http://0x7f.1/", Some("`http://127.0.0.1/` leads to `127.0.0.1`, which is no public address"));
        check(
            "ftp://a.example/",
            Some("`ftp://a.example/` is no address that begins with `https://` or `http://`"),
        );
        check("nonsense", Some("`nonsense` is no address that begins with `https://` or `http://`"));
    }

    #[tokio::test]
    async fn a_name_that_leads_here_is_refused_where_it_is_resolved() {
        let error =
            courier(&[]).send("http://localhost:9/", &[], String::new()).await.expect_err("is refused");
        assert!(matches!(error, CourierError::Private { .. }), "{error:?}");
        assert!(error.is_lasting() && error.hint().is_some());
    }
}
