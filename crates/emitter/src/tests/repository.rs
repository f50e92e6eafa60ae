//! What is said of the repository, on every record and point, from the first on.

use super::stage::{FakeReceiver, Stage};
use crate::event::AtMention;
use crate::repository::tests::repository;
use crate::session::Start;

#[test]
fn events_and_points_name_the_repository_from_the_first_on() {
    let (_dir, below) = repository("https://ada:secret@github.com/Example/Tool.git");
    let receiver = FakeReceiver::start(Some(&[]));
    for (switch, is_said) in [("true", true), ("false", false)] {
        let settings = [
            ("OTEL_METRICS_EXPORTER", "otlp"),
            ("OTEL_METRICS_INCLUDE_REPOSITORY", switch),
            // Each event leaves at once.
            ("OTEL_LOGS_EXPORT_INTERVAL", "0"),
        ];
        let layers = Stage::layers(receiver.port, &settings);
        let stage = Stage::built(layers, |builder| builder.working_dir(&below));
        let session = stage.telemetry.session(Start::Fresh);
        session.emit(AtMention::default());
        assert!(stage.telemetry.flush());
        let paths = [(); 2].map(|()| {
            let came = receiver.next();
            let text = came.text();
            let url = r#"{"key":"vcs.repository.url.full","value":{"stringValue":"https://github.com/example/tool"}}"#;
            assert_eq!(text.contains(url), is_said, "{text}");
            assert!(!text.contains("secret"), "{text}");
            came.path
        });
        assert_ne!(paths[0], paths[1]);
    }
}
