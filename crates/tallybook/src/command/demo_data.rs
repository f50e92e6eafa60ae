//! `tallybook demo-data`: example data of a running server, as the button of its page does it.

use std::time::Duration;

use serde_json::{Value, json};
use store::Certificate;

use super::{io_runtime, say, start_logging};
use crate::cli::{DemoAct, DemoDataArgs, LogArgs};
use crate::client::{self, Target};
use crate::failure::Failure;

const PATH: &str = "/api/v1/demo-data";
/// How often a server is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(250);

pub(crate) fn run(args: &DemoDataArgs, log: &LogArgs) -> Result<(), Failure> {
    start_logging(log)?;
    let target = Target::new(&args.url, &args.key)?;
    io_runtime()?.block_on(async {
        match args.act {
            DemoAct::Status => say(&described(&standing(&target).await?)),
            DemoAct::Load => {
                client::post_json(&target, PATH, &json!({})).await?;
                say(&described(&settled(&target, "loading").await?))
            }
            DemoAct::Remove => {
                client::delete(&target, PATH).await?;
                removed(&target, &settled(&target, "removing").await?).await
            }
        }
    })
}

/// How it stands when it does that no more.
async fn settled(target: &Target, doing: &str) -> Result<Value, Failure> {
    loop {
        let standing = standing(target).await?;
        if standing["state"] != doing {
            return match standing["failure"].as_str() {
                Some(why) => Err(Failure::failed(why.to_owned())),
                None => Ok(standing),
            };
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

async fn standing(target: &Target) -> Result<Value, Failure> {
    let status = client::get(target, &["api", "v1", "status"]).await?;
    let status: Value = serde_json::from_slice(&status).map_err(Failure::failed)?;
    match &status["demo_data"] {
        Value::Object(standing) => Ok(Value::Object(standing.clone())),
        _ => Err(Failure::failed("this server has no example data to give")),
    }
}

fn described(standing: &Value) -> String {
    let items = &standing["items"];
    match standing["state"].as_str() {
        Some("none") => "There is no example data.".to_owned(),
        Some(state) => format!("Example data: {state}, {items} items."),
        None => "The server does not say.".to_owned(),
    }
}

/// What was removed, as the certificate says; it fails when something was left.
async fn removed(target: &Target, standing: &Value) -> Result<(), Failure> {
    let Some(id) = standing["erasure"].as_str() else {
        return say("Nothing was left of the example data.");
    };
    let erasure = client::get(target, &["api", "v1", "erasures", id]).await?;
    let erasure: Value = serde_json::from_slice(&erasure).map_err(Failure::failed)?;
    let certificate: Certificate =
        serde_json::from_value(erasure["certificate"].clone()).map_err(Failure::failed)?;
    say(&certificate.text())?;
    match certificate.is_verified() {
        true => Ok(()),
        false => Err(Failure::Said(1)),
    }
}
