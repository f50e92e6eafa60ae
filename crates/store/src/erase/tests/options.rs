//! Figures that stay as nobody's, and accounts that go, too.

use super::*;

/// What a column says in all parts, added up.
async fn sum_of(life: &Life, table: Table, name: &str) -> f64 {
    let snapshot = life.store().snapshot().await;
    let mut sum = 0.0;
    for part in snapshot.parts(table) {
        let file = life.store().objects.get(&part.path).await.expect("reads");
        for batch in Reader::open(table, file.into(), None).expect("a part") {
            let batch = batch.expect("rows");
            let column = batch.column_by_name(name).expect("a column");
            let column = arrow::compute::cast(column, &arrow::datatypes::DataType::Float64);
            let column = column.expect("numbers");
            sum += column
                .as_primitive::<arrow::datatypes::Float64Type>()
                .iter()
                .flatten()
                .sum::<f64>();
        }
    }
    sum
}

#[tokio::test]
async fn figures_stay_as_nobodys_and_nothing_else_does() {
    let disk = SimDisk::new();
    let life = filled(&disk).await;
    life.store().flush().await.expect("flushes");
    let (events, spans) = (
        life.rows(Table::Events).await,
        life.rows(Table::Spans).await,
    );
    let value = sum_of(&life, Table::Metrics, "value").await;
    assert!(value > 0.0);
    let mut order = order();
    order.whom.keep_aggregates = true;
    let store = life.store.as_ref().expect("open");
    let erasure = store.begin_erasure(order).await.expect("begins");
    let certificate = erasure.run(choice(), &KEY, may()).await.expect("erases");
    assert!(certificate.is_verified(), "{}", certificate.text());
    assert_eq!(certificate.figures_kept, Some(4 + 2));
    assert_eq!(places_of(&disk, ANN), Vec::<PathBuf>::new());
    assert_eq!(life.rows(Table::Events).await, events, "as many as before");
    assert_eq!(
        life.rows(Table::Spans).await,
        spans - 2,
        "spans have no figures"
    );
    assert_eq!(sum_of(&life, Table::Metrics, "value").await, value);
    let accounts = unpacked(&disk).into_iter();
    let marked = accounts.filter(|(path, text)| {
        path.to_string_lossy().contains("parts/events") && text.contains(crate::ERASED)
    });
    assert!(marked.count() > 0, "whose they are is marked");
    assert_eq!(
        (rows_of(&life, ANN).await, rows_of(&life, BEN).await),
        (0, 8)
    );
}

#[tokio::test]
async fn what_is_on_record_of_an_account_stays_when_the_account_goes() {
    let disk = SimDisk::new();
    let life = filled(&disk).await;
    let trail = life.dir.path().join("access/audit/00000001.jsonl");
    disk.install(&trail, format!("{{\"actor\":\"{ANN}\"}}").as_bytes());
    let certificate = erase(&life).await.expect("erases");
    let findings = &certificate.search.findings;
    assert!(
        !certificate.is_verified() && findings[0].what == "account",
        "{findings:?}"
    );
    send(&life, ANN, 7).await;
    let mut again = order();
    again.id = "a9a19".into();
    again.whom.and_account = true;
    let store = life.store.as_ref().expect("open");
    let erasure = store.begin_erasure(again.clone()).await.expect("begins");
    let certificate = erasure.run(choice(), &KEY, may()).await.expect("erases");
    assert!(certificate.is_verified(), "{}", certificate.text());
    assert_eq!(certificate.search.in_trail, 1);
    let people = life.dir.path().join("access/people.json");
    disk.install(&people, format!("{{\"name\":\"{ANN}\"}}").as_bytes());
    send(&life, ANN, 8).await;
    again.id = "a9a20".into();
    let erasure = store.begin_erasure(again).await.expect("begins");
    let certificate = erasure.run(choice(), &KEY, may()).await.expect("erases");
    assert!(!certificate.is_verified(), "the account itself must go");
}
