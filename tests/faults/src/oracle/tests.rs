//! The oracle is not fooled: neither by a list of stored items that differs from the book, nor by a
//! server that acknowledges and stores nothing.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::batch::Batch;

/// A book with an acknowledged batch in every lane, and everything of it as it must be stored.
fn book() -> (Ledger, Vec<Stored>) {
    let mut ledger = Ledger::default();
    let mut stored = Vec::new();
    for _ in LANES {
        let batch = ledger.issue(3, 40);
        ledger.acknowledge(&batch);
        stored.extend(batch.numbers().map(|number| as_stored(&batch, number)));
    }
    (ledger, stored)
}

fn as_stored(batch: &Batch, number: u64) -> Stored {
    Stored {
        signal: batch.lane.signal,
        id: crate::batch::id_of(number),
        content: Content::of(number, batch.note_bytes),
    }
}

/// Changes what is stored; the finding must be that, and nothing else.
fn check(change: fn(&mut Vec<Stored>), expected: fn(&mut Finding)) {
    let (ledger, mut stored) = book();
    let mut finding = compare(&ledger, &stored);
    assert!(finding.is_clean() && finding.stored == 27, "{finding}");
    change(&mut stored);
    expected(&mut finding);
    assert_eq!(compare(&ledger, &stored), finding);
    assert!(finding.verdict().is_err());
}

#[test]
fn each_difference_is_told_apart() {
    check(
        |stored| drop(stored.remove(5)),
        |finding| {
            finding.lost = vec![5];
            finding.stored = 26;
        },
    );
    check(
        |stored| stored.push(stored[7].clone()),
        |finding| finding.duplicated = vec![7],
    );
    check(
        |stored| stored[4].content.note.push('x'),
        |finding| finding.altered = vec![4],
    );
    check(
        |stored| stored[4].content.tokens += 1,
        |finding| finding.altered = vec![4],
    );
    check(
        |stored| stored[4].content.session.clear(),
        |finding| finding.altered = vec![4],
    );
    check(
        |stored| stored[0].signal = Signal::Traces,
        |finding| finding.altered = vec![0],
    );
    check(
        |stored| {
            let mut never_issued = stored[0].clone();
            never_issued.id = "item-27".to_owned();
            stored.push(never_issued);
        },
        |finding| finding.foreign = vec!["item-27".to_owned()],
    );
}

#[test]
fn what_was_never_acknowledged_may_be_stored_or_not() {
    let mut ledger = Ledger::default();
    let batch = ledger.issue(4, 10);
    let half: Vec<_> = batch
        .numbers()
        .take(2)
        .map(|n| as_stored(&batch, n))
        .collect();
    assert!(compare(&ledger, &[]).is_clean());
    assert!(compare(&ledger, &half).is_clean());
    ledger.acknowledge(&batch);
    assert_eq!(compare(&ledger, &half).lost, [2, 3]);
    ledger.forgive(3);
    assert!(compare(&ledger, &half).is_clean());
}

#[test]
fn contents_differ_and_are_always_the_same() {
    let contents: Vec<_> = (0..500).map(|number| Content::of(number, 33)).collect();
    for (number, content) in contents.iter().enumerate() {
        assert_eq!(*content, Content::of(number as u64, 33));
        let same = contents.iter().filter(|other| other.note == content.note);
        assert_eq!((same.count(), content.note.len()), (1, 33));
    }
}

/// The answer of a liar: to exports success, to questions no rows, to the fates no item.
async fn lie(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes());
    let question = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
    let answer = match head.uri.path() {
        "/api/v1/query" if question.contains("count(") => r#"[{"count":0}]"#.to_owned(),
        "/api/v1/query" => "[]".to_owned(),
        "/api/v1/fates" => {
            let none = json!({"received": 0, "accepted": 0, "deduplicated": 0, "quarantined": 0, "rejected": 0,
                "of_refused_people": 0});
            let signals = json!({"logs": none, "metrics": none, "traces": none});
            json!({"since_ms": 0, "settled": true, "signals": signals, "refused_requests": []})
                .to_string()
        }
        _ => String::new(),
    };
    let mut response = Response::new(Full::from(answer));
    let status = HeaderValue::from_static("0");
    response.headers_mut().insert("grpc-status", status);
    Ok(response)
}

#[tokio::test]
async fn a_server_that_acknowledges_and_stores_nothing_is_caught() -> Result<(), Problem> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let connection = auto::Builder::new(TokioExecutor::new());
                let stream = TokioIo::new(stream);
                // A client that goes away is no fault of the liar.
                let _ = connection.serve_connection(stream, service_fn(lie)).await;
            });
        }
    });
    let addresses = Addresses {
        http: address.clone(),
        grpc: address.clone(),
        ui: address,
    };
    let ledger = Shared::default();
    let examined = examine(&addresses, &ledger, Instant::now()).await?;
    let finding = examined.finding;
    assert_eq!((finding.acknowledged, finding.stored), (8, 0), "{finding}");
    assert_eq!(finding.lost, [0, 1, 2, 3, 4, 5, 6, 7]);
    assert!(finding.verdict().is_err());
    serving.abort();
    Ok(())
}
