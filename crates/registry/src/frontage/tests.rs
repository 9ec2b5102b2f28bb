//! Tests of public addresses and of what proxies say.

use proptest::prelude::*;

use super::*;

fn see(frontage: &Frontage, peer: &str, headers: &[(&str, &str)]) -> (String, String) {
    let visitor = visit(frontage, peer, headers);
    (visitor.peer.map_or_else(|| "unknown".to_owned(), |peer| peer.to_string()), visitor.origin)
}

fn visit(frontage: &Frontage, peer: &str, headers: &[(&str, &str)]) -> Visitor {
    let mut request = Request::builder().uri("/v2/");
    if let Ok(peer) = peer.parse::<IpAddr>() {
        request = request.extension(ConnectInfo(SocketAddr::new(peer, 9)));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(axum::body::Body::empty()).expect("is a request");
    frontage.visitor(&request)
}

#[test]
fn only_programs_of_this_machine_that_mean_it_are_local() {
    let public_url = Some("https://reg.example".parse().expect("is an address"));
    let plain = Frontage { public_url, ..Frontage::default() };
    let nets = ["127.0.0.1/32", "10.0.0.0/8"].map(|net| net.parse().expect("is a net"));
    let trusting = Frontage { trusted_proxies: nets.to_vec(), ..plain.clone() };
    for (frontage, peer, headers, expected) in [
        (&plain, "127.0.0.1", &[][..], true),
        (&plain, "::ffff:127.0.0.1", &[("host", "localhost:5080")], true),
        (&plain, "::1", &[("host", "[::1]:5080")], true),
        (&plain, "127.0.0.1", &[("host", "127.0.0.2")], true),
        (&plain, "127.0.0.1", &[("host", "REG.example")], true),
        (&plain, "127.0.0.1", &[("host", "localhost:5080"), ("origin", "http://localhost:5080")], true),
        (&plain, "127.0.0.1", &[("host", "localhost"), ("origin", "https://reg.example")], true),
        (&plain, "", &[("host", "localhost")], false),
        (&plain, "192.0.2.1", &[("host", "localhost")], false),
        (&plain, "127.0.0.1", &[("host", "evil.example:5080")], false),
        (&plain, "127.0.0.1", &[("host", "0.0.0.0:5080")], false),
        (&plain, "127.0.0.1", &[("host", "localhost.evil.example")], false),
        (&plain, "127.0.0.1", &[("host", "localhost"), ("host", "evil.example")], false),
        (&plain, "127.0.0.1", &[("host", "localhost:5080"), ("origin", "http://localhost:3000")], false),
        (&plain, "127.0.0.1", &[("host", "localhost"), ("origin", "https://evil.example")], false),
        (&plain, "127.0.0.1", &[("host", "localhost"), ("origin", "null")], false),
        (&plain, "127.0.0.1", &[("x-forwarded-for", "127.0.0.1")], false),
        (&trusting, "127.0.0.1", &[("x-forwarded-for", "127.0.0.1")], false),
        (&trusting, "127.0.0.1", &[("host", "localhost")], false),
        (&trusting, "10.0.0.1", &[("x-forwarded-for", "127.0.0.9")], false),
        (&trusting, "127.0.0.2", &[("host", "localhost")], true),
    ] {
        assert_eq!(visit(frontage, peer, headers).is_local, expected, "{peer} {headers:?}");
    }
}

#[test]
fn only_trusted_proxies_are_believed() {
    let nets = ["10.0.0.0/8", "127.0.0.1/32", "fd00::/8"].map(|net| net.parse().expect("is a net"));
    let trusting = Frontage { trusted_proxies: nets.to_vec(), ..Frontage::default() };
    let plain = Frontage::default();
    let forwarded = &[
        ("host", "inner:5080"),
        ("x-forwarded-for", "192.0.2.7"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "reg.example"),
    ];
    for (frontage, peer, headers, client, origin) in [
        (&plain, "198.51.100.1", &[("host", "reg.example")][..], "198.51.100.1", "http://reg.example"),
        (&plain, "::ffff:198.51.100.1", &[], "198.51.100.1", "http://localhost"),
        (&plain, "", &[("host", "a\"b")], "unknown", "http://localhost"),
        (&plain, "198.51.100.1", forwarded, "198.51.100.1", "http://inner:5080"),
        (&plain, "127.0.0.1", &[], "127.0.0.1", "http://localhost"),
        (&plain, "127.0.0.1", forwarded, "unknown", "http://inner:5080"),
        (&plain, "127.0.0.1", &[("forwarded", "for=1.2.3.4")], "unknown", "http://localhost"),
        (&trusting, "127.0.0.1", forwarded, "192.0.2.7", "https://reg.example"),
        (&trusting, "198.51.100.1", forwarded, "198.51.100.1", "http://inner:5080"),
        (
            &trusting,
            "10.1.1.1",
            &[("x-forwarded-for", "6.6.6.6, 192.0.2.7, 10.2.2.2")],
            "192.0.2.7",
            "http://localhost",
        ),
        (
            &trusting,
            "10.1.1.1",
            &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "10.2.2.2")],
            "6.6.6.6",
            "http://localhost",
        ),
        (&trusting, "10.1.1.1", &[("x-forwarded-for", "10.3.3.3, 10.2.2.2")], "10.3.3.3", "http://localhost"),
        (
            &trusting,
            "10.1.1.1",
            &[("x-forwarded-for", "[2001:db8::1]:4711")],
            "2001:db8::1",
            "http://localhost",
        ),
        (&trusting, "fd00::1", &[("x-forwarded-for", "[2001:db8::1]")], "2001:db8::1", "http://localhost"),
        (&trusting, "10.1.1.1", &[("x-forwarded-for", "unknown")], "unknown", "http://localhost"),
        (&trusting, "10.1.1.1", &[("x-forwarded-for", "")], "unknown", "http://localhost"),
        (
            &trusting,
            "10.1.1.1",
            &[("x-forwarded-proto", "gopher"), ("x-forwarded-host", "a/b")],
            "10.1.1.1",
            "http://localhost",
        ),
        (
            &trusting,
            "10.1.1.1",
            &[("x-forwarded-host", "evil.example, reg.example:443")],
            "10.1.1.1",
            "http://reg.example:443",
        ),
    ] {
        let expected = (client.to_owned(), origin.to_owned());
        assert_eq!(see(frontage, peer, headers), expected, "{peer} {headers:?}");
    }
    let public_url = Some("https://reg.example/".parse().expect("is an address"));
    let public = Frontage { public_url, ..trusting };
    assert_eq!(see(&public, "10.1.1.1", &[("host", "inner")]).1, "https://reg.example");
    let tls = Frontage { is_tls: true, ..plain };
    assert_eq!(see(&tls, "10.1.1.1", &[("host", "reg.example")]).1, "https://reg.example");
}

