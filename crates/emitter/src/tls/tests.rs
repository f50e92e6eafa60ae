//! Files that can be used, and files that cannot: each is named, with the reason and the cure.

use pkcs8::PrivateKeyInfoRef;
use pkcs8::pkcs5::pbes2::Parameters;

use super::*;
use crate::finding::Finding;
use crate::settings::{Layers, Settings};
use crate::tests::authority::Authority;

const SECRET: &str = "a passphrase";

fn client(certificate: &str, key: &str, passphrase: Option<&str>) -> TlsFiles {
    TlsFiles {
        client: Some(ClientCertificate {
            certificate: certificate.into(),
            key: key.into(),
            passphrase: passphrase.map(str::to_owned),
        }),
        ..TlsFiles::default()
    }
}

#[track_caller]
fn check_fault(files: &TlsFiles, part: TlsPart, words: &[&str]) {
    let fault = Tls::load(files).expect_err("a fault");
    assert_eq!(fault.part, part, "{fault}");
    for word in words {
        assert!(fault.reason.contains(word), "`{word}` in: {fault}");
    }
    assert!(!fault.reason.contains(SECRET), "{fault}");
}

fn authorities(path: &str) -> TlsFiles {
    TlsFiles {
        authorities: Some(path.into()),
        ..TlsFiles::default()
    }
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let authority = Authority::new("ours");
    let (certificate, key) = authority.client_files();
    let part = TlsPart::Authorities;
    check_fault(
        &authorities("/nowhere.pem"),
        part,
        &["/nowhere.pem", "cannot be read"],
    );
    check_fault(&authorities("/dev/null"), part, &["is not a file"]);
    check_fault(
        &authorities(&key),
        part,
        &["client.key", "no certificate", "BEGIN CERTIFICATE"],
    );
    let damaged = authority.write("damaged.pem", "-----BEGIN CERTIFICATE-----\n?\n");
    check_fault(&authorities(&damaged), part, &["damaged.pem is damaged"]);
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let nonsense = authority.write("nonsense.pem", nonsense);
    check_fault(&authorities(&nonsense), part, &["cannot be used"]);
    let large = authority.write("large.pem", &"\n".repeat(FILE_BYTES_MAX as usize + 1));
    check_fault(&authorities(&large), part, &["larger than"]);
    let more = TlsFiles {
        more_authorities: Some("/nowhere.pem".into()),
        ..authorities(&authority.file())
    };
    check_fault(&more, TlsPart::MoreAuthorities, &["/nowhere.pem"]);

    check_fault(
        &client(&key, &key, None),
        TlsPart::Certificate,
        &["no certificate"],
    );
    check_fault(
        &client(&certificate, &certificate, None),
        TlsPart::Key,
        &["no private key"],
    );
    let other = authority.write(
        "other.key",
        &authority.issue("b.example.com").key.serialize_pem(),
    );
    check_fault(
        &client(&certificate, &other, None),
        TlsPart::Key,
        &["belong together"],
    );
    assert!(Tls::load(&client(&certificate, &key, None)).is_ok());
    assert!(Tls::load(&client(&certificate, &key, Some("not needed"))).is_ok());
}

#[test]
fn a_named_authority_alone_is_trusted_instead_of_the_system_s() {
    let authority = Authority::new("ours");
    let named = roots(&authorities(&authority.file())).expect("trust");
    assert_eq!(named.len(), 1);
    let beside = TlsFiles {
        more_authorities: Some(authority.file().into()),
        ..TlsFiles::default()
    };
    let system = rustls_native_certs::load_native_certs().certs;
    let mut understood = RootCertStore::empty();
    understood.add_parsable_certificates(system);
    assert_eq!(roots(&beside).expect("trust").len(), understood.len() + 1);
}

/// A client's certificate, and its key encrypted with so many rounds.
fn encrypted(authority: &Authority, rounds: u32) -> (String, String) {
    let client = authority.issue("agent.example.com");
    let plain = client.key.serialize_der();
    let plain = PrivateKeyInfoRef::try_from(&plain[..]).expect("PKCS#8");
    let parameters = Parameters::generate_pbkdf2_sha256_aes256cbc(rounds, b"saltsalt", [7; 16]);
    let sealed = plain
        .encrypt_with_params(parameters.expect("parameters"), SECRET)
        .expect("encrypted");
    let pem = sealed.to_pem("ENCRYPTED PRIVATE KEY", pkcs8::LineEnding::LF);
    let text = format!("Bag Attributes: none\n{}", pem.expect("text").as_str());
    (
        authority.write("agent.pem", &client.pem),
        authority.write("encrypted.key", &text),
    )
}

/// The same key file, said to be of PBKDF2 with SHA-1.
fn with_sha1(pem: &str) -> String {
    let start = pem.find("-----BEGIN").expect("a part");
    let (_, document) = SecretDocument::from_pem(&pem[start..]).expect("PEM");
    // hmacWithSHA256 is 1.2.840.113549.2.9, hmacWithSHA1 ends in 7.
    let sha256 = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09];
    let mut der = document.as_bytes().to_vec();
    let at = der
        .windows(8)
        .position(|part| part == sha256)
        .expect("there");
    der[at + 7] = 7;
    let document = SecretDocument::try_from(&der[..]).expect("DER");
    let pem = document
        .to_pem("ENCRYPTED PRIVATE KEY", pkcs8::LineEnding::LF)
        .expect("text");
    pem.as_str().to_owned()
}

