//! Ingest tokens: made by the command line, sent as exporters send them, and judged at the door.

use bytes::Bytes;
use contract::Signal;
use fleet::{Answer, Client, ContentEncoding, Transport};
use http::{HeaderName, HeaderValue};
use otlp::Encoding;
use serde_json::{Value, json};
use testkit::{Problem, Server, exchange, until};

use crate::command_line::{check_failure, printed};
use crate::emit::{emit, environment};
use crate::stage::{PATIENCE, launch};

/// Every way in which a request comes.
const WAYS: [(Transport, Encoding); 3] = [
    (Transport::Http, Encoding::Json),
    (Transport::Http, Encoding::Protobuf),
    (Transport::Grpc, Encoding::Protobuf),
];
/// What exporters call the header, and what they put before the token.
const BEARER: (&str, &str) = ("authorization", "Bearer ");

/// A token as the command line printed it.
struct Made {
    id: String,
    text: String,
}

fn make(server: &Server, words: &[&str]) -> Result<Made, Problem> {
    let dir = server.data_dir().display().to_string();
    let mut arguments = vec!["token"];
    arguments.extend_from_slice(words);
    arguments.extend(["--data-dir", &dir, "--format", "json"]);
    let rows: Value = serde_json::from_str(&printed(&arguments)?)?;
    let text = |key: &str| rows[0][key].as_str().unwrap_or_default().to_owned();
    Ok(Made {
        id: text("id"),
        text: text("text"),
    })
}

fn create(server: &Server, slot: &str, more: &[&str]) -> Result<Made, Problem> {
    let words = ["create", slot, "--organization", "Example"];
    make(server, &[&words[..], more].concat())
}

fn revoke(server: &Server, name: &str) -> Result<(), Problem> {
    let dir = server.data_dir().display().to_string();
    printed(&["token", "revoke", name, "--data-dir", &dir]).map(drop)
}

/// An export request with one event for each organisation; `number` makes them different.
fn body(encoding: Encoding, number: u32, organizations: &[&str]) -> Result<Bytes, Problem> {
    let record = |(at, organization): (usize, &&str)| {
        let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        json!({
            "timeUnixNano": "0",
            "body": {"stringValue": "claude_code.user_prompt"},
            "attributes": [
                text("event.name", "user_prompt"),
                text("prompt.id", &format!("{number}-{at}")),
                text("organization.id", organization),
            ]
        })
    };
    let records: Vec<Value> = organizations.iter().enumerate().map(record).collect();
    let request = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).to_string();
    match encoding {
        Encoding::Json => Ok(request.into()),
        Encoding::Protobuf => {
            let limits = otlp::Limits::default();
            Ok(otlp::from_json(Signal::Logs, request.as_bytes(), &limits)?
                .protobuf
                .into())
        }
    }
}

/// Who sends, and how.
struct Sender<'a> {
    server: &'a Server,
    way: (Transport, Encoding),
    header: Option<(&'a str, String)>,
    next: std::cell::Cell<u32>,
}

