use http::Method;

use crate::bench::Bench;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[tokio::test]
async fn a_host_that_is_not_ours_is_refused() {
    let bench = Bench::with(&[]).await;
    for (host, status) in [
        ("evil.example:4319", 421),
        ("localhost.evil.example", 421),
        ("localhost", 200),
        ("127.0.0.1:9", 200),
        ("[::1]:4319", 200),
        ("tally.example.org", 200),
    ] {
        for path in ["/api/v1/status", "/", "/metrics"] {
            let answer = bench.ask(Method::GET, path, &[("host", host)], "").await;
            assert_eq!(answer.status.as_u16(), status, "{host} {path}");
        }
        assert_eq!(
            bench
                .ask(Method::GET, "/readyz", &[("host", host)], "")
                .await
                .status,
            200,
            "{host}"
        );
    }
}

#[tokio::test]
async fn another_site_may_not_use_the_api() {
    let bench = Bench::with(&[]).await;
    for (site, status) in [
        ("cross-site", 403),
        ("same-site", 403),
        ("same-origin", 200),
        ("none", 200),
    ] {
        let answer = bench
            .ask(
                Method::GET,
                "/api/v1/status",
                &[("sec-fetch-site", site)],
                "",
            )
            .await;
        assert_eq!(answer.status.as_u16(), status, "{site}");
        assert!(answer.headers.get("access-control-allow-origin").is_none());
    }
    // A link from elsewhere opens the UI.
    assert_eq!(
        bench
            .ask(Method::GET, "/", &[("sec-fetch-site", "cross-site")], "")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let bench = Bench::with(&[]).await;
    for (method, path, stored) in [
        (Method::GET, "/", "no-cache"),
        (Method::GET, "/sessions/some.id", "no-cache"),
        (Method::GET, "/api/v1/status", "no-store"),
        (Method::GET, "/api/v1/nothing", "no-store"),
        (Method::GET, "/assets/nothing.js", "no-store"),
        (Method::DELETE, "/api/v1/status", "no-store"),
        (Method::POST, "/", "no-store"),
        (Method::GET, "/api/v1/live", "no-store"),
        (Method::GET, "/healthz", "no-store"),
    ] {
        let request = http::Request::builder()
            .method(method.clone())
            .uri(format!("http://{}{path}", bench.addr));
        let answer = bench
            .open(request.body(Default::default()).expect("a request"))
            .await;
        for (name, expect) in [
            ("content-security-policy", POLICY),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", stored),
        ] {
            assert_eq!(answer.headers()[name], expect, "{method} {path} {name}");
        }
    }
    assert_eq!(
        bench
            .ask(Method::DELETE, "/api/v1/status", &[], "")
            .await
            .status,
        405
    );
}
