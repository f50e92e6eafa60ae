//! A receiver that answers as it is told, and telemetry that sends to it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::counts::SignalCounts;
use crate::event::AtMention;
use crate::finding::Finding;
use crate::head::Agent;
use crate::settings::{Layers, Settings};
use crate::telemetry::{Builder, Telemetry};

/// A port that nobody listens on: it is free again when the listener is dropped.
pub(super) fn nobody() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// A request as it came.
pub(super) struct Came {
    pub(super) path: String,
    pub(super) headers: HashMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Came {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn events(&self) -> usize {
        self.text().matches("\"event.name\"").count()
    }
}

/// Status, further header lines, body.
pub(super) type Answer = (u16, &'static str, &'static str);

/// A receiver that gives these answers in turn, and 200 from then on; one that answers nothing when
/// there are none.
pub(super) struct FakeReceiver {
    pub(super) port: u16,
    pub(super) came: Receiver<Came>,
}

impl FakeReceiver {
    pub(super) fn start(answers: Option<&'static [Answer]>) -> FakeReceiver {
        FakeReceiver::listen(TcpListener::bind("127.0.0.1:0").expect("a port"), answers)
    }

    pub(super) fn listen(
        listener: TcpListener,
        answers: Option<&'static [Answer]>,
    ) -> FakeReceiver {
        let port = listener.local_addr().expect("an address").port();
        let (sender, came) = sync_channel(1000);
        let answers = answers.map(|answers| Arc::new(Mutex::new(answers.iter())));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (sender, answers) = (sender.clone(), answers.clone());
                thread::spawn(move || {
                    serve(stream, &sender, || {
                        let mut answers = answers.as_ref()?.lock().expect("whole");
                        Some(answers.next().copied().unwrap_or((200, "", "{}")))
                    });
                });
            }
        });
        FakeReceiver { port, came }
    }

    pub(super) fn next(&self) -> Came {
        self.came
            .recv_timeout(Duration::from_secs(30))
            .expect("a request")
    }
}

fn serve(stream: TcpStream, sender: &SyncSender<Came>, answer: impl Fn() -> Option<Answer>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a copy"));
    let mut writer = stream;
    while let Some(came) = read(&mut reader) {
        sender.send(came).expect("the test is there");
        let Some((status, headers, body)) = answer() else {
            // Hangs until the client gives up.
            continue;
        };
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n"
        );
        if writer
            .write_all(format!("{head}{body}").as_bytes())
            .is_err()
        {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Came> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let path = lines[0].split(' ').nth(1)?.to_owned();
    let headers: HashMap<String, String> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Came {
        path,
        headers,
        body,
    })
}

/// Telemetry with the events going to a port, and what it finds.
pub(super) struct Stage {
    pub(super) telemetry: Telemetry,
    pub(super) found: Arc<Mutex<Vec<Finding>>>,
}

impl Stage {
    pub(super) fn new(port: u16, more: &[(&str, &str)]) -> Stage {
        Stage::of(Stage::layers(port, more))
    }

    pub(super) fn layers(port: u16, more: &[(&str, &str)]) -> Layers {
        let url = format!("http://127.0.0.1:{port}");
        let base = [
            ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
            ("OTEL_LOGS_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
            ("OTEL_LOGS_EXPORT_INTERVAL", "3600000"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "3600000"),
        ];
        Layers::of(base.into_iter().chain(more.iter().copied()))
    }

    pub(super) fn of(layers: Layers) -> Stage {
        Stage::built(layers, |builder| builder)
    }

    pub(super) fn built(layers: Layers, build: impl FnOnce(Builder) -> Builder) -> Stage {
        let (mut settings, findings) = Settings::read(layers);
        settings.retry.first_wait = Duration::from_millis(1);
        settings.retry.attempts_max = 3;
        let found = Arc::new(Mutex::new(Vec::new()));
        let listened = Arc::clone(&found);
        let builder = Telemetry::builder(Agent::new("test", "1"), settings)
            .findings(findings)
            .on_finding(move |finding| listened.lock().expect("whole").push(finding.clone()));
        let telemetry = build(builder).start();
        Stage { telemetry, found }
    }

    pub(super) fn emit(&self, events: usize) {
        let session = self.telemetry.session_with_id("s");
        for _ in 0..events {
            session.emit(AtMention::default());
        }
    }

    pub(super) fn said(&self) -> String {
        let found = self.found.lock().expect("whole");
        found.iter().map(|finding| format!("{finding}\n")).collect()
    }

    pub(super) fn events(&self) -> SignalCounts {
        self.telemetry.counts().events
    }
}

pub(super) fn counts(
    recorded: u64,
    sent: u64,
    rejected: u64,
    dropped: u64,
    retries: u64,
) -> SignalCounts {
    SignalCounts {
        recorded,
        sent,
        rejected,
        dropped,
        retries,
        ..SignalCounts::default()
    }
}
