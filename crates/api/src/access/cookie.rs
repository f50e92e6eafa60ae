//! The cookie of a login session.
//!
//! Over TLS it is `__Host-tallybook_session` with `Secure`: no other site, path or subdomain can set it,
//! and it never travels in the clear. Over plain HTTP on loopback, where nothing travels at all,
//! browsers differ in whether they take such a cookie (docs/security.md), so it has a plain name there.
//! Over plain HTTP from elsewhere nobody is let in by password.

use std::net::IpAddr;

use axum::http::header::{COOKIE, HOST};
use axum::http::{HeaderMap, HeaderValue};

const SECURE: &str = "__Host-tallybook_session";
const PLAIN: &str = "tallybook_session";

/// How a browser reaches us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// TLS, ours or that of a proxy before us.
    Tls,
    /// Plain HTTP within this machine.
    Loopback,
    /// Plain HTTP over a network.
    Open,
}

impl Way {
    pub(super) fn of(headers: &HeaderMap) -> Way {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if text("x-forwarded-proto").is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")) {
            return Way::Tls;
        }
        match is_loopback(text(HOST.as_str()).unwrap_or_default()) {
            true => Way::Loopback,
            false => Way::Open,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Way::Loopback => PLAIN,
            Way::Tls | Way::Open => SECURE,
        }
    }
}

/// The id of the session that a request shows.
pub(super) fn read(headers: &HeaderMap) -> Option<&str> {
    let name = Way::of(headers).name();
    let cookies = headers.get_all(COOKIE).into_iter();
    let mut pairs = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(own, _)| *own == name).map(|(_, value)| value)
}

/// The header that makes a browser keep a session's id until it is closed; `None` makes it forget.
pub(super) fn written(way: Way, secret: Option<&str>) -> HeaderValue {
    let name = way.name();
    let mut text = format!(
        "{name}={}; Path=/; HttpOnly; SameSite=Lax",
        secret.unwrap_or_default()
    );
    if way != Way::Loopback {
        text.push_str("; Secure");
    }
    if secret.is_none() {
        text.push_str("; Max-Age=0");
    }
    // The secret is of characters that need no escaping.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

fn is_loopback(host: &str) -> bool {
    let name = crate::host::without_port(host);
    let address = name.parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let header = |(name, value): &(&'static str, &'static str)| {
            (
                axum::http::HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        pairs.iter().map(header).collect()
    }

    #[test]
    fn the_plain_name_is_for_loopback_alone() {
        for (pairs, expect) in [
            (
                &[("host", "127.0.0.1:4319")][..],
                "tallybook_session=s; Path=/; HttpOnly; SameSite=Lax",
            ),
            (
                &[("host", "localhost")],
                "tallybook_session=s; Path=/; HttpOnly; SameSite=Lax",
            ),
            (
                &[("host", "[::1]:1")],
                "tallybook_session=s; Path=/; HttpOnly; SameSite=Lax",
            ),
            (
                &[("host", "192.0.2.1")],
                "__Host-tallybook_session=s; Path=/; HttpOnly; SameSite=Lax; Secure",
            ),
            (
                &[],
                "__Host-tallybook_session=s; Path=/; HttpOnly; SameSite=Lax; Secure",
            ),
            (
                &[("host", "localhost"), ("x-forwarded-proto", "https")],
                "__Host-tallybook_session=s; Path=/; HttpOnly; SameSite=Lax; Secure",
            ),
        ] {
            assert_eq!(
                written(Way::of(&headers(pairs)), Some("s")),
                expect,
                "{pairs:?}"
            );
        }
        let gone = written(Way::Tls, None);
        assert!(gone.to_str().is_ok_and(|gone| gone.ends_with("Max-Age=0")));
    }

    #[test]
    fn only_the_name_of_the_way_counts() {
        let both = "tallybook_session=plain; __Host-tallybook_session=secure";
        assert_eq!(
            read(&headers(&[("host", "localhost"), ("cookie", both)])),
            Some("plain")
        );
        assert_eq!(
            read(&headers(&[("host", "tally.example.org"), ("cookie", both)])),
            Some("secure")
        );
        assert_eq!(
            read(&headers(&[("host", "localhost"), ("cookie", "a=b; c")])),
            None
        );
    }
}