#[test]
fn public_addresses_are_hosts_with_a_scheme() {
    for (text, expected) in [
        ("https://reg.example", "https://reg.example"),
        ("http://reg.example:5080/", "http://reg.example:5080"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
    ] {
        assert_eq!(text.parse::<PublicUrl>().map(|url| url.to_string()).as_deref(), Ok(expected));
    }
    for bad in [
        "",
        "reg.example",
        "ftp://reg.example",
        "https://",
        "https://a b",
        "https://user@reg.example",
        "https://reg.example?x",
        "https://reg.example/#x",
        "https://a\"b",
    ] {
        assert_eq!(bad.parse::<PublicUrl>(), Err(ParsePublicUrlError::Form(bad.to_owned())), "{bad}");
    }
    let below = "https://reg.example/registry";
    assert_eq!(below.parse::<PublicUrl>(), Err(ParsePublicUrlError::Path(below.to_owned())));
}

proptest! {
    #[test]
    fn whatever_is_forwarded_is_answered(
        chain in "([0-9a-f.:,\\[\\] ]|10\\.0\\.0\\.1,?|::1){0,20}",
        host in "[ -~]{0,30}",
    ) {
        let trusted_proxies = vec!["10.0.0.0/8".parse().expect("is a net")];
        let frontage = Frontage { trusted_proxies, ..Frontage::default() };
        let headers = [("x-forwarded-for", chain.as_str()), ("x-forwarded-host", host.as_str())];
        let (_, origin) = see(&frontage, "10.0.0.1", &headers);
        let host = origin.strip_prefix("http://").unwrap_or("\"");
        prop_assert!(!host.is_empty() && !host.contains(['"', '\\', ' ', '/', ',']), "{}", origin);
        let (client, _) = see(&frontage, "192.0.2.1", &headers);
        prop_assert_eq!(client, "192.0.2.1");
    }
}
