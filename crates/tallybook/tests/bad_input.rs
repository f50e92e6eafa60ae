//! The corpus of bad input against the real binary: every answer, every fate, every column.

use conformance::bad_input::{SETTINGS, run};
use testkit::{Launch, Problem};

#[tokio::test(flavor = "multi_thread")]
async fn every_case_is_answered_as_it_must_be() -> Result<(), Problem> {
    let server = Launch::new(env!("CARGO_BIN_EXE_tallybook"))
        .settings(SETTINGS)
        .start()?;
    let report = run(&server, &[], |_, _| {}).await?;
    let failures = report.failures.join("\n");
    assert!(report.failures.is_empty(), "\n{failures}");
    assert!(report.cases >= 300, "only {} cases", report.cases);
    assert!(report.runs > report.cases);
    Ok(())
}
