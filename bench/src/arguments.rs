//! The command line.

use fleet::ClientVersion;

pub(crate) const USAGE: &str = "\
Measures the server: cargo xtask bench [OPTIONS]

  --quick          200,000 events instead of 5,000,000; the figures are rougher
  --events N       events on disk and to be queried
  --shape VERSION  only clients of this version: 2.1.45 or 2.1.329
  --strain         instead: latency, ten times the load, kill and replay (docs/strain.md)
  --encryption     instead: the same with and without encryption at rest, in turn
  --panels         instead: every panel of the web UI, over --events N events of thirty days [10,000,000]
  --data DIR       with --panels: a data directory that is there already, made by `simulate --end 2026-11-28T12:00:00Z`
  --keep           leave the data directories where they are
  --write          write the figures to docs/benchmarks.md, or docs/strain.md
";

/// Events under the panels.
const PANELS_EVENTS: u64 = 10_000_000;

/// What to measure.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    /// Events on disk and to be queried.
    pub(crate) events: u64,
    /// Events of each measurement of intake.
    pub(crate) intake_events: u64,
    pub(crate) shapes: Vec<ClientVersion>,
    pub(crate) strain: bool,
    pub(crate) encryption: bool,
    pub(crate) panels: bool,
    /// Where the data of the panels is already.
    pub(crate) data: Option<String>,
    pub(crate) is_quick: bool,
    pub(crate) keep: bool,
    pub(crate) write: bool,
}

impl Arguments {
    /// The arguments of a command line; fails with what is wrong about it.
    pub(crate) fn parse(words: &[String]) -> Result<Arguments, String> {
        let mut arguments = Arguments {
            events: 5_000_000,
            intake_events: 400_000,
            shapes: vec![ClientVersion::V2_1_45, ClientVersion::V2_1_329],
            strain: false,
            encryption: false,
            panels: false,
            data: None,
            is_quick: false,
            keep: false,
            write: false,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--quick" => {
                    arguments.is_quick = true;
                    arguments.events = 200_000;
                    arguments.intake_events = 60_000;
                }
                "--events" => {
                    let text = value()?;
                    let events = text.parse().ok().filter(|events| *events > 0);
                    arguments.events = events.ok_or(format!("{text} is not a number of events"))?;
                }
                "--shape" => {
                    let text = value()?;
                    let known = arguments.shapes.iter().find(|shape| shape.cli() == text);
                    let shape = known.ok_or(format!("there is no client {text} here"))?;
                    arguments.shapes = vec![*shape];
                }
                "--encryption" => arguments.encryption = true,
                "--strain" => arguments.strain = true,
                "--panels" => {
                    arguments.panels = true;
                    arguments.events = PANELS_EVENTS;
                }
                "--data" => arguments.data = Some(value()?.clone()),
                "--keep" => arguments.keep = true,
                "--write" => arguments.write = true,
                _ => return Err(format!("{word} is not known")),
            }
        }
        Ok(arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Arguments::parse(&words)
    }

    #[test]
    fn later_words_win_and_unknown_ones_are_refused() {
        let arguments = parse("--quick --events 7 --shape 2.1.45 --keep").expect("understood");
        assert_eq!((arguments.events, arguments.intake_events), (7, 60_000));
        assert_eq!(arguments.shapes, [ClientVersion::V2_1_45]);
        assert!(arguments.keep && !arguments.write);
        for line in [
            "--fast",
            "--events",
            "--events 0",
            "--events many",
            "--shape 1.0",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
