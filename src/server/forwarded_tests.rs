//! Whom chains of proxies name, row by row.

use std::net::SocketAddr;

use http::HeaderValue;
use proptest::prelude::*;

use super::*;

const PROXY: &str = "10.0.0.1:4711";
const HERE: &str = "127.0.0.1:4711";
const STRANGER: &str = "203.0.113.9:4711";

fn proxies() -> Proxies {
    let trusted = ["10.0.0.0/8", "127.0.0.1/32", "2001:db8::/32"];
    Proxies::new(trusted.map(|net| net.parse().expect("a network")).to_vec())
}

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name: HeaderName = name.parse().expect("a name");
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
    }
    headers
}

fn remote(from: &str, lines: &[(&str, &str)]) -> Remote {
    let address: SocketAddr = from.parse().expect("an address");
    proxies().remote(Peer { address, tls: false }, &headers(lines))
}

/// Address, scheme and host, as `203.0.113.9 https cdn.example.com`; `-` where unknown.
fn told(lines: &[(&str, &str)]) -> String {
    let remote = remote(PROXY, lines);
    assert!(remote.forwarded && !remote.nearby, "{lines:?}");
    let address = remote.address.map_or("-".to_owned(), |address| address.to_string());
    let scheme = if remote.encrypted { "https" } else { "http" };
    format!("{address} {scheme} {}", remote.host.as_deref().unwrap_or("-"))
}

#[test]
fn nobody_but_a_configured_proxy_is_believed() {
    let lines = [
        ("x-forwarded-for", "198.51.100.7"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "cdn.example.com"),
    ];
    let stranger = remote(STRANGER, &lines);
    assert_eq!(stranger.address, Some("203.0.113.9".parse().unwrap()));
    assert!(!stranger.encrypted && !stranger.forwarded && stranger.host.is_none());
    let peer = Peer { address: STRANGER.parse().unwrap(), tls: true };
    assert!(proxies().remote(peer, &headers(&lines)).encrypted);
    let none = Proxies::default();
    let peer = Peer { address: HERE.parse().unwrap(), tls: false };
    let seen = none.remote(peer, &headers(&lines));
    assert_eq!((seen.address, seen.encrypted), (Some("127.0.0.1".parse().unwrap()), false));
}

#[test]
fn a_proxy_that_forwards_nothing_is_a_client_itself() {
    let own = remote(PROXY, &[("host", "s3.example.com")]);
    assert_eq!(own.address, Some("10.0.0.1".parse().unwrap()));
    assert!(!own.forwarded);
    let mapped = remote("[::ffff:10.0.0.1]:1", &[("x-forwarded-for", "198.51.100.7")]);
    assert_eq!(mapped.address, Some("198.51.100.7".parse().unwrap()));
}

#[test]
fn only_who_is_here_without_a_proxy_is_nearby() {
    assert!(remote(HERE, &[]).nearby);
    assert!(remote("[::1]:1", &[("host", "localhost")]).nearby);
    assert!(remote("[::ffff:127.0.0.1]:1", &[]).nearby);
    assert!(!remote(STRANGER, &[]).nearby);
    for name in ["x-forwarded-for", "x-forwarded-server", "forwarded", "via", "x-real-ip"] {
        for from in [HERE, "[::1]:1"] {
            assert!(!remote(from, &[(name, "127.0.0.1")]).nearby, "{name}");
        }
    }
}