#[test]
fn an_encrypted_key_is_opened_with_its_passphrase_alone() {
    let authority = Authority::new("ours");
    let (certificate, key) = encrypted(&authority, 2048);
    let check = |passphrase, words: &[&str]| {
        check_fault(&client(&certificate, &key, passphrase), TlsPart::Key, words);
    };
    assert!(Tls::load(&client(&certificate, &key, Some(SECRET))).is_ok());
    check(
        None,
        &[
            "encrypted.key is encrypted",
            "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE",
        ],
    );
    check(
        Some("another"),
        &["cannot be decrypted", "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE"],
    );
    // As OpenSSL 1.0 wrote them.
    let text = std::fs::read(&key).expect("a file");
    let text = String::from_utf8(text).expect("text");
    let sha1 = authority.write("sha1.key", &with_sha1(&text));
    let old = client(&certificate, &sha1, Some(SECRET));
    check_fault(
        &old,
        TlsPart::Key,
        &["not supported", "-v2prf hmacWithSHA256"],
    );
    let (certificate, key) = encrypted(&authority, ROUNDS_MAX + 1);
    let slow = client(&certificate, &key, Some("another"));
    check_fault(&slow, TlsPart::Key, &["too long"]);
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n";
    let old = authority.write("old.key", old);
    check_fault(
        &client(&certificate, &old, Some("x")),
        TlsPart::Key,
        &["openssl pkcs8 -topk8"],
    );
    let odd = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let odd = authority.write("odd.key", odd);
    check_fault(
        &client(&certificate, &odd, Some("x")),
        TlsPart::Key,
        &["not supported", "openssl"],
    );
}

#[test]
fn a_passphrase_is_never_shown() {
    let files = client("a.pem", "a.key", Some(SECRET));
    assert!(!format!("{files:?}").contains(SECRET), "{files:?}");
}

fn read(more: &[(&str, &str)]) -> (Settings, Vec<Finding>) {
    let base = [
        ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://localhost:4317"),
    ];
    Settings::read(Layers::of(base.into_iter().chain(more.iter().copied())))
}

/// One finding with these words; `goes` says whether events are sent all the same.
#[track_caller]
fn check_setting(more: &[(&str, &str)], goes: bool, words: &[&str]) {
    let (settings, findings) = read(more);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(settings.logs.endpoint.is_some(), goes);
    for word in words {
        assert!(
            findings[0].to_string().contains(word),
            "`{word}` in: {findings:?}"
        );
    }
}

#[test]
fn settings_name_the_variable_that_is_wrong() {
    let authority = Authority::new("ours");
    let (certificate, key) = authority.client_files();
    let trust = ("OTEL_EXPORTER_OTLP_CERTIFICATE", &*authority.file());
    let nowhere = ("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", "/nowhere.pem");
    let words = [
        "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE: ",
        "/nowhere.pem",
        "nothing is sent",
    ];
    check_setting(&[trust, nowhere], false, &words);
    let alone = ("CLAUDE_CODE_CLIENT_CERT", &*certificate);
    let words = [
        "CLAUDE_CODE_CLIENT_CERT: ",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY or CLAUDE_CODE_CLIENT_KEY",
    ];
    check_setting(&[trust, alone], false, &words);
    let alone = ("OTEL_EXPORTER_OTLP_CLIENT_KEY", &*key);
    check_setting(
        &[trust, alone],
        false,
        &["OTEL_EXPORTER_OTLP_CLIENT_KEY: ", "CLAUDE_CODE_CLIENT_CERT"],
    );
    let more = ("NODE_EXTRA_CA_CERTS", "/nowhere.pem");
    check_setting(
        &[trust, more],
        true,
        &["NODE_EXTRA_CA_CERTS: ", "not trusted"],
    );
    let wrong = [
        trust,
        ("CLAUDE_CODE_CLIENT_CERT", &certificate),
        ("CLAUDE_CODE_CLIENT_KEY", &certificate),
    ];
    check_setting(
        &wrong,
        false,
        &["CLAUDE_CODE_CLIENT_KEY: ", "no private key"],
    );
    let plain = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4317");
    let unused = "OTEL_EXPORTER_OTLP_CERTIFICATE";
    check_setting(
        &[plain, trust],
        true,
        &[unused, "no effect on logs", "https://"],
    );
    let everybodys = [plain, more, ("CLAUDE_CODE_CLIENT_CERT", "/nowhere.pem")];
    assert_eq!(
        read(&everybodys).1,
        [],
        "they are for other connections too"
    );
}

#[test]
fn the_passphrase_is_read_from_its_variable() {
    let authority = Authority::new("ours");
    let (certificate, key) = encrypted(&authority, 1000);
    let (settings, findings) = read(&[
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", &authority.file()),
        ("CLAUDE_CODE_CLIENT_CERT", &certificate),
        ("CLAUDE_CODE_CLIENT_KEY", &key),
        ("CLAUDE_CODE_CLIENT_KEY_PASSPHRASE", SECRET),
    ]);
    assert_eq!(findings, []);
    assert!(
        settings
            .logs
            .endpoint
            .expect("one")
            .tls
            .expect("TLS")
            .has_client()
    );
}
