//! Tables that people keep as CSV: read leniently as to form, strictly as to content.
//!
//! A byte order mark, quotes, CRLF, and semicolons or tabs between cells (as Excel writes them where
//! commas are decimal points) are fine. Unknown columns, days that are none and whatever else would
//! make an answer other than meant are not, and all of it is said together, each with its line.

use std::collections::HashMap;

use contract::parse_day_ms;

/// Bytes of a file.
const BYTES_MAX: usize = 64 << 20;
/// Rows of a file.
const ROWS_MAX: usize = 200_000;
/// Bytes of a cell.
const CELL_BYTES_MAX: usize = 512;
/// How many problems are said one by one.
const PROBLEMS_MAX: usize = 20;

/// What is wrong with a file, a sentence each.
#[derive(Debug, Default)]
pub(super) struct Problems {
    file: String,
    said: Vec<String>,
    more: usize,
}

impl Problems {
    pub(super) fn of(file: &str) -> Problems {
        Problems {
            file: file.to_owned(),
            ..Problems::default()
        }
    }

    /// `place` is a line, or a line and a column.
    pub(super) fn say(&mut self, place: &str, what: &str) {
        if self.said.len() < PROBLEMS_MAX {
            let separator = if place.is_empty() { "" } else { ", " };
            self.said
                .push(format!("{}{separator}{place}: {what}", self.file));
        } else {
            self.more += 1;
        }
    }

    /// `value` if nothing is wrong.
    pub(super) fn unless<T>(mut self, value: T) -> Result<T, Vec<String>> {
        if self.more > 0 {
            self.said
                .push(format!("{}: {} more problems", self.file, self.more));
        }
        match self.said.is_empty() {
            true => Ok(value),
            false => Err(self.said),
        }
    }
}

/// From one day to before another; either may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    /// Midnight UTC, milliseconds since the Unix epoch; inclusive.
    pub(crate) from_ms: Option<i64>,
    /// The same; exclusive.
    pub(crate) to_ms: Option<i64>,
}

impl Period {
    pub(super) fn has(&self, at_ms: i64) -> bool {
        self.from_ms.is_none_or(|from| from <= at_ms) && self.to_ms.is_none_or(|to| at_ms < to)
    }

    /// Whether it has all times.
    pub(super) fn is_always(&self) -> bool {
        self.from_ms.is_none() && self.to_ms.is_none()
    }
}

/// The cells of a row, by column.
pub(super) struct Row<'a> {
    pub(super) line: u64,
    required: &'static str,
    columns: &'a [&'static str],
    cells: Vec<&'a str>,
}

impl Row<'_> {
    /// What a cell says; `None` for an empty one, or where there is no such column.
    pub(super) fn cell(&self, column: &str) -> Option<&str> {
        let place = self.columns.iter().position(|name| *name == column)?;
        self.cells
            .get(place)
            .copied()
            .filter(|text| !text.is_empty())
    }

    /// The days of `from` and `to`.
    pub(super) fn period(&self, problems: &mut Problems) -> Period {
        let mut day = |column: &str| {
            let text = self.cell(column)?;
            let ms = parse_day_ms(text);
            if ms.is_none() {
                let what = format!("\"{text}\" is not a day; write it like 2026-12-01");
                problems.say(&self.at(column), &what);
            }
            ms
        };
        let period = Period {
            from_ms: day("from"),
            to_ms: day("to"),
        };
        if let (Some(from), Some(to)) = (period.from_ms, period.to_ms)
            && from >= to
        {
            let what =
                "it ends before it begins; `to` is the first day on which it holds no longer";
            problems.say(&self.at("to"), what);
        }
        period
    }

    /// The place of a cell, for a problem.
    pub(super) fn at(&self, column: &str) -> String {
        format!("line {}, column {column}", self.line)
    }
}

/// Reads a file that has some of `columns`, of which the first is required, and gives each row that
/// has a cell to `take`.
pub(super) fn read(
    bytes: &[u8],
    columns: &'static [&'static str],
    problems: &mut Problems,
    mut take: impl FnMut(&Row<'_>, &mut Problems),
) {
    let Some(text) = text(bytes, problems) else {
        return;
    };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut places: Option<Vec<&'static str>> = None;
    let mut lines = Lines::of(text);
    let mut rows = 0;
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return problems.say("", &format!("cannot be read as CSV: {error}")),
        }
        if record.iter().all(str::is_empty) {
            continue;
        }
        let line = lines.at(record.position().map_or(0, csv::Position::byte) as usize);
        let Some(columns_of_file) = &places else {
            match header(&record, line, columns, problems) {
                Some(header) => places = Some(header),
                None => return,
            }
            continue;
        };
        rows += 1;
        if rows > ROWS_MAX {
            let what = format!("more than {ROWS_MAX} rows: leave out those whose time is over");
            return problems.say(&format!("line {line}"), &what);
        }
        let row = Row {
            line,
            required: columns[0],
            columns: columns_of_file,
            cells: record.iter().collect(),
        };
        if check_cells(&row, problems) {
            take(&row, problems);
        }
    }
    if places.is_none() {
        let what = format!(
            "it is empty: the first line names the columns, {}",
            columns.join(",")
        );
        problems.say("", &what);
    }
}

