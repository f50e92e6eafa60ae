//! What an answer means, and how long to wait before the next attempt.
//!
//! Source: the OTLP specification, "Failures" and "OTLP/HTTP Throttling", "Retryable Response Codes".

use std::time::Duration;

use otlp::answer::PartialSuccess;

use crate::settings::Retry;

/// What became of one attempt.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// The receiver took it, or most of it.
    Taken(Option<PartialSuccess>),
    /// It may work later.
    Again {
        /// Why it did not work now.
        reason: String,
        /// When the receiver wants to be asked again.
        after: Option<Duration>,
    },
    /// It will never work.
    Refused(String),
}

/// Whether a refusal over HTTP may pass: 429, 502, 503, 504.
pub(super) fn is_http_retryable(status: u16) -> bool {
    matches!(status, 429 | 502 | 503 | 504)
}

/// Whether a refusal over gRPC may pass. `RESOURCE_EXHAUSTED` may only if the receiver says when.
pub(super) fn is_grpc_retryable(code: u32, has_delay: bool) -> bool {
    match code {
        // CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS
        1 | 4 | 10 | 11 | 14 | 15 => true,
        8 => has_delay,
        _ => false,
    }
}

/// How long to wait after an attempt (counted from 1). `chance` is from 0 to 1.
pub(super) fn wait(retry: &Retry, attempt: u32, after: Option<Duration>, chance: f64) -> Duration {
    let grown = retry.first_wait.as_secs_f64() * 1.5_f64.powi(attempt.min(64) as i32 - 1);
    let bounded = grown.min(retry.wait_max.as_secs_f64());
    let own = Duration::from_secs_f64(bounded * (0.8 + 0.4 * chance));
    match after {
        Some(after) => after.min(retry.retry_after_max),
        None => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_wait(attempt: u32, after_s: Option<u64>, chance: f64, expected_ms: u128) {
        let after = after_s.map(Duration::from_secs);
        let wait = wait(&Retry::default(), attempt, after, chance);
        assert_eq!(wait.as_millis(), expected_ms);
    }

    #[test]
    fn waits_grow_by_half_within_bounds() {
        check_wait(1, None, 0.5, 1000);
        check_wait(2, None, 0.5, 1500);
        check_wait(3, None, 0.5, 2250);
        check_wait(9, None, 0.5, 5000);
        check_wait(1, None, 0.0, 800);
        check_wait(1, None, 1.0, 1200);
    }

    #[test]
    fn the_receiver_s_word_is_heeded_within_bounds() {
        check_wait(1, Some(7), 0.5, 7000);
        check_wait(1, Some(0), 0.5, 0);
        check_wait(1, Some(3600), 0.5, 30_000);
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        let http: Vec<u16> = (200..600)
            .filter(|status| is_http_retryable(*status))
            .collect();
        assert_eq!(http, [429, 502, 503, 504]);
        let grpc: Vec<u32> = (0..17)
            .filter(|code| is_grpc_retryable(*code, false))
            .collect();
        assert_eq!(grpc, [1, 4, 10, 11, 14, 15]);
        assert!(is_grpc_retryable(8, true));
    }
}
