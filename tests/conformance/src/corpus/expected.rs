//! The answers by name: what is said on each way, and whether the client comes back.
//!
//! Written from the specification of OTLP and from what this product promises, never from what the
//! server says.

use serde::Deserialize;

use crate::seen::Seen;

/// What must be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Full success.
    Taken,
    /// Success, one item rejected, and why.
    Partial,
    /// It cannot be decoded, or holds too much: for good, with `BadRequest`.
    Malformed,
    /// More bytes than the limit.
    TooLarge,
    /// A media type that is not spoken.
    MediaType,
    /// A compression that is not spoken.
    Coding,
    /// No such path or method of gRPC.
    NotFound,
    /// Another method of HTTP.
    Method,
    /// No frames of gRPC.
    Framing,
    /// Not exactly one message.
    Messages,
    /// No HTTP: refused or closed, by whatever reads it.
    NoHttp,
}

/// The numbers of an answer.
struct Numbers {
    http: u16,
    /// In the body over HTTP.
    code: u32,
    /// `grpc-status`.
    grpc: u32,
    has_bad_request: bool,
}

impl Answer {
    fn numbers(self) -> Numbers {
        let of = |http, code, grpc, has_bad_request| Numbers {
            http,
            code,
            grpc,
            has_bad_request,
        };
        match self {
            Answer::Taken | Answer::Partial => of(200, 0, 0, false),
            Answer::Malformed => of(400, 3, 3, true),
            Answer::TooLarge => of(413, 8, 8, false),
            Answer::MediaType => of(415, 3, 3, false),
            Answer::Coding => of(415, 3, 12, false),
            Answer::NotFound => of(404, 5, 12, false),
            Answer::Method => of(405, 12, 12, false),
            Answer::Framing => of(400, 3, 13, false),
            Answer::Messages => of(400, 3, 12, false),
            Answer::NoHttp => of(400, 0, 0, false),
        }
    }

    /// Whether something of the request is kept.
    pub fn is_success(self) -> bool {
        matches!(self, Answer::Taken | Answer::Partial)
    }

    /// What is wrong with `seen`, if it is not this answer; `rejected` items are told of.
    pub fn differs(self, seen: &Seen, rejected: u64, warns: bool) -> Option<String> {
        let wanted = self.numbers();
        let wrong = |what: String| Some(format!("{seen}: {what}"));
        if let Err(problem) = &seen.status {
            return wrong(problem.clone());
        }
        if let Err(problem) = &seen.partial {
            return wrong(problem.clone());
        }
        match seen.grpc {
            Some(code) if code != wanted.grpc => {
                return wrong(format!("wanted grpc-status {}", wanted.grpc));
            }
            None if seen.http != wanted.http => return wrong(format!("wanted {}", wanted.http)),
            _ => {}
        }
        if self.is_success() {
            return partial_differs(seen, rejected, warns).and_then(wrong);
        }
        if !seen.is_refused_for_good() {
            return wrong("it invites to come back".to_owned());
        }
        let said = seen.said();
        if seen.grpc.is_none() && said.is_none_or(|said| said.code != wanted.code) {
            return wrong(format!("wanted code {}", wanted.code));
        }
        if said.is_some_and(|said| said.message.is_empty()) {
            return wrong("it says nothing".to_owned());
        }
        if said.is_some_and(|said| said.has_bad_request) != wanted.has_bad_request {
            let with = if wanted.has_bad_request {
                "with"
            } else {
                "without"
            };
            return wrong(format!("wanted {with} BadRequest"));
        }
        None
    }
}

fn partial_differs(seen: &Seen, rejected: u64, warns: bool) -> Option<String> {
    match seen.partial() {
        None if rejected == 0 && !warns => None,
        None => Some(format!("wanted {rejected} rejected and a message")),
        Some(partial) if partial.rejected != rejected => {
            Some(format!("wanted {rejected} rejected"))
        }
        Some(partial) if partial.message.is_empty() => Some("it says nothing".to_owned()),
        Some(partial) if rejected == 0 && !warns => Some(format!("it warns: {}", partial.message)),
        Some(_) => None,
    }
}
