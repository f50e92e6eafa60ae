//! TLS by variables: whom to trust, and which certificate to show.
//!
//! Source: the OpenTelemetry specification for `OTEL_EXPORTER_OTLP_*`, the vendor's documentation of
//! mTLS for the others. The clients heed the former over gRPC and the latter over HTTP; here both hold
//! for either, a signal's own first.

use std::path::PathBuf;

use super::export::{Names, one};
use super::reading::Reading;
use crate::tls::{ClientCertificate, Tls, TlsFault, TlsFiles, TlsPart};

const MORE_AUTHORITIES: &str = "NODE_EXTRA_CA_CERTS";
const CERTIFICATE: &str = "CLAUDE_CODE_CLIENT_CERT";
const KEY: &str = "CLAUDE_CODE_CLIENT_KEY";
const PASSPHRASE: &str = "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE";

/// A file, and the variable that names it.
type Named = (String, PathBuf);

/// What TLS needs, or `None` with an error.
pub(super) fn read(reading: &mut Reading, names: &Names) -> Option<Tls> {
    let authorities = file(reading, names, "CERTIFICATE");
    let certificate = client_file(reading, names, "CLIENT_CERTIFICATE", CERTIFICATE);
    let key = client_file(reading, names, "CLIENT_KEY", KEY);
    let client = match (&certificate, &key) {
        (Some(certificate), Some(key)) => Some(ClientCertificate {
            certificate: certificate.1.clone(),
            key: key.1.clone(),
            passphrase: reading.text(PASSPHRASE),
        }),
        (None, None) => None,
        (Some((name, _)), None) => {
            return half(reading, name, ["OTEL_EXPORTER_OTLP_CLIENT_KEY", KEY]);
        }
        (None, Some((name, _))) => {
            let missing = ["OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", CERTIFICATE];
            return half(reading, name, missing);
        }
    };
    let mut files = TlsFiles {
        authorities: authorities.as_ref().map(|(_, path)| path.clone()),
        more_authorities: reading.text(MORE_AUTHORITIES).map(PathBuf::from),
        client,
    };
    let loaded = match Tls::load(&files) {
        // Node goes on without it, and it names authorities for other connections too.
        Err(fault) if fault.part == TlsPart::MoreAuthorities => {
            let message = format!("{fault}; its authorities are not trusted");
            reading.warning(MORE_AUTHORITIES, message);
            files.more_authorities = None;
            Tls::load(&files)
        }
        loaded => loaded,
    };
    let subject = |part| match part {
        TlsPart::Authorities => authorities
            .as_ref()
            .map_or("OTEL_EXPORTER_OTLP_CERTIFICATE", |(name, _)| name.as_str()),
        TlsPart::MoreAuthorities => MORE_AUTHORITIES,
        TlsPart::Certificate => variable(certificate.as_ref()),
        TlsPart::Key => variable(key.as_ref()),
    };
    let said = |fault: TlsFault| {
        let message = format!("{fault}; nothing is sent to this receiver");
        reading.error(subject(fault.part), message);
    };
    loaded.map_err(said).ok()
}

/// Says of variables that are about TLS that an address without it makes nothing of them.
pub(super) fn warn_unused(reading: &mut Reading, names: &Names) {
    for what in ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"] {
        if let Some((name, _)) = one(reading, names, what) {
            let signal = names.signal.name();
            let message = format!(
                "has no effect on {signal}: they go to an http:// address, and are not encrypted. Write https:// if the receiver speaks TLS"
            );
            reading.warning(&name, message);
        }
    }
}

fn variable(named: Option<&Named>) -> &str {
    named.map_or("", |(name, _)| name)
}

fn file(reading: &mut Reading, names: &Names, what: &str) -> Option<Named> {
    one(reading, names, what).map(|(name, path)| (name, PathBuf::from(path)))
}

fn client_file(reading: &mut Reading, names: &Names, what: &str, other: &str) -> Option<Named> {
    file(reading, names, what).or_else(|| {
        let path = reading.text(other)?;
        Some((other.to_owned(), PathBuf::from(path)))
    })
}

fn half(reading: &mut Reading, name: &str, missing: [&str; 2]) -> Option<Tls> {
    let [standard, own] = missing;
    let message =
        format!("is nothing alone: set {standard} or {own} too; nothing is sent to this receiver");
    reading.error(name, message);
    None
}
