//! A crawl with bad intentions: every route of the OpenAPI document and every file of the UI, with
//! values, headers, methods and bodies that break other servers.
//!
//! No answer is a failure of the server, hands a value back where a browser would run it, lacks a header
//! of security, or tells of the machine.

use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::bench::{Answer, Bench};
use super::tenants::{House, OTHER, OWN, house_name};

/// What is put in the place of every value.
fn hostile() -> Vec<String> {
    let mut values: Vec<String> = [
        "",
        " ",
        "'",
        "\"",
        "' OR '1'='1",
        "'; DROP TABLE events; --",
        "1 UNION SELECT * FROM _events",
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "javascript:alert(1)",
        "{{7*7}}${7*7}#{7*7}",
        "../../../../etc/passwd",
        "..\\..\\windows\\win.ini",
        "/etc/passwd",
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data/",
        "a\0b",
        "a\r\nSet-Cookie: a=b\r\n\r\n<html>",
        "\u{202e}\u{2066}\u{feff}",
        "\u{1b}[31m",
        "-1",
        "0",
        "1e999",
        "NaN",
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999999999",
        "true",
        "null",
        "[]",
        "{\"a\":{}}",
        "%s%n%x",
        "$(id)`id`|id;id",
        "=cmd|' /C calc'!A0",
    ]
    .map(str::to_owned)
    .to_vec();
    values.push("A".repeat(6_000));
    values.push("(".repeat(3_000));
    values
}

/// A value as it may stand in an address: whole, and as who decodes twice would read it.
fn encoded(value: &str) -> [String; 2] {
    let all: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let twice = all.replace('%', "%25");
    [all, twice]
}

/// What no text is written as.
const BROKEN: &str = "%C0%AE%FF%zz";

struct Crawl {
    bench: Bench,
    /// What each request has, too.
    headers: Vec<(&'static str, String)>,
    /// What must be in no answer, but where it was asked for.
    forbidden: Option<&'static str>,
    asked: usize,
    findings: Vec<String>,
}

impl Crawl {
    /// Of so many values one is tried: what breaks a server breaks it whoever asks, and who is bound asks
    /// what takes long.
    fn step(&self) -> usize {
        match self.forbidden {
            Some(_) => 4,
            None => 1,
        }
    }

    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let own = self.headers.iter();
        let own = own.map(|(name, value)| (*name, value.as_str()));
        // A header of the request's stands in the place of the usual one.
        let own = own.filter(|(name, _)| headers.iter().all(|(given, _)| given != name));
        let all: Vec<(&str, &str)> = headers.iter().copied().chain(own).collect();
        let answer = self.bench.ask(method.clone(), path, &all, body).await;
        self.asked += 1;
        if let Some(word) = self.forbidden
            && shows(&answer, word)
        {
            self.findings.push(format!("{method} {path}: shows {word}"));
        }
        let shown: String = path.chars().take(120).collect();
        for finding in findings(&answer, path, &self.bench.dir.path().to_string_lossy()) {
            self.findings
                .push(format!("{method} {shown} {headers:?}: {finding}"));
        }
        answer
    }
}

/// Whether a word is in an answer's body or headers.
fn shows(answer: &Answer, word: &str) -> bool {
    let mut headers = answer.headers.values();
    let in_headers = headers.any(|value| String::from_utf8_lossy(value.as_bytes()).contains(word));
    in_headers || String::from_utf8_lossy(&answer.body).contains(word)
}

