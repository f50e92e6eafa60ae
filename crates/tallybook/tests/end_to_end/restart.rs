//! A restart in the middle of a session, and after a flush.

use testkit::{Problem, Server, scenarios};

use crate::stage::{Expectation, deliver, fates, items_sent, launch, requests_of};

/// How a run ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// SIGKILL: the journal has everything.
    Kill,
    /// SIGTERM: everything is flushed to parts.
    Terminate,
}

/// The first half of every session, a restart, the other half, a restart: and then all again.
async fn check(ends: [End; 2]) -> Result<(), Problem> {
    let scenarios = scenarios()?;
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for scenario in &scenarios {
        let (before, after) = scenario.requests.split_at(scenario.requests.len() / 2);
        first.extend_from_slice(before);
        second.extend_from_slice(after);
    }
    let requests = requests_of(&scenarios);
    let (half, whole) = (Expectation::of(&first)?, Expectation::of(&requests)?);
    let mut server = launch().start()?;
    deliver(&server, &first).await?;
    half.check("the first half", &server.sql()).await?;
    again(&mut server, ends[0])?;
    half.check("the first half, after a restart", &server.sql())
        .await?;
    deliver(&server, &second).await?;
    whole.check("both halves", &server.sql()).await?;
    again(&mut server, ends[1])?;
    whole
        .check("both halves, after a restart", &server.sql())
        .await?;
    deliver(&server, &requests).await?;
    whole.check("everything again", &server.sql()).await?;
    let fates = fates(&server.sql()).await?;
    assert_eq!((fates.accepted, fates.quarantined), (0, 0), "{fates:?}");
    assert_eq!(fates.deduplicated, items_sent(&requests)?, "{fates:?}");
    Ok(())
}

fn again(server: &mut Server, end: End) -> Result<(), Problem> {
    match end {
        End::Kill => server.kill()?,
        End::Terminate => server.terminate()?,
    }
    server.restart()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_twice() -> Result<(), Problem> {
    check([End::Kill, End::Kill]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn terminated_twice() -> Result<(), Problem> {
    check([End::Terminate, End::Terminate]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_then_terminated() -> Result<(), Problem> {
    check([End::Kill, End::Terminate]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn terminated_then_killed() -> Result<(), Problem> {
    check([End::Terminate, End::Kill]).await
}

/// The later half of every session first, and a flush in between: late points of cumulative series
/// meet what the flush remembered of newer ones.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_late_after_a_flush_is_counted_once() -> Result<(), Problem> {
    let mut requests = requests_of(&scenarios()?);
    requests.reverse();
    let (later, earlier) = requests.split_at(requests.len() / 2);
    let mut server = launch().start()?;
    deliver(&server, later).await?;
    again(&mut server, End::Terminate)?;
    deliver(&server, earlier).await?;
    let whole = Expectation::of(&requests)?;
    whole
        .check("backwards, with a flush", &server.sql())
        .await?;
    again(&mut server, End::Kill)?;
    whole
        .check("backwards, with a flush, killed", &server.sql())
        .await
}

/// A flush leaves nothing in the journal that the next start would have to replay, and a start
/// after a flush shows the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_server_has_everything_in_parts() -> Result<(), Problem> {
    let requests = requests_of(&scenarios()?);
    let expected = Expectation::of(&requests)?;
    let mut server = launch().start()?;
    deliver(&server, &requests).await?;
    for round in 1..=3 {
        server.terminate()?;
        server.restart()?;
        expected
            .check(&format!("start {round}"), &server.sql())
            .await?;
        let log = server.log();
        assert!(
            !log.contains("replayed"),
            "nothing was left to replay:\n{log}"
        );
    }
    Ok(())
}
