//! Which addresses are for the public, by IANA's registries of special addresses.
//!
//! Invariant: what is not known to be public is not. An address that wraps one of IPv4 is as public as
//! that one: mapped (`::ffff:…`), compatible (`::…`), NAT64 (`64:ff9b::…`) and 6to4 (`2002:…`).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Everybody.
    Public,
    /// This machine.
    Loopback,
    /// A private network (RFC 1918, RFC 4193).
    Private,
    /// A provider's own network (RFC 6598).
    Shared,
    /// This link alone; clouds tell machines their secrets there.
    LinkLocal,
    /// Where a cloud tells its machines their secrets.
    Metadata,
    /// Many at once.
    Multicast,
    /// Nobody, or something special: reserved, for documentation, for tests, a tunnel.
    Reserved,
}

impl Place {
    /// Whether a host that a setting names may be there. The rest must be named as a network.
    pub(crate) fn is_of_a_network(self) -> bool {
        matches!(
            self,
            Place::Public | Place::Loopback | Place::Private | Place::Shared
        )
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Place::Public => "a public address",
            Place::Loopback => "this machine itself",
            Place::Private => "a private address",
            Place::Shared => "an address of a provider's own network",
            Place::LinkLocal => "a link-local address",
            Place::Metadata => "where a cloud tells its machines their secrets",
            Place::Multicast => "a multicast address",
            Place::Reserved => "a reserved address",
        })
    }
}

/// What an address is for.
#[must_use]
pub fn place(address: IpAddr) -> Place {
    match address {
        IpAddr::V4(v4) => place_v4(v4),
        IpAddr::V6(v6) => place_v6(v6),
    }
}

/// Where clouds tell machines their secrets outside 169.254.0.0/16: AWS' by IPv6, Azure's, Alibaba's, Oracle's.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
const METADATA_V4: [Ipv4Addr; 4] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
];

fn place_v4(address: Ipv4Addr) -> Place {
    let [a, b, c, _] = address.octets();
    if METADATA_V4.contains(&address) {
        return Place::Metadata;
    }
    match (a, b, c) {
        (127, ..) => Place::Loopback,
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => Place::Private,
        (100, 64..=127, _) => Place::Shared,
        (169, 254, _) => Place::LinkLocal,
        (224..=239, ..) => Place::Multicast,
        (0 | 240..=255, ..)
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (198, 18 | 19, _)
        | (198, 51, 100)
        | (203, 0, 113) => Place::Reserved,
        _ => Place::Public,
    }
}

fn place_v6(address: Ipv6Addr) -> Place {
    if address == METADATA_V6 {
        return Place::Metadata;
    }
    if address.is_loopback() {
        return Place::Loopback;
    }
    match address.segments() {
        // The last two groups are an address of IPv4.
        [0, 0, 0, 0, 0, 0xffff | 0, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => {
            place_v4(inner(address, 12))
        }
        [0x2002, ..] => place_v4(inner(address, 2)),
        [0xfc00..=0xfdff, ..] => Place::Private,
        [0xfe80..=0xfebf, ..] => Place::LinkLocal,
        [0xff00..=0xffff, ..] => Place::Multicast,
        // Of the addresses for everybody: protocols and tunnels (Teredo too), documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Place::Reserved,
        [0x2000..=0x3fff, ..] => Place::Public,
        _ => Place::Reserved,
    }
}

/// The address of IPv4 that begins at this byte.
fn inner(address: Ipv6Addr, at: usize) -> Ipv4Addr {
    let bytes = address.octets();
    Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3])
}

#[cfg(test)]
mod tests {
    //! The table of addresses, at the edges of each range.
    use super::*;