/// What is wrong with an answer.
fn findings(answer: &Answer, path: &str, data_dir: &str) -> Vec<String> {
    let mut found = Vec::new();
    let text = String::from_utf8_lossy(&answer.body);
    if answer.status.is_server_error() {
        found.push(format!("{}: {text:.200}", answer.status));
    }
    found.extend(headers(&answer.headers));
    let kind = answer.header("content-type");
    // What is downloaded is run by no browser.
    let is_inert = ["application/json", "text/plain"]
        .iter()
        .any(|own| kind.starts_with(own))
        || answer
            .header("content-disposition")
            .starts_with("attachment");
    if !is_inert && (text.contains("alert(1)") || text.contains("onerror=")) {
        found.push(format!("a value comes back as {kind:?}"));
    }
    if answer.status.is_client_error()
        && !answer.body.is_empty()
        && !kind.starts_with("application/json")
    {
        found.push(format!("{} is told as {kind:?}", answer.status));
    }
    let is_of_state = ["/metrics", "/api/v1/status"]
        .iter()
        .any(|own| path.starts_with(own));
    for word in [
        data_dir,
        "panicked",
        "stack backtrace",
        ".rs:",
        ".cargo",
        "/crates/",
        "root:x:",
        "1.2.3",
    ] {
        if text.contains(word) && !(is_of_state && word == "1.2.3") && !is_of_the_ui(kind) {
            found.push(format!("tells of {word:?}"));
        }
    }
    found
}

fn is_of_the_ui(kind: &str) -> bool {
    ["text/html", "text/javascript", "text/css"]
        .iter()
        .any(|own| kind.starts_with(own))
}

fn headers(of: &HeaderMap) -> Vec<String> {
    let mut found = Vec::new();
    for name in [
        "content-security-policy",
        "x-content-type-options",
        "referrer-policy",
        "cache-control",
    ] {
        if !of.contains_key(name) {
            found.push(format!("lacks {name}"));
        }
    }
    for name in [
        "server",
        "x-powered-by",
        "set-cookie",
        "access-control-allow-origin",
        "location",
    ] {
        if of.contains_key(name) {
            found.push(format!("has {name}"));
        }
    }
    found
}

/// Every route with its method, its place in the path for each value, and its parameters.
fn routes() -> Vec<(Method, String, Vec<String>)> {
    let document: Value = serde_json::from_str(&api::openapi_json()).expect("JSON");
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let parameters = operation["parameters"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let of_query = parameters.iter().filter(|own| own["in"] == "query");
            let names = of_query.map(|own| own["name"].as_str().expect("a name").to_owned());
            let method = method.to_uppercase().parse().expect("a method");
            routes.push((method, path.clone(), names.collect()));
        }
    }
    for own in [
        "/",
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/openapi.json",
        "/index.html",
        "/assets/none.js",
    ] {
        routes.push((Method::GET, own.to_owned(), Vec::new()));
    }
    routes
}

fn filled(path: &str, value: &str) -> String {
    let mut filled = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        filled += before;
        filled += value;
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    filled + rest
}

#[tokio::test]
async fn nothing_breaks_leaks_or_comes_back() {
    let bench = Bench::with(&["cc329_tools_json"]).await;
    let crawl = crawled(bench, Vec::new(), None).await;
    raw(&crawl.bench).await;
}

/// The same as somebody who has all roles and is bound to one organisation: no answer holds a word of
/// another's.
#[tokio::test]
async fn who_is_bound_to_one_organisation_sees_no_word_of_another() {
    let house = House::new().await;
    let cookie = house.cookie("all", OWN).to_owned();
    let headers = vec![
        ("cookie", cookie),
        ("content-type", "application/json".to_owned()),
    ];
    let crawl = crawled(house.bench, headers, Some(OTHER)).await;
    // They were somebody to the end, and would have seen the word.
    let (cookie, question) = (&crawl.headers[0].1, "{\"sql\": \"SELECT * FROM events\"}");
    let headers = [
        ("cookie", cookie.as_str()),
        ("content-type", "application/json"),
    ];
    let bench = &crawl.bench;
    let own = bench
        .ask(Method::POST, "/api/v1/query", &headers, question)
        .await;
    assert!(own.status == StatusCode::OK && shows(&own, OWN));
    let bound = access::Change::Organizations(access::Organizations::all());
    bench
        .gate
        .change(&house_name("all", OWN), bound)
        .expect("bound no more");
    let all = bench
        .ask(Method::POST, "/api/v1/query", &headers, question)
        .await;
    assert!(shows(&all, OTHER));
}

