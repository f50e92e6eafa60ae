//! Refusing begins when it is durable, and has begun when nobody is on the way in any more who came before.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use query::Refuser;
use store::{Order, Whom};

use super::Barring;

#[tokio::test]
async fn who_is_on_the_way_in_is_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let barring = Arc::new(Barring::open(folder.path(), "").expect("opens"));
    let before = barring.pass();
    let order = Order::new(Whom::default(), "officer".to_owned(), 1).expect("random");
    let ids = BTreeSet::from(["ann@example.com".to_owned()]);
    let mut refusing = {
        let barring = Arc::clone(&barring);
        tokio::spawn(async move { barring.refuse(&order, &ids).await })
    };
    let file = folder.path().join("access/refused-people.json");
    while !file.exists() {
        tokio::task::yield_now().await;
    }
    let waiting = tokio::time::timeout(Duration::from_millis(200), &mut refusing).await;
    assert!(
        waiting.is_err(),
        "somebody who came before has no answer yet"
    );
    let later = barring.pass();
    let list = barring.list().now().expect("reads");
    assert!(list.has("ann@example.com", ""), "it is in force");
    drop(before);
    refusing.await.expect("runs").expect("refuses");
    drop(later);
}
