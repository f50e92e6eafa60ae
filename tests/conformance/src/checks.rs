//! All checks, by what they look at.
//!
//! | file | points |
//! |---|---|
//! | `sizes.rs` | 1 to 3: compression, limits before and after it, the length of answers |
//! | `answers.rs` | 4 to 6, 13 to 17: what a success and a refusal say |
//! | `content.rs` | 7 to 9: odd content that must be taken |
//! | `json.rs` | 18: the rules of OTLP/JSON |
//! | `routes.rs` | 11, 12, 19: paths, methods, media types, compressions |
//! | `connections.rs` | 10, 20, 21: many at once, kept connections, clients that go away |
//! | `calls.rs` | 22 to 26: the codes of gRPC, and overload on all ways |

mod answers;
mod calls;
mod connections;
mod content;
mod json;
mod routes;
mod sizes;

use crate::check::Check;

/// What each point asks.
pub const POINTS: [(u8, &str); 26] = [
    (1, "Bodies may be plain or gzip; zstd as an extra over HTTP"),
    (
        2,
        "The limit of a body holds before and after inflation, to the byte, and is told for good",
    ),
    (3, "No answer is longer than 4 MiB"),
    (4, "An empty request is a success"),
    (5, "Full success leaves partial_success unset"),
    (
        6,
        "Partial success has the exact count of rejected items and says why",
    ),
    (
        7,
        "Unknown fields are ignored; empty, bytes, list and nested values are taken; string indexes count as absent",
    ),
    (
        8,
        "An invalid trace or span id means no trace, and is no error",
    ),
    (
        9,
        "No time means observed time, and that missing the time of receipt",
    ),
    (10, "Requests may come at once; empty envelopes are ignored"),
    (
        11,
        "POST to /v1/{logs,metrics,traces}; else 404, or 405 with Allow",
    ),
    (
        12,
        "Both media types at one port, parameters allowed; anything else is 415, and nothing is guessed",
    ),
    (13, "An answer has the media type of its request"),
    (14, "Success is 200 with an Export…ServiceResponse"),
    (
        15,
        "Every refusal is a google.rpc.Status in the request's encoding",
    ),
    (16, "What cannot be decoded is 400 with BadRequest"),
    (
        17,
        "Only 429, 502, 503 and 504 invite to come back; overload does, with Retry-After 1",
    ),
    (
        18,
        "OTLP/JSON: lowerCamelCase only, hex ids in any case, 64-bit numbers either way, null is unset, NaN and Infinity, both base64 alphabets",
    ),
    (19, "An unknown content-encoding is 415"),
    (20, "Connections are kept; HTTP/2 may be spoken"),
    (
        21,
        "Who was cut off before the answer and sends again changes nothing",
    ),
    (22, "gRPC: overload is UNAVAILABLE with RetryInfo"),
    (23, "gRPC: bad content is INVALID_ARGUMENT with BadRequest"),
    (
        24,
        "gRPC: who is not known is UNAUTHENTICATED, who may not is PERMISSION_DENIED",
    ),
    (
        25,
        "gRPC: an unknown compression is UNIMPLEMENTED and names the known ones; compressed without one is INTERNAL",
    ),
    (26, "gRPC: a permanent fault never has a retryable code"),
];

/// Every check, in order of points.
pub fn all() -> Vec<&'static Check> {
    let groups = [
        sizes::CHECKS,
        answers::CHECKS,
        content::CHECKS,
        json::CHECKS,
        routes::CHECKS,
        connections::CHECKS,
        calls::CHECKS,
    ];
    let mut all: Vec<_> = groups.into_iter().flatten().collect();
    all.sort_by_key(|check| check.point);
    all
}