async fn crawled(
    bench: Bench,
    headers: Vec<(&'static str, String)>,
    forbidden: Option<&'static str>,
) -> Crawl {
    let mut crawl = Crawl {
        bench,
        headers,
        forbidden,
        asked: 0,
        findings: Vec::new(),
    };
    for (method, path, parameters) in routes() {
        if path == "/api/v1/live" {
            // It goes on for ever; its head is looked at below.
            continue;
        }
        if forbidden.is_some() && path == "/api/v1/session" {
            // They would be signed out.
            continue;
        }
        values(&mut crawl, &method, &path, &parameters).await;
        envelopes(&mut crawl, &path).await;
    }
    bodies(&mut crawl).await;
    files(&mut crawl).await;
    let (asked, findings) = (crawl.asked, &crawl.findings);
    assert!(
        findings.is_empty(),
        "{} findings in {asked} requests:\n{}",
        findings.len(),
        findings.join("\n")
    );
    assert!(asked > 2_000 / crawl.step(), "only {asked} requests");
    crawl
}

async fn values(crawl: &mut Crawl, method: &Method, path: &str, parameters: &[String]) {
    let usual = filled(path, "cost");
    let odd = [String::from("odd")];
    let names = if parameters.is_empty() {
        &odd[..]
    } else {
        parameters
    };
    let values = hostile();
    let values = values.iter().step_by(crawl.step());
    let values = values.flat_map(|value| encoded(value));
    for value in values.chain([BROKEN.to_owned()]) {
        if path.contains('{') && !value.is_empty() {
            let path = filled(path, &value);
            crawl.ask(method.clone(), &path, &[], "").await;
        }
        for name in names {
            let path = format!("{usual}?{name}={value}");
            crawl.ask(method.clone(), &path, &[], "").await;
        }
    }
}

/// Methods, hosts, sites and media types.
async fn envelopes(crawl: &mut Crawl, path: &str) {
    let path = filled(path, "cost");
    for method in [
        "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "X",
    ] {
        crawl
            .ask(method.parse().expect("a method"), &path, &[], "")
            .await;
    }
    for headers in [
        [("host", "evil.example.com")],
        [("host", "localhost.evil.example.com")],
        [("host", "127.0.0.1:1@evil.example.com")],
        [("origin", "https://evil.example.com")],
        [("origin", "null")],
        [("sec-fetch-site", "cross-site")],
        [("x-forwarded-host", "evil.example.com")],
        [("x-original-url", "/metrics")],
        [("x-http-method-override", "DELETE")],
        [("content-type", "application/x-www-form-urlencoded")],
        [("content-type", "text/html<script>alert(1)</script>")],
        [("accept", "text/html")],
        [("accept-encoding", "gzip;q=1e999, *")],
        [("if-none-match", "\"\"\"*, W/")],
        [("range", "bytes=0-18446744073709551615,-1,5-2")],
        [("cookie", "a=<script>alert(1)</script>; __Host-session=x")],
        [("authorization", "Basic ////")],
        [("upgrade", "websocket")],
        [("expect", "200-ok")],
    ] {
        crawl.ask(Method::GET, &path, &headers, "").await;
    }
}

/// Bodies of the one route that takes one.
async fn bodies(crawl: &mut Crawl) {
    let json = [("content-type", "application/json")];
    let mut bodies: Vec<String> = vec![
        "{".into(),
        "[]".into(),
        "null".into(),
        "{\"sql\": 1}".into(),
        "{\"sql\": \"SELECT 1\", \"odd\": 1}".into(),
        "{\"sql\": \"SELECT 1\", \"max_rows\": -1}".into(),
        "{\"sql\": \"SELECT 1\", \"format\": \"<script>alert(1)</script>\"}".into(),
        "[".repeat(100_000),
        format!("{{\"sql\": \"{}\"}}", "A".repeat(2 << 20)),
    ];
    for value in hostile().into_iter().step_by(crawl.step()) {
        for format in ["json", "csv", "table", "parquet"] {
            let text = value.replace('\'', "''");
            let body =
                serde_json::json!({"sql": format!("SELECT '{text}' AS x"), "format": format});
            bodies.push(body.to_string());
        }
        bodies.push(serde_json::json!({ "sql": value }).to_string());
    }
    for body in bodies {
        let answer = crawl.ask(Method::POST, "/api/v1/query", &json, &body).await;
        let kind = answer.header("content-type").to_owned();
        assert!(!kind.starts_with("text/html"), "{kind}");
    }
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
    ] {
        let answer = crawl
            .ask(
                Method::POST,
                "/api/v1/query",
                &[("content-type", kind)],
                "{\"sql\": \"SELECT 1\"}",
            )
            .await;
        assert!(
            answer.status.is_client_error(),
            "{kind:?}: {}",
            answer.status
        );
    }
}

