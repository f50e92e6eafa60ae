//! What a setting allows beside what is public: hosts and networks by name.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use crate::address::place;

/// A wider network would allow everything.
const V4_PREFIX_MIN: u8 = 8;
const V6_PREFIX_MIN: u8 = 16;

/// A host or a network that may be asked although it is not for the public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allow {
    /// A host by name, wherever in private networks and on this machine it is; where clouds tell their
    /// secrets, and other special addresses, are not allowed by it.
    Host(String),
    /// Whatever has such an address.
    Network(IpNet),
}

impl Allow {
    /// Whether this allows asking `host` at `address`.
    pub(crate) fn allows(&self, host: &str, address: IpAddr) -> bool {
        match self {
            Allow::Host(name) => {
                name.eq_ignore_ascii_case(host.trim_end_matches('.'))
                    && place(address).is_of_a_network()
            }
            Allow::Network(network) => network.contains(&address),
        }
    }
}

impl FromStr for Allow {
    type Err = String;

    fn from_str(text: &str) -> Result<Allow, String> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Allow::Network(IpNet::from(address)));
        }
        if let Ok(network) = text.parse::<IpNet>() {
            let least = match network {
                IpNet::V4(_) => V4_PREFIX_MIN,
                IpNet::V6(_) => V6_PREFIX_MIN,
            };
            return match network.prefix_len() >= least {
                true => Ok(Allow::Network(network)),
                false => Err(format!(
                    "{text:?} is nearly everything: name a network of /{least} or less"
                )),
            };
        }
        let name = text.trim_end_matches('.');
        let usual = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        match !name.is_empty() && name.bytes().all(usual) {
            true => Ok(Allow::Host(name.to_owned())),
            false => Err(format!(
                "{text:?} is neither a host nor a network: write sso.example.com, 10.1.0.0/16 or ::1"
            )),
        }
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Allow::Host(name) => f.write_str(name),
            Allow::Network(network) => network.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    //! What is named is allowed, and nothing beside it.
    use super::*;

    #[test]
    fn what_is_named_is_allowed() {
        for (allow, host, address, expect) in [
            ("sso.example.com", "sso.example.com", "10.0.0.1", true),
            ("sso.example.com", "SSO.example.com.", "127.0.0.1", true),
            (
                "sso.example.com",
                "sso.example.com",
                "169.254.169.254",
                false,
            ),
            ("sso.example.com", "sso.example.com", "224.0.0.1", false),
            ("sso.example.com", "evil.example.com", "10.0.0.1", false),
            ("sso.example.com", "x.sso.example.com", "10.0.0.1", false),
            ("10.1.0.0/16", "anything", "10.1.2.3", true),
            ("10.1.0.0/16", "anything", "10.2.0.1", false),
            ("10.1.0.0/16", "anything", "::ffff:10.1.2.3", false),
            ("127.0.0.1", "localhost", "127.0.0.1", true),
            ("127.0.0.1", "localhost", "127.0.0.2", false),
            ("::1", "localhost", "::1", true),
        ] {
            let read: Allow = allow.parse().unwrap();
            let address = address.parse().unwrap();
            assert_eq!(
                read.allows(host, address),
                expect,
                "{allow}: {host} {address}"
            );
        }
        for odd in [
            "",
            ".",
            "0.0.0.0/0",
            "::/0",
            "a/b",
            "a b",
            "https://x",
            "10.0.0.0/7",
        ] {
            assert!(odd.parse::<Allow>().is_err(), "{odd}");
        }
    }
}