    const TABLE: &[(&str, Place)] = &[
        ("1.1.1.1", Place::Public),
        ("8.8.8.8", Place::Public),
        ("9.255.255.255", Place::Public),
        ("10.0.0.0", Place::Private),
        ("10.255.255.255", Place::Private),
        ("11.0.0.0", Place::Public),
        ("100.63.255.255", Place::Public),
        ("100.64.0.0", Place::Shared),
        ("100.127.255.255", Place::Shared),
        ("100.128.0.0", Place::Public),
        ("100.100.100.200", Place::Metadata),
        ("126.255.255.255", Place::Public),
        ("127.0.0.1", Place::Loopback),
        ("127.255.255.255", Place::Loopback),
        ("128.0.0.0", Place::Public),
        ("168.63.129.16", Place::Metadata),
        ("169.253.255.255", Place::Public),
        ("169.254.0.1", Place::LinkLocal),
        ("169.254.169.254", Place::Metadata),
        ("169.254.170.2", Place::LinkLocal),
        ("169.255.0.0", Place::Public),
        ("172.15.255.255", Place::Public),
        ("172.16.0.0", Place::Private),
        ("172.31.255.255", Place::Private),
        ("172.32.0.0", Place::Public),
        ("192.0.0.8", Place::Reserved),
        ("192.0.0.192", Place::Metadata),
        ("192.0.1.0", Place::Public),
        ("192.0.2.1", Place::Reserved),
        ("192.88.99.1", Place::Reserved),
        ("192.167.255.255", Place::Public),
        ("192.168.0.0", Place::Private),
        ("192.169.0.0", Place::Public),
        ("198.17.255.255", Place::Public),
        ("198.18.0.0", Place::Reserved),
        ("198.19.255.255", Place::Reserved),
        ("198.20.0.0", Place::Public),
        ("198.51.100.7", Place::Reserved),
        ("203.0.113.7", Place::Reserved),
        ("223.255.255.255", Place::Public),
        ("224.0.0.1", Place::Multicast),
        ("239.255.255.255", Place::Multicast),
        ("240.0.0.1", Place::Reserved),
        ("255.255.255.255", Place::Reserved),
        ("0.0.0.0", Place::Reserved),
        ("0.1.2.3", Place::Reserved),
        ("::", Place::Reserved),
        ("::1", Place::Loopback),
        ("::2", Place::Reserved),
        ("::127.0.0.1", Place::Loopback),
        ("::10.0.0.1", Place::Private),
        ("::ffff:127.0.0.1", Place::Loopback),
        ("::ffff:10.1.2.3", Place::Private),
        ("::ffff:169.254.169.254", Place::Metadata),
        ("::ffff:8.8.8.8", Place::Public),
        ("64:ff9b::7f00:1", Place::Loopback),
        ("64:ff9b::a9fe:a9fe", Place::Metadata),
        ("64:ff9b::c0a8:1", Place::Private),
        ("64:ff9b::808:808", Place::Public),
        ("64:ff9b:1::808:808", Place::Reserved),
        ("2002:7f00:1::1", Place::Loopback),
        ("2002:a00:1::1", Place::Private),
        ("2002:808:808::1", Place::Public),
        ("2001::1", Place::Reserved),
        ("2001:1ff::1", Place::Reserved),
        ("2001:200::1", Place::Public),
        ("2001:db8::1", Place::Reserved),
        ("2001:4860:4860::8888", Place::Public),
        ("2606:4700::1111", Place::Public),
        ("3fff:fff::1", Place::Reserved),
        ("3fff:1000::1", Place::Public),
        ("4000::1", Place::Reserved),
        ("100::1", Place::Reserved),
        ("5f00::1", Place::Reserved),
        ("fc00::1", Place::Private),
        ("fd00:ec2::254", Place::Metadata),
        ("fd00:ec2::253", Place::Private),
        ("fe80::1", Place::LinkLocal),
        ("febf::1", Place::LinkLocal),
        ("fec0::1", Place::Reserved),
        ("ff02::1", Place::Multicast),
    ];

    #[test]
    fn the_table_of_addresses() {
        for (text, expect) in TABLE {
            let address: IpAddr = text
                .parse()
                .unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(place(address), *expect, "{text}");
        }
    }

    #[test]
    fn an_address_is_as_public_as_the_one_it_wraps() {
        for (text, _) in TABLE.iter().filter(|(text, _)| !text.contains(':')) {
            let v4: Ipv4Addr = text.parse().unwrap();
            let [a, b, c, d] = v4.octets().map(u16::from);
            let (high, low) = (a << 8 | b, c << 8 | d);
            for wrapped in [
                v4.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            ] {
                assert_eq!(place(wrapped.into()), place(v4.into()), "{wrapped}");
            }
        }
    }
}
