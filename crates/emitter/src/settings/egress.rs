//! Which hosts telemetry may reach: all, those of a list, or those of a connector.
//!
//! Invariant: what cannot be understood allows nothing. A policy of which every entry is wrong blocks
//! everything, and says so.
//!
//! Source: the vendor's documentation of `coworkEgressAllowedHosts` (hosts, `*.` for subdomains, `*`
//! for all).

use std::fmt;

use url::{Host, Url};

/// The connector that the exporter is, where a policy speaks of connectors.
pub const CONNECTOR: &str = "telemetry";

/// Which hosts may be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Egress {
    /// All of them.
    #[default]
    All,
    /// Those that one of the rules allows to the exporter; none without a rule.
    Only(Vec<Rule>),
}

/// What may be reached, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The connector that it holds for; without one it holds for everything.
    pub connector: Option<String>,
    /// The hosts.
    pub hosts: Hosts,
}

/// Hosts of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// Every host.
    Any,
    /// This one: a name in small letters or an address.
    One(String),
    /// All below this domain, and not the domain itself.
    Below(String),
}

impl Egress {
    /// The policy of these entries: `HOST`, `*.DOMAIN`, `*`, each for everything or, as
    /// `CONNECTOR=HOST`, for one connector. Gives a message for each entry that was left out.
    pub fn parse<'t>(entries: impl IntoIterator<Item = &'t str>) -> (Egress, Vec<String>) {
        let (mut rules, mut wrong) = (Vec::new(), Vec::new());
        for entry in entries {
            match rule(entry.trim()) {
                Ok(rule) => rules.push(rule),
                Err(reason) => wrong.push(format!("`{entry}` is left out: {reason}")),
            }
        }
        let for_all = Rule {
            connector: None,
            hosts: Hosts::Any,
        };
        let egress = match rules.contains(&for_all) {
            true => Egress::All,
            false => Egress::Only(rules),
        };
        (egress, wrong)
    }

    /// Whether the exporter may send to this address.
    pub fn allows(&self, url: &Url) -> bool {
        let Egress::Only(rules) = self else {
            return true;
        };
        let Some(host) = url.host_str() else {
            return false;
        };
        rules.iter().any(|rule| {
            let is_for_us = rule
                .connector
                .as_deref()
                .is_none_or(|name| name == CONNECTOR);
            is_for_us && rule.hosts.include(host)
        })
    }
}

impl Hosts {
    /// `host` is as URLs have it: in small letters, IPv6 in brackets.
    fn include(&self, host: &str) -> bool {
        match self {
            Hosts::Any => true,
            Hosts::One(name) => name == host,
            Hosts::Below(domain) => host
                .strip_suffix(domain.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        }
    }
}

impl fmt::Display for Egress {
    /// The hosts that the exporter may reach.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Egress::Only(rules) = self else {
            return formatter.write_str("*");
        };
        if rules.is_empty() {
            return formatter.write_str("none");
        }
        for (index, rule) in rules.iter().enumerate() {
            let separator = if index > 0 { ", " } else { "" };
            formatter.write_str(separator)?;
            if let Some(connector) = &rule.connector {
                write!(formatter, "{connector}=")?;
            }
            match &rule.hosts {
                Hosts::Any => formatter.write_str("*")?,
                Hosts::One(host) => formatter.write_str(host)?,
                Hosts::Below(domain) => write!(formatter, "*.{domain}")?,
            }
        }
        Ok(())
    }
}

fn rule(entry: &str) -> Result<Rule, String> {
    let (connector, hosts) = match entry.split_once('=') {
        Some((connector, hosts)) => (Some(connector.trim()), hosts.trim()),
        None => (None, entry),
    };
    if connector.is_some_and(str::is_empty) {
        return Err("no connector stands before the `=`".to_owned());
    }
    Ok(Rule {
        connector: connector.map(str::to_owned),
        hosts: parse_hosts(hosts)?,
    })
}

fn parse_hosts(text: &str) -> Result<Hosts, String> {
    if text == "*" {
        return Ok(Hosts::Any);
    }
    let domain = text.strip_prefix("*.");
    let name = domain.unwrap_or(text);
    let is_host = !name.contains(['/', ':', '*', '@']) || name.starts_with('[');
    // The URL's own rules: small letters, punycode, addresses in one form.
    let host = Host::parse(name).ok().filter(|_| is_host);
    match (host, domain) {
        (Some(Host::Domain(host)), Some(_)) => Ok(Hosts::Below(host)),
        (Some(host), None) => Ok(Hosts::One(host.to_string())),
        _ => Err(
            "it is no host: write HOST, *.DOMAIN or *, without scheme, port and path".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(entries: &[&str]) -> Egress {
        let (egress, wrong) = Egress::parse(entries.iter().copied());
        assert_eq!(wrong, Vec::<String>::new());
        egress
    }

    fn allows(entries: &[&str], url: &str) -> bool {
        policy(entries).allows(&Url::parse(url).expect("a URL"))
    }

    #[test]
    fn hosts_and_what_they_allow() {
        let url = "http://Otel.Example.com:4318/v1/logs";
        for (entries, expected) in [
            (&["*"][..], true),
            (&["a.example.com", "*"], true),
            (&["otel.example.com"], true),
            (&["OTEL.example.COM"], true),
            (&["*.example.com"], true),
            (&["*.com"], true),
            (&["example.com"], false),
            (&["*.otel.example.com"], false),
            (&["*.ple.com"], false),
            (&["telemetry=*.example.com"], true),
            (&["telemetry=*"], true),
            (&["github=*"], false),
            (
                &["github=otel.example.com", "telemetry=a.example.com"],
                false,
            ),
            (&[], false),
        ] {
            assert_eq!(allows(entries, url), expected, "{entries:?}");
        }
        // Neither scheme nor port makes a difference.
        for url in ["https://Otel.Example.com", "https://otel.example.com:4317"] {
            assert!(allows(&["*.example.com"], url), "{url}");
            assert!(!allows(&["example.com"], url), "{url}");
        }
        assert!(allows(&["127.0.0.1", "[::1]"], "https://[::1]:4318"));
        assert!(!allows(&["127.0.0.1"], "http://127.0.0.2"));
    }

    #[test]
    fn what_is_no_host_allows_nothing_and_is_said() {
        for entry in [
            "https://otel.example.com",
            "otel.example.com:4318",
            "otel.example.com/v1",
            "a*.example.com",
            "*.*",
            "=a.example.com",
            "",
            "a b",
        ] {
            let (egress, wrong) = Egress::parse([entry]);
            assert_eq!(egress, Egress::Only(vec![]), "{entry}");
            assert!(wrong[0].contains("left out"), "{wrong:?}");
        }
    }

    #[test]
    fn a_policy_is_shown_as_it_is_written() {
        assert_eq!(policy(&["*"]).to_string(), "*");
        assert_eq!(policy(&[]).to_string(), "none");
        let some = policy(&["A.example.com", "*.b.example.com", "telemetry=*"]);
        assert_eq!(
            some.to_string(),
            "a.example.com, *.b.example.com, telemetry=*"
        );
    }
}
