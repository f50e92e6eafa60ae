//! Which levels there are, and what a line looks like.

use std::io;
use std::sync::{Arc, Mutex};

use super::*;

#[test]
fn levels_are_the_known_ones_for_everything_or_for_a_crate() {
    for good in [
        "info",
        "DEBUG",
        "off",
        "warn,receive=debug",
        "receive::intake=debug , store=error",
    ] {
        assert!(filter(good).is_ok(), "{good}");
    }
    for (bad, says) in [
        (
            "debgu",
            "`debgu` is no level: use one of off, error, warn, info, debug",
        ),
        ("", "`` is no level"),
        ("info,", "`` is no level"),
        ("receive", "`receive` is no level"),
        ("receive=loud", "`receive=loud` is no level"),
        ("trace", "trace is not offered"),
        ("info,h2=TRACE", "`h2=TRACE`: trace is not offered"),
        ("info=debug=off", "log.level"),
    ] {
        let said = filter(bad).err().unwrap_or_default();
        assert!(
            said.contains(says),
            "{bad:?} should say {says:?}, said {said:?}"
        );
    }
}

/// Keeps what is written.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Kept {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("text")
    }
}

/// Terminal commands, a line of its own, an erased one, a turned direction.
const EVIL: &str = "\u{1b}[31m\nfake\rline\t\u{9b}2J\u{7f}\u{202e}end";
const HARMLESS: &str = r"\u{1b}[31m\nfake\rline\t\u{9b}2J\u{7f}\u{202e}end";

fn log_evil() {
    tracing::warn!(name = EVIL, shown = %EVIL, count = 3, is_so = true, "said: {EVIL}");
}

#[test]
fn a_line_for_people_is_one_line_without_control_characters() {
    let kept = Kept::default();
    let writer = kept.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .with_target(false)
        .fmt_fields(plain::fields())
        .finish();
    tracing::subscriber::with_default(subscriber, log_evil);
    let text = kept.text();
    let (_, line) = text.split_once("WARN ").expect("a level");
    // `Debug` of a text escapes it once more, in its own way.
    let expect = format!("said: {HARMLESS} name={EVIL:?} shown={HARMLESS} count=3 is_so=true\n");
    assert_eq!(line, expect);
    assert!(
        text.trim_end().chars().all(|found| !found.is_control()),
        "{text:?}"
    );
}

#[test]
fn a_line_for_machines_is_one_object_with_all_keys() {
    let kept = Kept::default();
    let writer = kept.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .event_format(json::Lines)
        .finish();
    tracing::subscriber::with_default(subscriber, log_evil);
    let text = kept.text();
    assert_eq!(text.lines().count(), 1, "{text:?}");
    assert!(text.starts_with("{\"time\":\"20"), "{text}");
    let line: serde_json::Value = serde_json::from_str(&text).expect("an object");
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["target"], "tallybook::logging::tests");
    assert_eq!(line["message"], format!("said: {HARMLESS}"));
    let fields =
        serde_json::json!({"name": HARMLESS, "shown": HARMLESS, "count": 3, "is_so": true});
    assert_eq!(line["fields"], fields);
}
