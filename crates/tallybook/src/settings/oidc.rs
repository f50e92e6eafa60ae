//! By which provider people sign in: `[access.oidc]`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use access::federation::{Group, Rules};
use access::{Organizations, Role};
use oidc::ClientSecret;
use outgoing::{Allow, Limits};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::Listen;
use crate::provider::Wanted;

/// Under which setting outgoing requests are allowed.
const ALLOW: &str = "access.oidc.allow";

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Oidc {
    /// What people call the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    issuer: String,
    client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret_env: Option<String>,
    #[serde(default = "usual_scopes")]
    scopes: Vec<String>,
    /// The address under which browsers reach us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_url: Option<String>,
    #[serde(default = "usual_claim")]
    groups_claim: String,
    /// Of who is in no group that is named.
    #[serde(default)]
    default_roles: Vec<Role>,
    /// Of which organisations they see and manage what is there; without it, of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default_organizations: Option<Vec<String>>,
    #[serde(default)]
    allowed_domains: Vec<String>,
    /// Whether people may go on signing in by password.
    #[serde(default = "yes")]
    password_sign_in: bool,
    /// Hosts and networks that may be asked although they are not for the public.
    #[serde(default)]
    allow: Vec<String>,
    #[serde(default)]
    allow_http: bool,
    /// The authorities that vouch for the provider, in place of those that the system trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authorities: Option<PathBuf>,
    #[serde(default, rename = "group", skip_serializing_if = "Vec::is_empty")]
    groups: Vec<GroupSetting>,
    /// The folder of the configuration file, by which these paths go.
    #[serde(skip)]
    base: PathBuf,
}

/// What the members of one group get.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct GroupSetting {
    name: String,
    roles: Vec<Role>,
    /// Of which organisations; without it, of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    organizations: Option<Vec<String>>,
}

fn usual_scopes() -> Vec<String> {
    ["openid", "profile", "email"].map(str::to_owned).to_vec()
}

fn usual_claim() -> String {
    "groups".to_owned()
}

fn yes() -> bool {
    true
}

impl Oidc {
    /// Makes paths go by the folder of the configuration file.
    pub(super) fn beside(&mut self, configuration: &Path) {
        self.base = super::folder_of(configuration);
    }

    /// Whether nobody may sign in by password.
    pub(super) fn passwords_off(&self) -> bool {
        !self.password_sign_in
    }

    /// The host under which browsers reach us, if it is set.
    pub(super) fn public_host(&self) -> Option<String> {
        let url = Url::parse(self.public_url.as_ref()?).ok()?;
        url.host_str().map(str::to_owned)
    }

    /// What is wanted, checked; what is wrong is put to `problems`.
    pub(super) fn checked(&self, listen: &Listen, problems: &mut Vec<String>) -> Wanted {
        let mut wrong = |key: &str, why: String| problems.push(format!("access.oidc.{key}: {why}"));
        let issuer = self.issuer(&mut wrong);
        self.check_words(&mut wrong);
        self.check_groups(&mut wrong);
        self.check_public_url(listen, &mut wrong);
        let allow = self.allow.iter().filter_map(|text| {
            let read = text.parse::<Allow>();
            read.map_err(|why| wrong("allow", why)).ok()
        });
        let allow = allow.collect();
        let host = issuer.as_ref().and_then(Url::host_str).unwrap_or_default();
        let rules = self.rules(&mut wrong);
        Wanted {
            name: self.name.clone().unwrap_or_else(|| host.to_owned()),
            config: oidc::Config {
                issuer: self.issuer.clone(),
                client_id: self.client_id.clone(),
                secret: self.secret(),
                scopes: self.scopes.clone(),
                wanted: rules.wanted(),
            },
            rules,
            public_url: self.public_url.clone(),
            outgoing: outgoing::Rules {
                setting: ALLOW,
                allow,
                allow_http: self.allow_http,
                limits: Limits::default(),
            },
            authorities: self.authorities.as_ref().map(|path| self.base.join(path)),
        }
    }

    fn issuer(&self, wrong: &mut impl FnMut(&str, String)) -> Option<Url> {
        let issuer = &self.issuer;
        let parsed = Url::parse(issuer).ok().filter(Url::has_host);
        let is_plain = parsed.as_ref().is_some_and(|url| {
            url.query().is_none() && url.fragment().is_none() && url.username().is_empty()
        });
        let scheme = parsed.as_ref().map_or("", Url::scheme);
        match (is_plain, scheme) {
            (true, "https") => {}
            (true, "http") if self.allow_http => {}
            (true, "http") => wrong(
                "issuer",
                format!(
                    "{issuer} would be asked without TLS: write https, or set allow_http = true for a provider on this machine"
                ),
            ),
            _ => wrong(
                "issuer",
                format!(
                    "{issuer:?} is no issuer: write it as the provider does, like https://sso.example.com"
                ),
            ),
        }
        parsed
    }

