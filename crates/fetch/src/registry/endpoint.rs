//! Addresses: which URL a repository's things are under.

use std::net::IpAddr;

use reqwest::Url;
use temper_oci::Reference;

use super::RegistryOptions;
use super::error::RegistryError;

/// A repository as requests see it: where it is, and under which name rights are asked for.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    /// The registry as the reference names it; credentials are found under this name.
    pub(super) registry: String,
    /// The repository's name.
    pub(super) repository: String,
    base: Url,
}

impl Endpoint {
    pub(super) fn new(reference: &Reference, options: &RegistryOptions) -> Result<Self, RegistryError> {
        let registry = reference.registry();
        // The name that people write is not the host that answers.
        let host = if registry == "docker.io" { "registry-1.docker.io" } else { registry };
        let has_certificate = options.certificate_authorities.contains_key(registry);
        let plain = options.insecure.contains(registry) || (is_this_machine(host) && !has_certificate);
        let scheme = if plain { "http" } else { "https" };
        let base = Url::parse(&format!("{scheme}://{host}/v2/"))
            .map_err(|_| RegistryError::Address { registry: registry.to_owned() })?;
        Ok(Self { registry: registry.to_owned(), repository: reference.repository().to_owned(), base })
    }

    /// Returns the URL of something of this repository: `manifests/latest`.
    pub(super) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("/v2/{}/{path}", self.repository));
        url
    }

    /// Returns where a `Location` or `Link` leads.
    ///
    /// A proxy that ends TLS often lets the registry believe that it is spoken to in the plain: the same host keeps
    /// its scheme.
    pub(super) fn join(&self, from: &Url, location: &str) -> Result<Url, RegistryError> {
        let mut url = from.join(location).map_err(|_| RegistryError::Location {
            url: crate::http::display_url(from),
            location: location.to_owned(),
        })?;
        if url.host() == self.base.host() && url.scheme() == "http" && self.base.scheme() == "https" {
            let port = url.port().filter(|port| *port != 80);
            // Both schemes are of the kind that can replace each other.
            let _ = url.set_scheme("https");
            let _ = url.set_port(port);
        }
        if url.scheme() != "https" && !(self.is_plain() && url.scheme() == "http") {
            return Err(RegistryError::Downgrade {
                from: crate::http::display_url(from),
                to: crate::http::display_url(&url),
            });
        }
        Ok(url)
    }

    /// Says whether credentials for this registry may be sent there.
    pub(super) fn owns(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// Says whether the registry is spoken to without TLS.
    pub(super) fn is_plain(&self) -> bool {
        self.base.scheme() == "http"
    }

    /// Returns the scope of a token for this repository, `repository:acme/python:pull`.
    ///
    /// See [Docker's token scopes](https://distribution.github.io/distribution/spec/auth/scope/).
    pub(super) fn scope(&self, actions: &str) -> String {
        format!("repository:{}:{actions}", self.repository)
    }
}

/// Says whether a host, with a port or without, is the machine that this runs on.
pub(crate) fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(reference: &str) -> Endpoint {
        let options = RegistryOptions {
            insecure: ["plain.example:5000".to_owned()].into(),
            certificate_authorities: [("localhost:5443".to_owned(), Vec::new())].into(),
            ..RegistryOptions::default()
        };
        Endpoint::new(&reference.parse().expect("is a reference"), &options).expect("has an address")
    }

    #[test]
    fn this_machine_and_named_registries_are_spoken_to_in_the_plain() {
        for (reference, expected) in [
            ("python:3.13", "https://registry-1.docker.io/v2/library/python/tags/list"),
            ("registry.example/a/b", "https://registry.example/v2/a/b/tags/list"),
            ("localhost/a", "http://localhost/v2/a/tags/list"),
            ("localhost:5000/a", "http://localhost:5000/v2/a/tags/list"),
            ("localhost:5443/a", "https://localhost:5443/v2/a/tags/list"),
            ("127.0.0.1:5000/a", "http://127.0.0.1:5000/v2/a/tags/list"),
            ("[::1]:5000/a", "http://[::1]:5000/v2/a/tags/list"),
            ("10.0.0.1:5000/a", "https://10.0.0.1:5000/v2/a/tags/list"),
            ("plain.example:5000/a", "http://plain.example:5000/v2/a/tags/list"),
            ("plain.example/a", "https://plain.example/v2/a/tags/list"),
        ] {
            assert_eq!(endpoint(reference).url("tags/list").as_str(), expected, "{reference}");
        }
    }

    #[test]
    fn locations_never_lose_tls_nor_take_credentials_along() {
        let check = |reference: &str, location: &str, expected: Option<(&str, bool)>| {
            let endpoint = endpoint(reference);
            let from = endpoint.url("blobs/uploads/");
            let joined = endpoint.join(&from, location).ok();
            let actual = joined.as_ref().map(|url| (url.as_str(), endpoint.owns(url)));
            assert_eq!(actual, expected, "{location}");
        };
        check("registry.example/a", "/v2/a/1?x=y", Some(("https://registry.example/v2/a/1?x=y", true)));
        check("registry.example/a", "7", Some(("https://registry.example/v2/a/blobs/uploads/7", true)));
        check("registry.example/a", "http://registry.example/7", Some(("https://registry.example/7", true)));
        check("registry.example/a", "https://cdn.example/7", Some(("https://cdn.example/7", false)));
        check("registry.example/a", "http://cdn.example/7", None);
        check("registry.example/a", "file:///etc/passwd", None);
        check("localhost:5000/a", "http://localhost:5001/7", Some(("http://localhost:5001/7", false)));
    }
}