#[test]
fn the_client_is_the_nearest_that_is_no_proxy() {
    const FOR: &str = "x-forwarded-for";
    for (chain, client) in [
        ("198.51.100.7", "198.51.100.7"),
        ("198.51.100.7, 10.1.2.3", "198.51.100.7"),
        ("1.2.3.4, 198.51.100.7, 10.1.2.3, 127.0.0.1", "198.51.100.7"),
        // What stands before the client is its own invention.
        ("10.0.0.9, 198.51.100.7", "198.51.100.7"),
        ("not an address, 198.51.100.7", "198.51.100.7"),
        ("\"; drop, 198.51.100.7:4711", "198.51.100.7"),
        ("[2001:db9::1]:443, 10.0.0.2", "2001:db9::1"),
        ("2001:db9::1,2001:db8::7", "2001:db9::1"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        // All of them are proxies.
        ("10.0.0.7, 10.0.0.8", "10.0.0.7"),
        (", 198.51.100.7 ,", "198.51.100.7"),
    ] {
        assert_eq!(told(&[(FOR, chain)]), format!("{client} http -"), "{chain}");
    }
    let lines = [(FOR, "1.1.1.1"), (FOR, "198.51.100.7"), (FOR, "10.0.0.3")];
    assert_eq!(told(&lines), "198.51.100.7 http -", "lines are one list");
}

#[test]
fn protocol_and_host_are_those_of_the_clients_hop() {
    let told = |chain, proto, host| {
        told(&[
            ("x-forwarded-for", chain),
            ("x-forwarded-proto", proto),
            ("x-forwarded-host", host),
        ])
    };
    let client = "198.51.100.7";
    assert_eq!(told(client, "https", "cdn.example.com"), "198.51.100.7 https cdn.example.com");
    assert_eq!(told(client, "HTTPS", "a:8443"), "198.51.100.7 https a:8443");
    assert_eq!(told(client, "http", "[2001:db8::1]:80"), "198.51.100.7 http [2001:db8::1]:80");
    // A proxy that appends shows what its client claims, in front of what it saw.
    assert_eq!(told(client, "https, http", "evil, a"), "198.51.100.7 http a");
    let two = "198.51.100.7, 10.0.0.2";
    assert_eq!(told(two, "https, http", "a, inner"), "198.51.100.7 https a");
    assert_eq!(told(two, "https", "a"), "198.51.100.7 https a");
}

#[test]
fn what_is_not_understood_is_an_unknown_client_without_tls() {
    let client = ("x-forwarded-for", "198.51.100.7");
    for lines in [
        vec![("x-forwarded-for", "unknown"), ("x-forwarded-proto", "https")],
        vec![("x-forwarded-for", "198.51.100.7, nonsense"), ("x-forwarded-proto", "https")],
        vec![("x-forwarded-for", "198.51.100.7, ex.ample, 10.0.0.2")],
        vec![("x-forwarded-for", "198.51.100.7:port")],
        vec![("x-forwarded-for", "[198.51.100.7]")],
        vec![("x-forwarded-for", "ü")],
        vec![client, ("x-forwarded-proto", "gopher")],
        vec![client, ("x-forwarded-host", "a/b")],
        vec![client, ("x-forwarded-host", "user@a")],
        vec![client, ("x-forwarded-host", "a:port")],
        vec![client, ("x-forwarded-host", "a b"), ("x-forwarded-proto", "https")],
        vec![
            ("x-forwarded-for", "198.51.100.7, 10.0.0.2, 10.0.0.3"),
            ("x-forwarded-proto", "https, http"),
        ],
        vec![("forwarded", "for=198.51.100.7;proto=https;host=\"a")],
        vec![("forwarded", "for=\"198.51.100.7\"x;proto=https")],
        vec![("forwarded", "for=198.51.100.7;for=1.1.1.1;proto=https")],
        vec![("forwarded", "for=example;proto=https")],
        vec![("forwarded", "for = 198.51.100.7")],
        vec![("forwarded", "198.51.100.7")],
    ] {
        assert_eq!(told(&lines), "- http -", "{lines:?}");
    }
    // They forward, but for whom they do not say.
    for name in ["via", "x-real-ip", "x-forwarded-port"] {
        assert_eq!(told(&[(name, "198.51.100.7")]), "- http -", "{name}");
    }
    assert_eq!(told(&[("x-forwarded-proto", "https")]), "- https -");
}

#[test]
fn the_standard_header_says_the_same() {
    for (line, expected) in [
        ("for=198.51.100.7", "198.51.100.7 http -"),
        ("For=198.51.100.7;Proto=HTTPS;Host=a:8443", "198.51.100.7 https a:8443"),
        ("for=\"198.51.100.7:1\" ; proto=https;by=10.0.0.1", "198.51.100.7 https -"),
        ("for=\"[2001:db9::1]:4711\"", "2001:db9::1 http -"),
        ("for=\"[2001:db9::1]:_port\"", "2001:db9::1 http -"),
        ("for=198.51.100.7:_p, for=10.0.0.2", "198.51.100.7 http -"),
        ("for=9.9.9.9;proto=https, for=198.51.100.7;proto=http", "198.51.100.7 http -"),
        ("for=198.51.100.7;proto=https;host=a, for=10.0.0.2;host=b", "198.51.100.7 https a"),
        ("for=unknown;proto=https", "- https -"),
        ("for=_hidden, for=10.0.0.2;proto=https", "- http -"),
        ("for=10.0.0.9, for=_hidden;proto=https", "- https -"),
        ("proto=https", "- https -"),
        ("for=198.51.100.7;host=\"a\\.b\"", "198.51.100.7 http a.b"),
        (", for=198.51.100.7,", "198.51.100.7 http -"),
    ] {
        assert_eq!(told(&[("forwarded", line)]), expected, "{line}");
    }
    let broken_first = [("forwarded", "for=\"oops"), ("forwarded", "for=198.51.100.7")];
    assert_eq!(told(&broken_first), "198.51.100.7 http -");
}

#[test]
fn where_both_kinds_are_there_they_have_to_agree() {
    let old = ("x-forwarded-for", "198.51.100.7");
    let told = |line| told(&[old, ("x-forwarded-proto", "https"), ("forwarded", line)]);
    assert_eq!(told("for=198.51.100.7;proto=https"), "198.51.100.7 https -");
    assert_eq!(told("for=9.9.9.9;proto=https"), "- http -");
    assert_eq!(told("for=198.51.100.7;proto=http"), "- http -");
    // What one of them alone says may be the client's own word.
    assert_eq!(told("for=198.51.100.7;host=evil.example.com"), "198.51.100.7 http -");
}

proptest! {
    #[test]
    fn nothing_upsets_it(
        chain in ".{0,60}",
        line in "[a-z0-9=;,\"\\\\: \\[\\].]{0,60}",
        client in any::<[u8; 4]>(),
    ) {
        let address: SocketAddr = PROXY.parse().unwrap();
        let peer = Peer { address, tls: true };
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_bytes(chain.as_bytes()) {
            headers.append(FOR, value);
        }
        if let Ok(value) = HeaderValue::from_str(&line) {
            headers.append(FORWARDED, value);
        }
        prop_assert!(!proxies().remote(peer, &headers).nearby);
        // Whatever the client sent before, what the proxy appends is believed.
        headers.remove(FORWARDED);
        let client = IpAddr::from(client);
        prop_assume!(!proxies().trusts(client));
        headers.append(FOR, client.to_string().parse().unwrap());
        let listed = headers.get_all(FOR).iter().all(|line| line.to_str().is_ok());
        let expected = listed.then_some(client);
        prop_assert_eq!(proxies().remote(peer, &headers).address, expected);
    }
}