/// The files of the UI, and what lies beside them.
async fn files(crawl: &mut Crawl) {
    let start = crawl.ask(Method::GET, "/", &[], "").await;
    let page = String::from_utf8(start.body.to_vec()).expect("UTF-8");
    let links = page.split('"').filter(|part| part.starts_with("/assets/"));
    let links: Vec<String> = links.map(str::to_owned).collect();
    assert!(!links.is_empty(), "{page}");
    for link in links {
        let answer = crawl.ask(Method::GET, &link, &[], "").await;
        assert_eq!(answer.status, StatusCode::OK, "{link}");
        crawl
            .ask(Method::GET, &format!("{link}/../../Cargo.toml"), &[], "")
            .await;
    }
    for path in [
        "/../Cargo.toml",
        "/assets/../../Cargo.toml",
        "/assets/%2e%2e/%2e%2e/Cargo.toml",
        "/assets/..%2f..%2fCargo.toml",
        "/..%5c..%5cCargo.toml",
        "//evil.example.com/",
        "/.git/config",
        "/.env",
        "/keys/server.key",
        "/api/../metrics",
        "/api/v1/%2e%2e/%2e%2e/metrics",
    ] {
        let answer = crawl.ask(Method::GET, path, &[], "").await;
        let text = String::from_utf8_lossy(&answer.body);
        assert!(
            !text.contains("[package]") && !text.contains("[workspace]"),
            "{path}"
        );
    }
}

/// What no client of ours can write.
async fn raw(bench: &Bench) {
    let host = format!("Host: {}\r\n", bench.addr);
    for text in [
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\n{host}{host}\r\n"),
        format!("GET /\0 HTTP/1.1\r\n{host}\r\n"),
        format!("GET / HTTP/1.1\r\n{host}X: a\0b\r\n\r\n"),
        format!("GET http://evil.example.com/ HTTP/1.1\r\n{host}\r\n"),
        format!(
            "POST /api/v1/query HTTP/1.1\r\n{host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        format!(
            "POST /api/v1/query HTTP/1.1\r\n{host}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"
        ),
        format!("GET /{} HTTP/1.1\r\n{host}\r\n", "a".repeat(100_000)),
        format!("GET / HTTP/1.1\r\n{host}X: {}\r\n\r\n", "a".repeat(600_000)),
        "<script>alert(1)</script>\r\n\r\n".to_owned(),
    ] {
        let mut connection = tokio::net::TcpStream::connect(bench.addr)
            .await
            .expect("connects");
        // The server may have answered and gone before all is written.
        let _ = connection.write_all(text.as_bytes()).await;
        let _ = connection.shutdown().await;
        let mut answer = Vec::new();
        let mut connection = connection.take(1 << 20);
        let read = tokio::io::copy(&mut connection, &mut answer);
        let _ = tokio::time::timeout(std::time::Duration::from_secs(20), read)
            .await
            .expect("an end");
        let answer = String::from_utf8_lossy(&answer);
        let shown: String = text.chars().take(60).collect();
        assert!(
            !answer.contains("alert(1)") && !answer.contains(" 500 "),
            "{shown:?}: {answer:.300}"
        );
    }
    assert_eq!(bench.get("/healthz").await.status, StatusCode::OK);
}
