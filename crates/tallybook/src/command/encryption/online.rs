//! `tallybook encryption` of a server that goes on serving.

use std::time::Duration;

use serde_json::{Value, json};
use store::{EncryptionStatus, Resealed};

use super::super::say;
use super::{summary, written};
use crate::cli::PlainFormat;
use crate::client::{self, Target};
use crate::failure::Failure;

/// How often a server is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(250);

async fn standing(server: &Target) -> Result<Value, Failure> {
    let answer = client::get(server, &["api", "v1", "encryption"]).await?;
    serde_json::from_slice(&answer).map_err(Failure::failed)
}

fn status_of(standing: &Value) -> Result<EncryptionStatus, Failure> {
    serde_json::from_value(standing["status"].clone()).map_err(Failure::failed)
}

pub(super) async fn status(server: &Target, format: PlainFormat) -> Result<(), Failure> {
    let standing = standing(server).await?;
    if format == PlainFormat::Json {
        return say(&standing.to_string());
    }
    say(&written(&status_of(&standing)?))?;
    let rewriting = &standing["rewriting"];
    match (
        rewriting["is_running"].as_bool(),
        rewriting["failed"].as_str(),
    ) {
        (Some(true), _) => say(&format!(
            "Being written anew: {} of {} parts.",
            rewriting["parts_done"], rewriting["parts_total"]
        )),
        (_, Some(failed)) => say(&format!("Writing anew failed: {failed}")),
        _ => Ok(()),
    }
}

pub(super) async fn rotate(server: &Target) -> Result<(), Failure> {
    client::post_json(server, "/api/v1/encryption/rotate", &json!({})).await?;
    say(
        "Every organisation has a new key for what is written from now on. To write anew what is under old ones: tallybook encryption rewrite --url.",
    )
}

pub(super) async fn reload(server: &Target) -> Result<(), Failure> {
    let answer = client::post_json(server, "/api/v1/encryption/reload", &json!({})).await?;
    let answer: Value = serde_json::from_slice(&answer).map_err(Failure::failed)?;
    say(&format!(
        "The root key is {} from now on. The one before opens nothing here any more; backups made before still need it.",
        answer["root_key"].as_str().unwrap_or_default()
    ))
}

pub(super) async fn rewrite(server: &Target) -> Result<(), Failure> {
    client::post_json(server, "/api/v1/encryption/rewrite", &json!({})).await?;
    loop {
        let standing = standing(server).await?;
        let rewriting = &standing["rewriting"];
        if rewriting["is_running"] == true {
            tokio::time::sleep(ASK_EVERY).await;
            continue;
        }
        if let Some(failed) = rewriting["failed"].as_str() {
            return Err(Failure::failed(failed));
        }
        let last: Resealed =
            serde_json::from_value(rewriting["last"].clone()).map_err(Failure::failed)?;
        say(&summary(&last, 0))?;
        say(&written(&status_of(&standing)?))?;
        return match last.unreadable {
            0 => Ok(()),
            parts => Err(Failure::failed(format!(
                "{parts} parts cannot be read and are as they were: see tallybook doctor"
            ))),
        };
    }
}
