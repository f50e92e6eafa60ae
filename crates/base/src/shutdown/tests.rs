//! Waiters before and after the trigger all return.

use super::*;

#[tokio::test]
async fn wakes_who_waits_and_who_comes_late() {
    let shutdown = Shutdown::new();
    assert!(!shutdown.is_triggered());
    let early = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { shutdown.wait().await }
    });
    tokio::task::yield_now().await;
    assert!(!early.is_finished());
    shutdown.clone().trigger();
    early.await.expect("the waiter returns");
    shutdown.wait().await;
    assert!(shutdown.is_triggered());
}
