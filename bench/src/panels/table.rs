//! The table of the panels, as it stands in `docs/benchmarks.md`.

use super::{Asked, FLOOR, Took};

/// What a refusal says at most.
const SAID_CHARACTERS: usize = 120;

pub(super) fn markdown(asked: &[Asked], events: u64, load: (f64, f64)) -> String {
    let count = |of: &dyn Fn(&Asked) -> bool| asked.iter().filter(|one| of(one)).count();
    let answered = count(&|one| one.fresh.is_ok());
    let [shown, fresh] = [
        count(&|one| is_fast(&one.shown)),
        count(&|one| is_fast(&one.fresh)),
    ];
    let most = asked.iter().map(|one| one.memory).max().unwrap_or_default();
    let mut text = format!(
        "{events} events, 30 days, {} panels: {answered} answered, {shown} shown and {fresh} made anew within {} ms, by the clock. \
         Load average {:.1} before, {:.1} after. The server's resident memory was at most {} MiB.\n\n\
         | Panel | First | CPU | Made anew | CPU | Shown | Asked again | Shown in time |\n|---|---|---|---|---|---|---|---|\n",
        asked.len(),
        FLOOR.as_millis(),
        load.0,
        load.1,
        most >> 20,
    );
    for one in asked {
        let verdict = if is_fast(&one.shown) { "PASS" } else { "FAIL" };
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} | {} | {verdict} |\n",
            one.panel.what,
            said(&one.first),
            cpu(&one.first),
            said(&one.fresh),
            cpu(&one.fresh),
            said(&one.shown),
            said(&one.again),
        ));
    }
    text
}

fn cpu(took: &Result<Took, String>) -> String {
    let took = took.as_ref().map(|took| took.cpu.as_millis());
    took.map_or_else(|_| String::new(), |ms| format!("{ms} ms"))
}

fn is_fast(took: &Result<Took, String>) -> bool {
    took.as_ref().is_ok_and(|took| took.clock < FLOOR)
}

pub(super) fn said(took: &Result<Took, String>) -> String {
    match took {
        Ok(took) => format!("{} ms", took.clock.as_millis()),
        Err(why) => {
            let short: String = why.chars().take(SAID_CHARACTERS).collect();
            format!("not answered: {short}")
        }
    }
}