    fn check_words(&self, wrong: &mut impl FnMut(&str, String)) {
        if self.client_id.trim().is_empty() {
            wrong(
                "client_id",
                "it is empty: the provider shows it where the application is registered".to_owned(),
            );
        }
        if self.client_secret_file.is_some() && self.client_secret_env.is_some() {
            let why = "and client_secret_env contradict each other: set one of them";
            wrong("client_secret_file", why.to_owned());
        }
        if !self.scopes.iter().any(|scope| scope == "openid") {
            wrong("scopes", "\"openid\" must be among them".to_owned());
        }
        let is_odd = |scope: &String| scope.is_empty() || scope.contains(char::is_whitespace);
        if let Some(odd) = self.scopes.iter().find(|scope| is_odd(scope)) {
            wrong(
                "scopes",
                format!("{odd:?} is no scope: write them one by one"),
            );
        }
        for domain in &self.allowed_domains {
            if domain.is_empty() || domain.contains(['@', '*', '/', ' ']) {
                wrong(
                    "allowed_domains",
                    format!("{domain:?} is no domain: write example.com"),
                );
            }
        }
    }

    fn check_groups(&self, wrong: &mut impl FnMut(&str, String)) {
        if self.groups.is_empty() && self.default_roles.is_empty() {
            wrong(
                "group",
                "nobody could sign in: name a group with its roles ([[access.oidc.group]]), or set default_roles".to_owned(),
            );
        }
        if self.groups_claim.trim().is_empty() {
            wrong(
                "groups_claim",
                "it is empty: name the claim that holds groups".to_owned(),
            );
        }
        for group in &self.groups {
            if group.name.is_empty() || group.roles.is_empty() {
                let name = &group.name;
                wrong(
                    "group",
                    format!("{name:?} needs a name and one role at least"),
                );
            }
        }
    }

    /// Where nothing is set the address of the UI is taken, which others cannot reach us by.
    fn check_public_url(&self, listen: &Listen, wrong: &mut impl FnMut(&str, String)) {
        let Some(text) = &self.public_url else {
            if !listen.ui.ip().is_loopback() {
                wrong(
                    "public_url",
                    "it is needed where others can reach the UI: https://tally.example.com"
                        .to_owned(),
                );
            }
            return;
        };
        let parsed = Url::parse(text).ok().filter(Url::has_host);
        let is_root = parsed.as_ref().is_some_and(|url| {
            url.path() == "/" && url.query().is_none() && url.fragment().is_none()
        });
        let is_safe = parsed.as_ref().is_some_and(|url| match url.scheme() {
            "https" => true,
            "http" => is_loopback(url),
            _ => false,
        });
        if !is_root || !is_safe {
            wrong(
                "public_url",
                format!(
                    "{text:?} is none: write scheme and host alone, with https unless it is on this machine: https://tally.example.com"
                ),
            );
        }
    }

    fn secret(&self) -> ClientSecret {
        match (&self.client_secret_file, &self.client_secret_env) {
            (Some(path), _) => ClientSecret::File(self.base.join(path)),
            (None, Some(name)) => ClientSecret::Environment(name.clone()),
            (None, None) => ClientSecret::None,
        }
    }

    fn rules(&self, wrong: &mut impl FnMut(&str, String)) -> Rules {
        let mut asked = |key: &str, names: &Option<Vec<String>>| {
            let read = Organizations::asked(names.clone());
            read.unwrap_or_else(|error| {
                wrong(key, error.to_string());
                Organizations::all()
            })
        };
        let default_organizations = asked("default_organizations", &self.default_organizations);
        let groups = self.groups.iter().map(|group| Group {
            name: group.name.clone(),
            roles: group.roles.clone(),
            organizations: asked("group", &group.organizations),
        });
        let groups = groups.collect();
        Rules {
            groups_claim: self.groups_claim.clone(),
            groups,
            default_roles: self.default_roles.clone(),
            default_organizations,
            domains: self
                .allowed_domains
                .iter()
                .map(|one| one.to_lowercase())
                .collect(),
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}
