//! The conformance suite against the real binary: nothing may fail.

use conformance::receiver::{Receiver, settings};
use conformance::suite::{Selection, run, tally};
use conformance::table;
use testkit::{Launch, Problem};

#[tokio::test(flavor = "multi_thread")]
async fn every_point_of_the_server_side_is_kept() -> Result<(), Problem> {
    let binary = env!("CARGO_BIN_EXE_tallybook");
    let server = Launch::new(binary).settings(&settings()).start()?;
    let receiver = Receiver::of_server(&server);
    let rows = run(&receiver, &Selection::default(), |_, _, _| {}).await;
    let [passed, failed, _] = tally(&rows);
    assert_eq!(failed, 0, "\n{}", table::failures(&rows));
    assert!(passed > 150, "only {passed} checks passed");
    for signal in ["logs", "metrics", "traces"] {
        let fate = server.sql().fate(signal).await?;
        assert!(fate.is_settled() && fate.received > 0, "{signal}: {fate:?}");
    }
    Ok(())
}