/// On which lines records begin. The reader's own count is off by one after CRLF.
struct Lines<'a> {
    bytes: &'a [u8],
    seen: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Lines<'a> {
        Lines {
            bytes: text.as_bytes(),
            seen: 0,
            line: 1,
        }
    }

    /// The line of a record whose reading began at `byte`, no earlier than the one before it.
    fn at(&mut self, byte: usize) -> u64 {
        let is_between = |byte: &&u8| matches!(byte, b'\r' | b'\n');
        let between = self.bytes.iter().skip(byte).take_while(is_between).count();
        let begins = (byte + between).min(self.bytes.len());
        let passed = self.bytes.get(self.seen..begins).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.seen = begins;
        self.line
    }
}

fn text<'a>(bytes: &'a [u8], problems: &mut Problems) -> Option<&'a str> {
    if bytes.len() > BYTES_MAX {
        problems.say("", &format!("it is larger than {} MiB", BYTES_MAX >> 20));
        return None;
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            problems.say(
                &format!("line {line}"),
                "it is not UTF-8; save it as \"CSV UTF-8\"",
            );
            None
        }
    }
}

/// What is between cells: whichever is most in the first line.
fn delimiter(text: &str) -> u8 {
    let first = text.trim_start().lines().next().unwrap_or_default();
    let count = |delimiter: &u8| first.bytes().filter(|byte| byte == delimiter).count();
    let most = [b'\t', b';', b','].into_iter().max_by_key(count);
    most.unwrap_or(b',')
}

/// The columns of a file, in its order.
fn header(
    record: &csv::StringRecord,
    line: u64,
    columns: &'static [&'static str],
    problems: &mut Problems,
) -> Option<Vec<&'static str>> {
    let place = format!("line {line}");
    let mut header = Vec::with_capacity(record.len());
    let mut wrong = Vec::new();
    for cell in record {
        let name = cell.to_lowercase().replace([' ', '-'], "_");
        match columns.iter().find(|column| **column == name) {
            Some(column) if header.contains(column) => {
                wrong.push(format!("the column {column} is there twice"));
            }
            Some(column) => header.push(*column),
            None => wrong.push(format!(
                "there is no column \"{cell}\"; the columns are {}",
                columns.join(", ")
            )),
        }
    }
    if wrong.is_empty() && !header.contains(&columns[0]) {
        wrong.push(format!("the column {} is missing", columns[0]));
    }
    wrong.iter().for_each(|what| problems.say(&place, what));
    wrong.is_empty().then_some(header)
}

fn check_cells(row: &Row<'_>, problems: &mut Problems) -> bool {
    let line = format!("line {}", row.line);
    let extra = row.cells.iter().skip(row.columns.len());
    if extra.clone().any(|cell| !cell.is_empty()) {
        let what =
            "there are more cells than columns; put a cell with a separator in it into quotes";
        problems.say(&line, what);
        return false;
    }
    let long = row
        .columns
        .iter()
        .zip(&row.cells)
        .find(|(_, cell)| cell.len() > CELL_BYTES_MAX);
    if let Some((column, _)) = long {
        problems.say(
            &row.at(column),
            &format!("it is longer than {CELL_BYTES_MAX} bytes"),
        );
        return false;
    }
    if row.cell(row.required).is_none() {
        problems.say(
            &row.at(row.required),
            "it is empty; say whom the row is about",
        );
        return false;
    }
    true
}

/// Says which rows of one key hold at the same time. Sorts each key's rows by time.
pub(super) fn check_overlaps<K, R>(
    rows: &mut HashMap<K, Vec<R>>,
    of: impl Fn(&R) -> (Period, u64),
    what: impl Fn(&K) -> String,
    problems: &mut Problems,
) {
    let mut found = Vec::new();
    for (key, rows) in rows.iter_mut() {
        rows.sort_by_key(|row| (of(row).0.from_ms.unwrap_or(i64::MIN), of(row).1));
        for pair in rows.windows(2) {
            let ((first, first_line), (second, second_line)) = (of(&pair[0]), of(&pair[1]));
            let starts = second.from_ms.unwrap_or(i64::MIN);
            if first.to_ms.is_none_or(|ends| starts < ends) {
                let (line, other) = (first_line.max(second_line), first_line.min(second_line));
                found.push((line, other, what(key)));
            }
        }
    }
    found.sort_unstable();
    for (line, other, what) in found {
        let what = format!(
            "{what} is in line {other} too, for the same days; end one with `to` where the other begins"
        );
        problems.say(&format!("line {line}"), &what);
    }
}

#[cfg(test)]
mod tests;
