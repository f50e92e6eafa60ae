//! scratch
use std::sync::Arc;
use base::{Clock, ManualClock};
#[tokio::test]
#[ignore]
async fn scratch() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(1_795_225_000_000 * 1_000_000));
    let (store, _) = store::Store::open(store::Config::new("/tmp/speed5m"), clock).await.expect("opens");
    let engine = query::Engine::new(store, query::Config::default()).expect("e");
    for sql in std::fs::read_to_string("/tmp/scratch.sql").unwrap().split(";") {
        if sql.trim().is_empty() { continue; }
        let mut best = f64::MAX;
        let mut out = Vec::new();
        for _ in 0..3 {
            match engine.query(sql, None).await {
                Ok(a) => { best = best.min(a.elapsed.as_secs_f64()*1e3);
                  out.clear();
                  if sql.contains("EXPLAIN") { for b in &a.batches { for r in 0..b.num_rows() { out.extend(arrow::util::display::array_value_to_string(b.column(1), r).unwrap().bytes()); } } }
                  else { out.extend(format!("{} rows", a.rows()).bytes()); } }
                Err(e) => { out = format!("{e}").into(); best = 0.0; }
            }
        }
        println!("{:.0} ms  {}\n   {}", best, sql.trim(), String::from_utf8_lossy(&out));
    }
}