impl<'a> Sender<'a> {
    fn new(server: &'a Server, way: (Transport, Encoding)) -> Sender<'a> {
        let ways = WAYS
            .iter()
            .position(|known| *known == way)
            .unwrap_or_default() as u32;
        Sender {
            server,
            way,
            header: None,
            next: std::cell::Cell::new(ways * 1_000),
        }
    }

    fn with(self, (name, before): (&'a str, &str), token: &str) -> Sender<'a> {
        Sender {
            header: Some((name, format!("{before}{token}"))),
            ..self
        }
    }

    async fn send_for(&self, organizations: &[&str]) -> Result<Answer, Problem> {
        let (transport, encoding) = self.way;
        let addresses = self.server.addresses();
        let address = match transport {
            Transport::Http => &addresses.http,
            Transport::Grpc => &addresses.grpc,
        };
        let mut client = Client::new(&format!("http://{address}"), transport)?;
        if let Some((name, value)) = &self.header {
            let name = HeaderName::from_bytes(name.as_bytes())?;
            client = client.with_header(name, HeaderValue::try_from(value)?);
        }
        self.next.set(self.next.get() + 1);
        let body = body(encoding, self.next.get(), organizations)?;
        let sent = client.send(
            Signal::Logs,
            encoding,
            ContentEncoding::Identity,
            body,
            None,
        );
        Ok(sent.await?)
    }

    async fn send(&self) -> Result<Answer, Problem> {
        self.send_for(&["org-1"]).await
    }

    /// Sends, and is answered with this status, or this code over gRPC, and these words.
    async fn is_told(&self, status: u16, code: u32, says: &str) -> Result<(), Problem> {
        let answer = self.send().await?;
        let said = match answer.grpc_status {
            Some(found) => {
                assert_eq!(found, code, "{says}: {answer:?}");
                answer.grpc_message.clone().unwrap_or_default()
            }
            None => {
                assert_eq!(answer.status, status, "{says}: {answer:?}");
                let seconds = answer.retry_after.map(|after| after.as_secs());
                assert_eq!(seconds, (status == 429).then_some(1), "{says}: {answer:?}");
                String::from_utf8_lossy(&answer.body).into_owned()
            }
        };
        assert!(said.contains(says), "{says}: {said}");
        Ok(())
    }

    async fn is_taken(&self) -> Result<(), Problem> {
        let answer = self.send().await?;
        assert!(answer.is_success(), "{answer:?}");
        Ok(())
    }
}

async fn rows_of(server: &Server, token: &str) -> Result<u64, Problem> {
    let sql =
        format!("SELECT count(*) FROM events WHERE token = '{token}' AND organization = 'Example'");
    server.sql().count(&sql).await
}

/// Open until there is a token; then only what comes with one that is right.
#[tokio::test(flavor = "multi_thread")]
async fn once_there_is_a_token_only_live_ones_are_taken() -> Result<(), Problem> {
    let mut server = launch().start()?;
    assert!(
        server.log().contains("intake is open on loopback"),
        "{}",
        server.log()
    );
    for way in WAYS {
        Sender::new(&server, way).is_taken().await?;
    }
    let made = create(&server, "cowork", &[])?;
    let other = made.text.replace(&made.id, "aaaaaaaaaaaa");
    let wrong = format!("{}{}", &made.text[..17], "A".repeat(43));
    for way in WAYS {
        // In this order the server meets the new token before it has looked at the book again.
        Sender::new(&server, way)
            .with(BEARER, &made.text)
            .is_taken()
            .await?;
        let told = "A token is needed";
        Sender::new(&server, way).is_told(401, 16, told).await?;
        for unknown in [&other, &wrong] {
            let told = "The token is not known here.";
            Sender::new(&server, way)
                .with(BEARER, unknown)
                .is_told(401, 16, told)
                .await?;
        }
        let told = "is no ingest token";
        Sender::new(&server, way)
            .with(BEARER, "secret")
            .is_told(401, 16, told)
            .await?;
    }
    let ledger = server.sql().settled_ledger().await?;
    assert_eq!(
        (
            ledger.of_token("").accepted,
            ledger.of_token(&made.id).accepted
        ),
        (3, 3)
    );
    assert_eq!(ledger.refused(false), 12);
    assert_eq!(rows_of(&server, &made.id).await?, 3);
    for end in [Server::kill, Server::terminate] {
        end(&mut server)?;
        server.restart()?;
        assert!(
            server.log().contains("only what comes with a token"),
            "{}",
            server.log()
        );
        let sender = Sender::new(&server, WAYS[1]);
        sender.is_told(401, 16, "A token is needed").await?;
        assert_eq!(
            rows_of(&server, &made.id).await?,
            3,
            "what is stored names its token"
        );
    }
    let sender = Sender::new(&server, WAYS[2]).with(BEARER, &made.text);
    sender.next.set(9_000);
    sender.is_taken().await?;
    revoke(&server, "cowork")?;
    until(PATIENCE, "the end of a revoked token", async || {
        Ok((!sender.send().await?.is_success()).then_some(()))
    })
    .await?;
    sender.is_told(401, 16, "The token was revoked").await?;
    sender.server.sql().settled_ledger().await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_found_wherever_an_exporter_puts_it() -> Result<(), Problem> {
    let server = launch()
        .settings("[intake]\ntoken_headers = [\"x-key\"]\n")
        .start()?;
    let made = create(&server, "ci", &[])?;
    // user "tallybook", password the token: 10 bytes, so that its base64 ends on a whole group.
    for way in WAYS {
        for place in [
            BEARER,
            ("Authorization", "bearer "),
            ("x-key", ""),
            ("x-key", "Bearer "),
        ] {
            Sender::new(&server, way)
                .with(place, &made.text)
                .is_taken()
                .await?;
        }
        let unlisted = Sender::new(&server, way).with(("x-api-key", ""), &made.text);
        unlisted.is_told(401, 16, "A token is needed").await?;
    }
    let dir = server.data_dir().display().to_string();
    let listed = printed(&["token", "list", "--data-dir", &dir, "--format", "json"])?;
    assert!(
        !listed.contains(&made.text[17..]),
        "the secret is shown once: {listed}"
    );
    assert!(!server.log().contains(&made.text[17..]), "{}", server.log());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_bound_to_signals_networks_times_and_amounts() -> Result<(), Problem> {
    let server = launch().start()?;
    let limits: [(&str, &[&str], u16, u32, &str); 4] = [
        (
            "metrics",
            &["--signal", "metrics"],
            403,
            7,
            "may not send logs",
        ),
        (
            "far",
            &["--network", "192.0.2.0/24"],
            403,
            7,
            "from this address",
        ),
        (
            "slow",
            &["--requests-per-minute", "1"],
            429,
            8,
            "in a minute",
        ),
        (
            "small",
            &["--items-per-day", "1"],
            429,
            8,
            "of today are used up",
        ),
    ];
    for (slot, more, status, code, says) in limits {
        let made = create(&server, slot, more)?;
        let first = Sender::new(&server, WAYS[0]).with(BEARER, &made.text);
        if status == 429 {
            first.is_taken().await?;
        }
        for way in WAYS {
            let sender = Sender::new(&server, way).with(BEARER, &made.text);
            sender.is_told(status, code, says).await?;
        }
    }
    let near = create(
        &server,
        "near",
        &["--network", "127.0.0.0/8", "--signal", "logs"],
    )?;
    Sender::new(&server, WAYS[0])
        .with(BEARER, &near.text)
        .is_taken()
        .await?;
    let brief = create(&server, "brief", &["--expires", "1s"])?;
    let sender = Sender::new(&server, WAYS[0]).with(BEARER, &brief.text);
    until(PATIENCE, "the end of a token", async || {
        Ok((!sender.send().await?.is_success()).then_some(()))
    })
    .await?;
    sender.is_told(401, 16, "The token has expired").await?;
    let ledger = server.sql().settled_ledger().await?;
    assert_eq!(ledger.refused(true), 6, "{ledger:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_is_rotated_without_a_gap() -> Result<(), Problem> {
    let server = launch().start()?;
    let old = create(&server, "cowork", &["--organization-id", "org-1"])?;
    let dir = server.data_dir().display().to_string();
    check_failure(
        &[
            "token",
            "create",
            "cowork",
            "--organization",
            "Example",
            "--data-dir",
            &dir,
        ],
        2,
        &["slot \"cowork\" has a live token", "token rotate cowork"],
    );
    let new = make(&server, &["rotate", "cowork"])?;
    check_failure(
        &["token", "rotate", "cowork", "--data-dir", &dir],
        2,
        &["2 live tokens", &old.id, &new.id],
    );
    for (at, token) in [&old, &new].into_iter().enumerate() {
        for way in WAYS {
            let sender = Sender::new(&server, way).with(BEARER, &token.text);
            sender.next.set(sender.next.get() + 100 * at as u32);
            sender.is_taken().await?;
        }
    }
    let shown: Value = serde_json::from_str(&printed(&[
        "token",
        "show",
        &old.id,
        "--data-dir",
        &dir,
        "--format",
        "json",
    ])?)?;
    let lasts = shown[0]["expires_ms"].as_u64().unwrap_or_default()
        - shown[0]["created_ms"].as_u64().unwrap_or_default();
    assert!(
        lasts >= 7 * 86_400_000,
        "a session may go on for a week: {shown}"
    );
    // What the old one sent is known when the new one sends it again.
    let again = Sender::new(&server, WAYS[0]).with(BEARER, &new.text);
    again.is_taken().await?;
    let ledger = server.sql().settled_ledger().await?;
    assert_eq!(ledger.of_token(&new.id).deduplicated, 1, "{ledger:?}");
    revoke(&server, &old.id)?;
    let sender = Sender::new(&server, WAYS[0]).with(BEARER, &new.text);
    sender.next.set(500);
    sender.is_taken().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_another_organisation_is_set_aside() -> Result<(), Problem> {
    let mut server = launch().start()?;
    let made = create(&server, "cowork", &["--organization-id", "org-1"])?;
    for way in WAYS {
        let sender = Sender::new(&server, way).with(BEARER, &made.text);
        let answer = sender.send_for(&["org-1", "org-2", "org-1"]).await?;
        assert!(answer.is_success(), "{answer:?}");
        let said = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(said.contains("names another organisation"), "{said}");
    }
    for round in 0..2 {
        let sql = server.sql();
        let found = sql
            .count("SELECT count(*) FROM events WHERE organization_id = 'org-2'")
            .await?;
        assert_eq!(
            (found, rows_of(&server, &made.id).await?),
            (0, 6),
            "round {round}"
        );
        let aside = format!(
            "SELECT count(*) FROM quarantine WHERE token = '{}' AND reason LIKE '%another organisation%'",
            made.id
        );
        assert_eq!(sql.count(&aside).await?, 3, "round {round}");
        sql.settled_ledger().await?;
        // What was decided is decided again when the journal is replayed.
        server.kill()?;
        server.restart()?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn by_policy_it_is_refused_whole() -> Result<(), Problem> {
    let settings = "[intake]\nforeign_organization = \"refuse\"\nrequire_token = true\n";
    let server = launch().settings(settings).start()?;
    Sender::new(&server, WAYS[0])
        .is_told(401, 16, "A token is needed")
        .await?;
    let made = create(&server, "cowork", &["--organization-id", "org-1"])?;
    for way in WAYS {
        let sender = Sender::new(&server, way).with(BEARER, &made.text);
        let answer = sender.send_for(&["org-1", "org-2"]).await?;
        match answer.grpc_status {
            Some(code) => assert_eq!(code, 7, "{answer:?}"),
            None => assert_eq!(answer.status, 403, "{answer:?}"),
        }
        sender.is_taken().await?;
    }
    let fate = server.sql().settled_ledger().await?.of_token(&made.id);
    assert_eq!(
        (fate.accepted, fate.rejected, fate.quarantined),
        (3, 6, 0),
        "{fate:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn loopback_stays_open_if_that_is_wanted() -> Result<(), Problem> {
    let server = launch()
        .settings("[intake]\nopen_loopback = true\n")
        .start()?;
    let made = create(&server, "cowork", &[])?;
    for way in WAYS {
        Sender::new(&server, way).is_taken().await?;
        let wrong = made.text.replace(&made.id, "aaaaaaaaaaaa");
        let sender = Sender::new(&server, way).with(BEARER, &wrong);
        sender
            .is_told(401, 16, "The token is not known here.")
            .await?;
    }
    Ok(())
}

/// The same words of two organisations are two items.
#[tokio::test(flavor = "multi_thread")]
async fn nobodys_item_is_another_organisations_repetition() -> Result<(), Problem> {
    let server = launch().start()?;
    let one = create(&server, "one", &[])?;
    let other = make(&server, &["create", "other", "--organization", "Another"])?;
    for made in [&one, &other, &one] {
        let sender = Sender::new(&server, WAYS[1]);
        sender.with(BEARER, &made.text).is_taken().await?;
    }
    let ledger = server.sql().settled_ledger().await?;
    let (first, second) = (ledger.of_token(&one.id), ledger.of_token(&other.id));
    assert_eq!((first.accepted, first.deduplicated), (1, 1), "{ledger:?}");
    assert_eq!((second.accepted, second.deduplicated), (1, 0), "{ledger:?}");
    Ok(())
}

/// An exporter sends what `OTEL_EXPORTER_OTLP_HEADERS` says, over each protocol.
#[tokio::test(flavor = "multi_thread")]
async fn an_emitter_sends_it_by_its_environment() -> Result<(), Problem> {
    let server = launch().start()?;
    let made = create(&server, "emitter", &[])?;
    for protocol in ["http/json", "http/protobuf", "grpc"] {
        let open = environment(&server, protocol);
        let mut variables = open.clone();
        let header = format!("Authorization=Bearer%20{}", made.text);
        variables.push(("OTEL_EXPORTER_OTLP_HEADERS".to_owned(), header));
        let taken = emit(&variables, &["user_prompt", "prompt=Hello"])?;
        assert_eq!(
            (taken.0, taken.2.as_str()),
            (0, ""),
            "{protocol}: {taken:?}"
        );
        // The server has met the token, and so knows that there is one.
        let refused = emit(&open, &["user_prompt", "prompt=Hello"])?;
        assert!(
            refused.0 == 1 && refused.2.contains("the event was not delivered"),
            "{protocol}: {refused:?}"
        );
    }
    assert_eq!(rows_of(&server, &made.id).await?, 3);
    server.sql().settled_ledger().await.map(drop)
}

/// The API makes, rotates and revokes; for its own origin, and in JSON.
#[tokio::test(flavor = "multi_thread")]
async fn the_api_does_the_same_for_its_own_origin() -> Result<(), Problem> {
    let server = launch().start()?;
    let ui = server.addresses().ui_url();
    let post = async |path: &str, headers: &[(&str, &str)], body: &str| {
        let url = format!("{ui}/api/v1/tokens{path}");
        exchange(http::Method::POST, &url, headers, body.to_owned()).await
    };
    let json = ("content-type", "application/json");
    let wish = r#"{"slot": "web", "organization": "Example"}"#;
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let refused: [(Headers<'_>, &str, u16); 6] = [
        (&[("content-type", "text/plain")], wish, 415),
        (&[json, ("origin", "https://evil.example")], wish, 403),
        (&[json, ("origin", "null")], wish, 403),
        (&[json, ("sec-fetch-site", "cross-site")], wish, 403),
        (&[json], r#"{"slot": "web"}"#, 400),
        (
            &[json],
            r#"{"slot": "web", "organization": "Example", "admin": true}"#,
            400,
        ),
    ];
    for (headers, body, status) in refused {
        assert_eq!(
            post("", headers, body).await?.status,
            status,
            "{headers:?} {body}"
        );
    }
    let made = post("", &[json, ("origin", &ui)], wish).await?;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json()?;
    let text = made["text"].as_str().unwrap_or_default().to_owned();
    Sender::new(&server, WAYS[0])
        .with(BEARER, &text)
        .is_taken()
        .await?;
    assert_eq!(post("/web/rotate", &[json], "{}").await?.status, 201);
    assert_eq!(post("/nothing/rotate", &[json], "{}").await?.status, 404);
    let ended = post("/web/revoke", &[json], "{}").await?.json()?;
    assert_eq!(ended.as_array().map(Vec::len), Some(2), "{ended}");
    let listed = exchange(http::Method::GET, &format!("{ui}/api/v1/tokens"), &[], "")
        .await?
        .json()?;
    assert_eq!(listed["intake"], "closed", "{listed}");
    assert!(!listed.to_string().contains(&text[17..]), "{listed}");
    let used = listed["tokens"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|token| token["last_used_ms"].is_u64());
    assert_eq!(used.count(), 1, "{listed}");
    Ok(())
}

/// Who names nobody is whom their token is bound to.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_person_names_them() -> Result<(), Problem> {
    let mut server = launch().start()?;
    let made = create(&server, "laptop", &["--person", "ann@example.com"])?;
    Sender::new(&server, WAYS[1])
        .with(BEARER, &made.text)
        .is_taken()
        .await?;
    // The server looks after who tokens name when it starts, and every ten seconds.
    server.terminate()?;
    server.restart()?;
    let rows = server
        .sql()
        .rows("SELECT person, person_basis FROM events")
        .await?;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0]["person"].as_str(), rows[0]["person_basis"].as_str()),
        (Some("ann@example.com"), Some("token"))
    );
    Ok(())
}
