//! Whether TLS is spoken at the ports: `[listen.tls]`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tls::{ClientCertificate, Files};

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tls {
    /// The server's certificate and those between it and its authority (PEM).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<PathBuf>,
    /// Its private key (PEM).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<PathBuf>,
    /// The authorities whose certificates clients may show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_authorities: Option<PathBuf>,
    /// Whether they must show one.
    pub(crate) client_certificate: Demand,
    /// The folder of the configuration file, by which these paths go.
    #[serde(skip)]
    base: PathBuf,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Demand {
    #[default]
    Required,
    Optional,
}

impl Tls {
    /// Makes paths go by the folder of the configuration file.
    pub(super) fn beside(&mut self, configuration: &Path) {
        self.base = super::folder_of(configuration);
    }

    /// Whether TLS is asked for.
    pub(super) fn is_on(&self) -> bool {
        self.certificate.is_some() || self.key.is_some() || self.client_authorities.is_some()
    }

    /// Which files there are; what is missing is put to `problems`.
    pub(super) fn files(&self, problems: &mut Vec<String>) -> Option<Files> {
        if !self.is_on() {
            return None;
        }
        let at = |path: &PathBuf| self.base.join(path);
        let demand = match self.client_certificate {
            Demand::Required => ClientCertificate::Required,
            Demand::Optional => ClientCertificate::Optional,
        };
        let clients = self.client_authorities.as_ref();
        match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => Some(Files {
                certificate: at(certificate),
                key: at(key),
                clients: clients.map(|path| (at(path), demand)),
            }),
            _ => {
                problems.push(
                    "listen.tls: TLS needs both certificate and key (--tls-certificate and --tls-key)"
                        .to_owned(),
                );
                None
            }
        }
    }
}
