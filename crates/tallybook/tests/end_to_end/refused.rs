//! Who was erased and is refused comes in no more: not in any field, over any transport, after a restart or
//! SIGKILL, and not while the refusal begins; others have all of theirs, and it can be lifted.

use std::path::PathBuf;

use http::Method;
use otlp::Encoding;
use serde_json::Value as Json;
use testkit::{Problem, Server, exchange};

use crate::erase::{ANN, BEN, erase, places, requests, rows};
use crate::stage::{deliver, launch, tallybook, with_body};

/// Items of one round of requests.
const ROUND: u64 = 24;

/// Items that were rejected because of whom they are, since the start.
async fn of_refused(server: &Server) -> Result<u64, Problem> {
    let all = server.sql().settled_ledger().await?.all();
    assert!(all.rejected >= all.of_refused_people, "{all:?}");
    Ok(all.of_refused_people)
}

/// Nothing of them is in any answer, in any byte of the data directory, or in the log.
async fn is_nowhere(server: &Server) -> Result<(), Problem> {
    assert_eq!(rows(server, ANN).await?, [0; 4]);
    assert_eq!(places(&server.data_dir(), ANN)?, Vec::<PathBuf>::new());
    let log = server.log();
    for canary in [ANN, "canary-of-ann"] {
        assert!(!log.contains(canary), "{log}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_of_them_later_leaves_no_byte() -> Result<(), Problem> {
    let mut server = launch().settings("[store]\nflush_rows = 20\n").start()?;
    for who in [ANN, BEN] {
        deliver(&server, &requests(who, 0)?).await?;
    }
    let ben = rows(&server, BEN).await?;
    let (code, certificate) = erase(&server, &["--yes", "--and-refuse"])?;
    assert_eq!(code, 0, "{certificate}");
    deliver(&server, &requests(ANN, 0)?).await?;
    assert_eq!(of_refused(&server).await?, ROUND);
    is_nowhere(&server).await?;
    said_to_the_client(&server).await?;
    beside_others(&server).await?;
    for is_killed in [false, true] {
        match is_killed {
            true => server.kill()?,
            false => server.terminate()?,
        }
        server.restart()?;
        deliver(&server, &requests(ANN, 0)?).await?;
        assert_eq!(of_refused(&server).await?, ROUND);
        is_nowhere(&server).await?;
    }
    deliver(&server, &requests(BEN, 1)?).await?;
    assert_eq!(
        rows(&server, BEN).await?[0],
        2 * ben[0] + 10,
        "others come in"
    );
    lifted(&server).await
}

/// In one request with somebody else's: these come in, and nothing of the others, not their resource either.
async fn beside_others(server: &Server) -> Result<(), Problem> {
    let before = rows(server, BEN).await?;
    let pairs = requests(ANN, 0)?.into_iter().zip(requests(BEN, 3)?);
    let mut both = Vec::new();
    for (ann, ben) in pairs.filter(|(ann, _)| ann.encoding == Encoding::Protobuf) {
        // Messages of protobuf end to end are one with the groups of both.
        both.push(with_body(
            &ann,
            [ann.plain_body.clone(), ben.plain_body].concat(),
        ));
    }
    deliver(server, &both).await?;
    is_nowhere(server).await?;
    let now = rows(server, BEN).await?;
    assert_eq!(
        [now[0] - before[0], now[1] - before[1], now[2] - before[2]],
        [10, 2, 2]
    );
    Ok(())
}

/// The answer says how many, and names nobody.
async fn said_to_the_client(server: &Server) -> Result<(), Problem> {
    let url = format!("http://{}/v1/logs", server.addresses().http);
    let json = requests(ANN, 0)?.into_iter().next();
    let json = json.ok_or_else(|| Problem::new("there is a request"))?;
    let headers = [("content-type", "application/json")];
    let body = String::from_utf8_lossy(&json.plain_body).into_owned();
    let answer = exchange(Method::POST, &url, &headers, body).await?;
    let said = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.status, 200, "{said}");
    let said: Json = serde_json::from_str(&said)?;
    assert_eq!(said["partialSuccess"]["rejectedLogRecords"], "5", "{said}");
    let message = said["partialSuccess"]["errorMessage"].to_string();
    assert!(
        message.contains("erased") && !message.contains("ann"),
        "{message}"
    );
    Ok(())
}

/// The list names nobody; who is taken off it comes in again.
async fn lifted(server: &Server) -> Result<(), Problem> {
    let dir = server.data_dir().display().to_string();
    let list = [
        "erase",
        "refused",
        "list",
        "--format",
        "json",
        "--data-dir",
        &dir,
    ];
    let listed = tallybook(&list)?;
    let listed: Json = serde_json::from_slice(&listed.stdout)?;
    assert!(!listed.to_string().contains("ann"), "{listed}");
    let id = listed[0]["id"].as_str().unwrap_or_default().to_owned();
    let removed = tallybook(&["erase", "refused", "remove", &id, "--data-dir", &dir])?;
    assert!(removed.status.success(), "{removed:?}");
    let again = tallybook(&["erase", "refused", "remove", &id, "--data-dir", &dir])?;
    assert_eq!(again.status.code(), Some(1), "{again:?}");
    // Others than those that were erased: what is in quarantine has no time, and would be a repetition.
    deliver(server, &requests(ANN, 2)?).await?;
    assert_eq!(rows(server, ANN).await?, [15, 3, 3, 3]);
    let url = format!("{}/api/v1/refused-people", server.addresses().ui_url());
    let none = exchange(Method::GET, &url, &[], "").await?;
    let none: Json = serde_json::from_slice(&none.body)?;
    assert_eq!(none["people"], serde_json::json!([]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_slips_through_while_it_begins() -> Result<(), Problem> {
    let server = launch().settings("[store]\nflush_rows = 20\n").start()?;
    deliver(&server, &requests(BEN, 0)?).await?;
    deliver(&server, &requests(ANN, 0)?).await?;
    let url = server.addresses().ui_url();
    let erasing = tokio::task::spawn_blocking(move || {
        let output = tallybook(&["erase", ANN, "--yes", "--and-refuse", "--url", &url]);
        output
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .map_err(|error| error.to_string())
    });
    // Four who send without a pause, from before it begins until after it has ended.
    let send = async || -> Result<(), Problem> {
        while !erasing.is_finished() {
            deliver(&server, &requests(ANN, 0)?).await?;
        }
        deliver(&server, &requests(ANN, 0)?).await
    };
    tokio::try_join!(send(), send(), send(), send())?;
    let said = erasing
        .await
        .map_err(|error| Problem::new(error.to_string()))?;
    let said = said.map_err(Problem::new)?;
    assert!(said.contains("verified: nothing"), "{said}");
    assert!(of_refused(&server).await? >= 4 * ROUND);
    is_nowhere(&server).await?;
    assert_eq!(rows(&server, BEN).await?, [15, 3, 3, 3]);
    Ok(())
}
