//! All recorded scenarios load; what cannot be read is named.

use super::*;

fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/captures")
}

#[test]
fn every_recorded_scenario_loads() {
    let folders = list(captures()).expect("the recordings");
    assert_eq!(folders.len(), 38);
    let (mut requests, mut with_ledger, mut grpc, mut compressed, mut chunked) = (0, 0, 0, 0, 0);
    for folder in folders {
        let scenario = Scenario::load(&folder).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(scenario.name, file_name(&folder));
        assert!(scenario.client_version.contains('.'));
        with_ledger += usize::from(scenario.expected.is_some());
        assert!(
            scenario
                .requests
                .windows(2)
                .all(|pair| pair[0].number < pair[1].number),
            "{}",
            scenario.name
        );
        for request in &scenario.requests {
            requests += 1;
            grpc += usize::from(request.transport == Transport::Grpc);
            chunked += usize::from(request.is_chunked);
            let is_compressed = request.content_encoding == ContentEncoding::Gzip;
            compressed += usize::from(is_compressed);
            assert_eq!(is_compressed, request.body.starts_with(&[0x1f, 0x8b]));
            assert_eq!(is_compressed, request.body != request.plain_body);
            assert_eq!(
                request.encoding == Encoding::Json,
                request.plain_body.starts_with(b"{")
            );
            assert!(request.answered_status.is_some() || request.transport == Transport::Grpc);
            assert!(!request.headers.is_empty() && request.path.starts_with('/'));
        }
    }
    assert_eq!(
        (
            with_ledger,
            requests > 300,
            grpc > 10,
            compressed > 20,
            chunked > 20
        ),
        (36, true, true, true, true)
    );
}

#[test]
fn the_ledger_counts_subagents_and_background_requests() {
    let scenario = Scenario::load(captures().join("cc329_agent_json")).expect("a scenario");
    let ledger = scenario.expected.expect("a ledger");
    let Ledger {
        input_tokens,
        output_tokens,
        cache_read_input_tokens,
        cache_creation_input_tokens,
        ..
    } = ledger;
    let tokens = [
        input_tokens,
        output_tokens,
        cache_read_input_tokens,
        cache_creation_input_tokens,
    ];
    assert_eq!(tokens, [29, 1475, 133_004, 33_734]);
    let denied = Scenario::load(captures().join("cc329_denied_json")).expect("a scenario");
    let denials = denied.expected.expect("a ledger").permission_denials;
    let tools: Vec<&str> = denials
        .iter()
        .map(|denial| denial.tool_name.as_str())
        .collect();
    assert_eq!(tools, ["Bash", "Write"]);
}

#[test]
fn errors_name_the_file_and_the_reason() {
    let check = |folder: &str, expected: &str| {
        let error = Scenario::load(captures().join(folder))
            .expect_err("no such scenario")
            .to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("no-such-scenario", "expected.json: No such file");
    let meta = captures().join("cc329_tools_json/nonsense.meta.json");
    let error = recorded(&meta).expect_err("a bad name").to_string();
    assert!(
        error.contains("nonsense.meta.json: the name is not like 001-logs.meta.json"),
        "{error}"
    );
}
