//! Which hosts are ours.
//!
//! A page of a stranger may point its own name at our address (DNS rebinding); the browser would
//! then let it read our answers. It cannot do so with an address in place of a name, nor with
//! `localhost`, so these are ours, and of names only those that the configuration lists.

use std::net::IpAddr;

/// Whether a `Host` header (or an authority) names us.
pub(crate) fn is_ours(host: &str, allowed: &[String]) -> bool {
    let name = without_port(host);
    let is_address = name.parse::<IpAddr>().is_ok();
    let is = |ours: &str| name.eq_ignore_ascii_case(ours.trim_end_matches('.'));
    is_address || is("localhost") || allowed.iter().any(|ours| is(without_port(ours)))
}

/// Whether a configured text can be the name of a host.
pub(crate) fn is_name(text: &str) -> bool {
    let name = without_port(text);
    let usual =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':');
    !name.is_empty() && name.bytes().all(usual)
}

/// `name:80`, `[::1]:80`, `name.` and `name` to the name alone.
pub(crate) fn without_port(host: &str) -> &str {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => match host.rsplit_once(':') {
            Some((name, port))
                if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.contains(':') =>
            {
                name
            }
            _ => host,
        },
    };
    name.trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_localhost_and_configured_names_are_ours() {
        let allowed = ["tally.example.org".to_owned()];
        for (host, expect) in [
            ("localhost", true),
            ("LOCALHOST:4319", true),
            ("127.0.0.1:4319", true),
            ("[::1]:4319", true),
            ("192.0.2.7", true),
            ("tally.example.org", true),
            ("Tally.Example.org.:80", true),
            ("evil.example", false),
            ("tally.example.org.evil.example", false),
            ("localhost.evil.example:4319", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            assert_eq!(is_ours(host, &allowed), expect, "{host}");
        }
        assert!(
            is_name("tally.example.org") && !is_name("https://tally.example.org") && !is_name("")
        );
    }
}
