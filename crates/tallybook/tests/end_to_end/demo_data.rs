//! Example data: loaded into a running server and removed again, whatever real clients sent meanwhile.
//! Real items stay to the last one; of the example nothing is left in any answer and any byte.

use std::collections::BTreeSet;

use http::Method;
use search::search;
use serde_json::{Value, json};
use testkit::{Problem, Server, exchange, scenario, until};

use crate::stage::{PATIENCE, launch, play, tallybook};

const VIEWS: [&str; 4] = ["events", "metrics", "prompts", "tool_calls"];
/// What the server gave as the token of what it made itself.
const EXAMPLE: &str = "token LIKE 'example-%'";
/// Columns in which somebody, or what they did, has a name of its own.
const NAMING: [&str; 4] = ["user_email", "user_account_uuid", "session_id", "prompt_id"];

fn demo_data(server: &Server, act: &str) -> Result<(i32, String), Problem> {
    let url = server.addresses().ui_url();
    let output = tallybook(&["demo-data", act, "--url", &url])?;
    let said = [output.stdout, output.stderr].concat();
    Ok((
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&said).into_owned(),
    ))
}

async fn counts(server: &Server) -> Result<Vec<u64>, Problem> {
    let mut counts = Vec::new();
    for view in VIEWS {
        counts.push(
            server
                .sql()
                .count(&format!("SELECT count(*) FROM {view}"))
                .await?,
        );
    }
    Ok(counts)
}

async fn example_rows(server: &Server) -> Result<u64, Problem> {
    let sql = format!("SELECT count(*) FROM events WHERE {EXAMPLE}");
    server.sql().count(&sql).await
}

/// Names that the example's rows have, and its tokens.
async fn names(server: &Server) -> Result<Vec<String>, Problem> {
    let mut names = BTreeSet::new();
    for column in NAMING.iter().chain(&["token"]) {
        let sql = format!(
            "SELECT DISTINCT {column} AS name FROM events WHERE {EXAMPLE} AND {column} IS NOT NULL"
        );
        for row in server.sql().rows(&sql).await? {
            names.extend(row["name"].as_str().map(str::to_owned));
        }
    }
    Ok(names.into_iter().collect())
}

/// A real item of somebody who is called as one of the example is.
async fn send_namesake(server: &Server, email: &str) -> Result<(), Problem> {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let now_ns = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)?
        .as_nanos();
    let body = json!({"resourceLogs": [{
        "resource": {"attributes": [text("service.name", "claude-code")]},
        "scopeLogs": [{"scope": {"name": "com.anthropic.claude_code.events"}, "logRecords": [{
            "timeUnixNano": now_ns.to_string(),
            "body": {"stringValue": "claude_code.user_prompt"},
            "attributes": [text("event.name", "user_prompt"), text("user.email", email),
                           text("session.id", "session-of-the-namesake"), text("prompt", "stay")],
        }]}],
    }]});
    let url = format!("http://{}/v1/logs", server.addresses().http);
    let headers = [("content-type", "application/json")];
    let answer = exchange(Method::POST, &url, &headers, body.to_string()).await?;
    assert_eq!(answer.status, 200);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_without_a_trace_and_real_items_stay() -> Result<(), Problem> {
    let mut server = launch().settings("[store]\nflush_rows = 5000\n").start()?;
    let (code, said) = demo_data(&server, "load")?;
    assert_eq!(code, 0, "{said}");
    let alone = counts(&server).await?;
    assert!(alone.iter().all(|count| *count > 500), "{alone:?}");
    assert_eq!(
        example_rows(&server).await?,
        alone[0],
        "all came with a token of the server"
    );
    let (code, said) = demo_data(&server, "load")?;
    assert!(code == 1 && said.contains("there already"), "{said}");
    let names = names(&server).await?;
    assert!(names.len() > 100, "{} names", names.len());
    let email = names.iter().find(|name| name.contains('@'));
    let email = email.cloned().unwrap_or_default();
    send_namesake(&server, &email).await?;
    play(&scenario("cc329_tools_json")?, &server).await?;
    let both = counts(&server).await?;
    let real: Vec<u64> = both
        .iter()
        .zip(&alone)
        .map(|(all, own)| all - own)
        .collect();
    assert!(real.iter().all(|count| *count > 0), "{real:?}");
    assert!(!search(&server.data_dir(), &names)?.is_empty());

    let (code, said) = demo_data(&server, "remove")?;
    assert!(code == 0 && said.contains("verified"), "{code}: {said}");
    assert_eq!(counts(&server).await?, real);
    assert_eq!(example_rows(&server).await?, 0);
    let gone: Vec<String> = names.into_iter().filter(|name| *name != email).collect();
    assert_eq!(search(&server.data_dir(), &gone)?, []);
    let stays = "SELECT count(*) FROM events WHERE session_id = 'session-of-the-namesake'";
    assert_eq!(
        server.sql().count(stays).await?,
        1,
        "what the namesake sent"
    );
    let (code, said) = demo_data(&server, "remove")?;
    assert!(code == 1 && said.contains("no example data"), "{said}");
    let (code, said) = demo_data(&server, "load")?;
    assert!(code == 1 && said.contains("holds items"), "{said}");

    server.terminate()?;
    server.restart()?;
    assert_eq!(counts(&server).await?, real);
    assert_eq!(search(&server.data_dir(), &gone)?, []);
    Ok(())
}

/// A server is empty again, takes another example, and a removal that SIGKILL meets is ended.
#[tokio::test(flavor = "multi_thread")]
async fn it_can_come_again_and_a_killed_removal_ends() -> Result<(), Problem> {
    let mut server = launch().start()?;
    let mut first = Vec::new();
    for round in 0..2 {
        assert_eq!(demo_data(&server, "load")?.0, 0);
        let counted = counts(&server).await?;
        match round {
            0 => first = counted,
            // Another organisation of about the same size: nothing of it was taken for a repetition.
            _ => assert!(counted[0] * 2 > first[0], "{counted:?} after {first:?}"),
        }
        if round == 0 {
            assert_eq!(demo_data(&server, "remove")?.0, 0);
            let status = server.sql().status().await?;
            assert_eq!(
                status["last_received_ms"],
                Value::Null,
                "it is as if nothing had come"
            );
        }
    }
    let url = format!("{}/api/v1/demo-data", server.addresses().ui_url());
    let headers = [("content-type", "application/json")];
    let answer = exchange(Method::DELETE, &url, &headers, "").await?;
    assert_eq!(answer.status, 202);
    server.kill()?;
    server.restart()?;
    let removed = async || {
        let status = server.sql().status().await?;
        let state = status["demo_data"]["state"].as_str().unwrap_or_default();
        assert!(matches!(state, "removing" | "loaded" | "none"), "{status}");
        Ok((state == "none").then_some(()))
    };
    until(PATIENCE, "the removal to end", removed).await?;
    assert_eq!(counts(&server).await?, [0, 0, 0, 0]);
    Ok(())
}
