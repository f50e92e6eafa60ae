use http::{Method, StatusCode};

use crate::bench::Bench;

#[tokio::test]
async fn every_page_is_the_uis_start_and_assets_are_kept() {
    let bench = Bench::with(&[]).await;
    let start = bench.get("/").await;
    assert!(
        start.header("content-type").starts_with("text/html"),
        "{start:?}"
    );
    for path in [
        "/index.html",
        "/sessions/0.5-id",
        "/prompts",
        "/no/such/page",
    ] {
        assert_eq!(bench.get(path).await.body, start.body, "{path}");
    }
    let html = String::from_utf8(start.body.to_vec()).expect("text");
    let at = html.find("/assets/").expect("a script");
    let script = &html[at..at + html[at..].find('"').expect("its end")];
    let asset = bench.get(script).await;
    assert_eq!(
        (asset.status, asset.header("content-type")),
        (StatusCode::OK, "text/javascript; charset=utf-8")
    );
    assert_eq!(
        asset.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(
        bench.get("/assets/index-00000000.js").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        bench.get("/favicon.svg").await.header("content-type"),
        "image/svg+xml"
    );
}

#[tokio::test]
async fn what_the_browser_has_is_not_sent_again() {
    let bench = Bench::with(&[]).await;
    let tag = bench.get("/").await.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.len() > 16, "{tag}");
    for (known, status) in [
        (tag.clone(), 304),
        (format!("W/{tag}, \"other\""), 304),
        ("\"other\"".into(), 200),
    ] {
        let answer = bench
            .ask(Method::GET, "/", &[("if-none-match", &known)], "")
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.is_empty()),
            (status, status == 304),
            "{known}"
        );
    }
    let head = bench.ask(Method::HEAD, "/", &[], "").await;
    assert!(
        head.status == StatusCode::OK && head.body.is_empty(),
        "{head:?}"
    );
}
