//! What a receiver says in its answers: `google.rpc.Status` and partial success, in either encoding.

use serde_json::Value;
use testkit::Problem;

use super::protobuf::{Field, fields};
use crate::way::{Encoding, Signal};

/// A `google.rpc.Status`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// A code of `google.rpc.Code`.
    pub code: u32,
    /// For people.
    pub message: String,
    /// Whether a `BadRequest` says what is wrong.
    pub has_bad_request: bool,
    /// What `RetryInfo` says, in seconds.
    pub retry_seconds: Option<u64>,
}

/// A partial success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partial {
    /// Items that were not taken.
    pub rejected: u64,
    /// Why.
    pub message: String,
}

impl Status {
    /// The status that a body is.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn read(encoding: Encoding, body: &[u8]) -> Result<Status, Problem> {
        match encoding {
            Encoding::Protobuf => of_protobuf(body),
            Encoding::Json => of_json(&serde_json::from_slice(body)?),
        }
        .map_err(|problem| problem.while_doing("the body is no google.rpc.Status"))
    }
}

fn of_json(json: &Value) -> Result<Status, Problem> {
    let code = json["code"].as_u64();
    let details = json["details"].as_array().cloned().unwrap_or_default();
    let detail = |name: &str| {
        let url = format!("type.googleapis.com/google.rpc.{name}");
        details.iter().find(|detail| detail["@type"] == url)
    };
    let delay = detail("RetryInfo").and_then(|info| info["retryDelay"].as_str());
    let violations = |bad: &Value| {
        bad["fieldViolations"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    };
    Ok(Status {
        code: code.ok_or_else(|| Problem::new(format!("{json} has no code")))? as u32,
        message: json["message"].as_str().unwrap_or_default().to_owned(),
        has_bad_request: detail("BadRequest").is_some_and(violations),
        retry_seconds: match delay.and_then(|delay| delay.strip_suffix('s')) {
            Some(seconds) => Some(seconds.parse::<f64>()? as u64),
            None => None,
        },
    })
}

fn of_protobuf(body: &[u8]) -> Result<Status, Problem> {
    let mut status = Status::default();
    for field in fields(body)? {
        match field {
            (1, Field::Varint(code)) => status.code = code as u32,
            (2, Field::Bytes(text)) => status.message = String::from_utf8(text.to_vec())?,
            (3, Field::Bytes(any)) => read_detail(&mut status, any)?,
            other => return Err(Problem::new(format!("it has {other:?}"))),
        }
    }
    Ok(status)
}

fn read_detail(status: &mut Status, any: &[u8]) -> Result<(), Problem> {
    let (mut url, mut value) = (&[][..], &[][..]);
    for field in fields(any)? {
        match field {
            (1, Field::Bytes(bytes)) => url = bytes,
            (2, Field::Bytes(bytes)) => value = bytes,
            _ => {}
        }
    }
    let url = str::from_utf8(url)?;
    let Some(name) = url.strip_prefix("type.googleapis.com/google.rpc.") else {
        return Ok(());
    };
    for field in fields(value)? {
        match (name, field) {
            ("BadRequest", (1, Field::Bytes(_))) => status.has_bad_request = true,
            ("RetryInfo", (1, Field::Bytes(delay))) => {
                let seconds = |field| match field {
                    (1, Field::Varint(seconds)) => Some(seconds),
                    _ => None,
                };
                let all = fields(delay)?;
                status.retry_seconds = Some(all.into_iter().find_map(seconds).unwrap_or(0));
            }
            _ => {}
        }
    }
    Ok(())
}

impl Partial {
    /// The partial success in a response; none when it is not set.
    ///
    /// # Errors
    ///
    /// When the body is no `Export…ServiceResponse`.
    pub fn read(
        signal: Signal,
        encoding: Encoding,
        body: &[u8],
    ) -> Result<Option<Partial>, Problem> {
        match encoding {
            Encoding::Protobuf => partial_of_protobuf(body),
            Encoding::Json => partial_of_json(signal, &serde_json::from_slice(body)?),
        }
        .map_err(|problem| problem.while_doing("the body is no Export…ServiceResponse"))
    }
}

fn partial_of_json(signal: Signal, json: &Value) -> Result<Option<Partial>, Problem> {
    let object = json.as_object();
    let object = object.ok_or_else(|| Problem::new(format!("{json} is no object")))?;
    let Some(partial) = object.get("partialSuccess") else {
        return match object.keys().next() {
            Some(other) => Err(Problem::new(format!("it has {other:?}"))),
            None => Ok(None),
        };
    };
    // A 64-bit number may be written as a number or as text.
    let rejected = match &partial[signal.rejected()] {
        Value::String(text) => text.parse()?,
        other => other.as_u64().unwrap_or(0),
    };
    let message = partial["errorMessage"].as_str().unwrap_or_default();
    Ok(Some(Partial {
        rejected,
        message: message.to_owned(),
    }))
}

fn partial_of_protobuf(body: &[u8]) -> Result<Option<Partial>, Problem> {
    let mut found = None;
    for field in fields(body)? {
        let (1, Field::Bytes(inner)) = field else {
            return Err(Problem::new(format!("it has {field:?}")));
        };
        let mut partial = Partial::default();
        for field in fields(inner)? {
            match field {
                (1, Field::Varint(rejected)) => partial.rejected = rejected,
                (2, Field::Bytes(text)) => partial.message = String::from_utf8(text.to_vec())?,
                other => return Err(Problem::new(format!("its partial success has {other:?}"))),
            }
        }
        found = Some(partial);
    }
    Ok(found)
}
