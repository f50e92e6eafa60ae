//! The provider by which people sign in, as commands see it: the doctor asks it, and no account is made
//! by which nobody could sign in.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};
use testkit::Problem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::stage::{launch, tallybook};

/// A provider that says what it is, and which keys it has; it ends with the test. `said` is put beside
/// what it says of itself.
async fn provider(keys: Value, said: Value) -> Result<String, Problem> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let issuer = format!("http://{}", listener.local_addr()?);
    let at = |path: &str| json!(format!("{issuer}/{path}"));
    let mut metadata = json!({"issuer": issuer, "authorization_endpoint": at("authorise"),
        "token_endpoint": at("token"), "jwks_uri": at("keys")});
    if let (Some(own), Some(said)) = (metadata.as_object_mut(), said.as_object()) {
        own.extend(said.clone());
    }
    let answers = [
        ("/.well-known/openid-configuration ", metadata.to_string()),
        ("/keys ", json!({ "keys": keys }).to_string()),
    ];
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut head = Vec::new();
            let mut piece = [0; 1024];
            while !head.ends_with(b"\r\n\r\n") {
                match socket.read(&mut piece).await {
                    Ok(read) if read > 0 => head.extend_from_slice(&piece[..read]),
                    _ => break,
                }
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let known = answers.iter().find(|(path, _)| head.contains(path));
            let (status, body) = match known {
                Some((_, body)) => ("200 OK", body.as_str()),
                None => ("404 Not Found", "{}"),
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            // Who asks may be gone.
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    Ok(issuer)
}

/// A public key of no one: the generator of the curve P-256.
fn key() -> Value {
    json!({"kty": "EC", "crv": "P-256", "kid": "one", "use": "sig",
        "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY",
        "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"})
}

fn config(issuer: &str, more: &str) -> String {
    format!(
        "[listen]\nhttp = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\nui = \"127.0.0.1:0\"\n\
         [access.oidc]\nname = \"Example SSO\"\nissuer = \"{issuer}\"\nclient_id = \"tallybook\"\n\
         default_roles = [\"viewer\"]\nallow_http = true\n{more}"
    )
}

const ALLOWED: &str = "allow = [\"127.0.0.1\"]\n";

/// What the doctor finds about signing in: its status, and all it says.
fn examined(home: &Path, config: &str) -> Result<(String, String), Problem> {
    let file = home.join("tallybook.toml");
    fs::write(&file, config)?;
    let (dir, file) = (home.join("data"), file);
    let output = tallybook(&[
        "doctor",
        "--format",
        "json",
        "--data-dir",
        &dir.to_string_lossy(),
        "--config",
        &file.to_string_lossy(),
        "--url",
        "http://127.0.0.1:9",
    ])?;
    let document: Value = serde_json::from_slice(&output.stdout).map_err(|error| {
        let said = String::from_utf8_lossy(&output.stderr);
        Problem::new(format!("{error}: {said}"))
    })?;
    let findings = document["findings"].as_array().cloned().unwrap_or_default();
    let finding = findings
        .iter()
        .find(|finding| finding["check"] == "sign_in")
        .cloned()
        .ok_or_else(|| Problem::new("nothing is said about signing in"))?;
    let status = finding["status"].as_str().unwrap_or_default().to_owned();
    assert_eq!(status == "failed", finding["mend"].is_string(), "{finding}");
    Ok((status, finding.to_string()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_asks_the_provider() -> Result<(), Problem> {
    let home = tempfile::tempdir()?;
    let good = provider(json!([key()]), json!({})).await?;
    let keyless = provider(json!([{"kty": "oct", "k": "AAAA"}]), json!({})).await?;
    let other = provider(
        json!([key()]),
        json!({"issuer": "https://other.example.com"}),
    )
    .await?;
    let secret = home.path().join("secret");
    fs::write(&secret, "not-a-real-one\n")?;
    let with_secret = |mode| -> Result<String, Problem> {
        fs::set_permissions(&secret, fs::Permissions::from_mode(mode))?;
        let file = secret.to_string_lossy();
        Ok(config(
            &good,
            &format!("{ALLOWED}client_secret_file = \"{file}\"\n"),
        ))
    };
    let private = with_secret(0o600)?;
    let cases = [
        (
            config(&good, ALLOWED),
            "ok",
            "Example SSO answers, with 1 keys",
        ),
        (private, "ok", "1 keys"),
        (config(&good, ""), "failed", "access.oidc.allow"),
        (
            config(&keyless, ALLOWED),
            "failed",
            "no key that can be used",
        ),
        (
            config(&other, ALLOWED),
            "failed",
            "https://other.example.com",
        ),
        (
            config("http://127.0.0.1:9", ALLOWED),
            "failed",
            "127.0.0.1:9",
        ),
    ];
    for (config, status, says) in cases {
        let (found, said) = examined(home.path(), &config)?;
        assert!(found == status && said.contains(says), "{says}: {said}");
        assert!(!said.contains("not-a-real-one"), "{said}");
    }
    let open = with_secret(0o644)?;
    let (found, said) = examined(home.path(), &open)?;
    assert!(found == "failed" && said.contains("chmod 600"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_account_is_made_by_which_nobody_can_sign_in() -> Result<(), Problem> {
    let settings = |off: bool| {
        let off = if off {
            "password_sign_in = false\n"
        } else {
            ""
        };
        let all = config("http://127.0.0.1:9", off);
        // The stage says itself where to listen.
        all.split_once("[access.oidc]")
            .map(|(_, rest)| format!("[access.oidc]{rest}"))
            .unwrap_or_default()
    };
    let mut server = launch().settings(&settings(true)).start()?;
    let dir = server.data_dir().display().to_string();
    for words in [
        &[
            "user",
            "add",
            "ann@example.com",
            "--role",
            "viewer",
            "--data-dir",
            &dir,
        ][..],
        &["user", "password", "ann@example.com", "--data-dir", &dir],
    ] {
        let output = tallybook(words)?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
        for part in ["ann@example.com signs in by Example SSO", "user setup"] {
            assert!(said.contains(part), "{said}");
        }
    }
    // What the server that ran last was told is what counts.
    server.terminate()?;
    server.restart_as(launch().settings(&settings(false)))?;
    let words = [
        "user",
        "add",
        "ann@example.com",
        "--role",
        "viewer",
        "--data-dir",
        &dir,
    ];
    let output = tallybook(&words)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("12 characters"),
        "asks for a password: {said}"
    );
    Ok(())
}
