//! Headers from a command: a JSON object of strings on its standard output.
//!
//! Invariant: neither the command's output nor a header's value is ever said; a failure keeps the
//! headers of the last success.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::command::output;
use crate::finding::{Finding, Listener};
use crate::settings::{HeadersHelper, check_header};

/// A helper that takes longer is ended.
const HELPER_TIME_MAX: Duration = Duration::from_secs(30);
/// After a failure it is not run again sooner.
const FAILURE_WAIT: Duration = Duration::from_secs(30);
const OUTPUT_BYTES_MAX: u64 = 64 << 10;

/// The helper, and what it said last.
pub(super) struct Helper {
    settings: HeadersHelper,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    headers: Vec<(String, String)>,
    next_run: Option<Instant>,
}

impl Helper {
    pub(super) fn new(settings: HeadersHelper) -> Helper {
        Helper {
            settings,
            known: Mutex::default(),
        }
    }

    /// The headers of the last run that worked; runs the command when it is due.
    pub(super) async fn headers(&self, listener: &Listener) -> Vec<(String, String)> {
        let mut known = self.known.lock().await;
        if known.next_run.is_some_and(|next| Instant::now() < next) {
            return known.headers.clone();
        }
        let command = self.settings.command.clone();
        let run = tokio::task::spawn_blocking(move || run(&command)).await;
        let wait = match run.unwrap_or_else(|_| Err("it could not be run".to_owned())) {
            Ok(headers) => {
                known.headers = headers;
                self.settings.refresh
            }
            Err(reason) => {
                let kept = if known.headers.is_empty() {
                    "requests go without its headers"
                } else {
                    "the last headers that it gave are kept"
                };
                let message = format!("{reason}; {kept}");
                listener.tell(&Finding::error("otelHeadersHelper", message));
                self.settings.refresh.min(FAILURE_WAIT)
            }
        };
        known.next_run = Some(Instant::now() + wait);
        known.headers.clone()
    }
}

fn run(line: &str) -> Result<Vec<(String, String)>, String> {
    let (shell, flag) = if cfg!(windows) {
        ("cmd", "/C")
    } else {
        ("sh", "-c")
    };
    let mut command = Command::new(shell);
    let bytes = output(
        command.args([flag, line]),
        HELPER_TIME_MAX,
        OUTPUT_BYTES_MAX,
    )?;
    headers(&bytes)
}

/// The headers in a helper's output. What is wrong is told without repeating any of it.
fn headers(output: &[u8]) -> Result<Vec<(String, String)>, String> {
    let parsed: BTreeMap<String, String> = serde_json::from_slice(output)
        .map_err(|_| "its output is not a JSON object of strings".to_owned())?;
    for (name, value) in &parsed {
        check_header(name, value)
            .map_err(|reason| format!("one of its headers cannot be sent: {reason}"))?;
    }
    let lower = |(name, value): (String, String)| (name.to_ascii_lowercase(), value);
    Ok(parsed.into_iter().map(lower).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        list.iter().map(owned).collect()
    }

    #[test]
    fn output_is_an_object_of_strings() {
        let good = headers(br#"{"Authorization":"Bearer a b","x-team":"1"}"#);
        let expected = pairs(&[("authorization", "Bearer a b"), ("x-team", "1")]);
        assert_eq!(good, Ok(expected));
        for bad in [
            &br#"{"a":1}"#[..],
            br#"["a"]"#,
            b"secret",
            br#"{"a b":"secret"}"#,
            br#"{"a":"secret\nsecret"}"#,
        ] {
            let reason = headers(bad).expect_err("refused");
            assert!(!reason.contains("secret"), "{reason}");
        }
    }

    #[tokio::test]
    async fn a_failure_keeps_the_last_good_headers() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("headers");
        let helper = Helper::new(HeadersHelper {
            command: format!("cat {}", file.display()),
            refresh: Duration::ZERO,
        });
        let listener = Listener::new(|finding| assert!(!finding.message.contains("secret")));
        std::fs::write(&file, r#"{"authorization":"secret 1"}"#).expect("written");
        let first = pairs(&[("authorization", "secret 1")]);
        assert_eq!(helper.headers(&listener).await, first);
        std::fs::write(&file, "secret and no JSON").expect("written");
        assert_eq!(helper.headers(&listener).await, first);
        std::fs::remove_file(&file).expect("removed");
        assert_eq!(helper.headers(&listener).await, first);
        std::fs::write(&file, r#"{"authorization":"secret 2"}"#).expect("written");
        let second = pairs(&[("authorization", "secret 2")]);
        assert_eq!(helper.headers(&listener).await, second);
    }

    #[tokio::test]
    async fn it_is_not_run_before_it_is_due() {
        let dir = tempfile::tempdir().expect("a directory");
        let runs = dir.path().join("runs");
        let helper = Helper::new(HeadersHelper {
            command: format!("echo x >> {}; echo '{{}}'", runs.display()),
            refresh: Duration::from_secs(3600),
        });
        let listener = Listener::new(|_| {});
        for _ in 0..3 {
            assert_eq!(helper.headers(&listener).await, []);
        }
        assert_eq!(std::fs::read_to_string(&runs).expect("read"), "x\n");
    }
}
