//! Tables with aligned columns.

use unicode_width::UnicodeWidthStr;

/// On which side a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A table: a head, rows, and below a second rule the totals.
#[derive(Debug, Default)]
pub(crate) struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
    totals: Option<Vec<String>>,
}

const GAP: &str = "  ";

impl Table {
    pub(crate) fn new(columns: Vec<(String, Align)>) -> Table {
        Table {
            columns,
            ..Table::default()
        }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(crate) fn totals(&mut self, cells: Vec<String>) {
        self.totals = Some(cells);
    }

    /// The table as lines, each with its end.
    pub(crate) fn written(&self) -> String {
        let head: Vec<String> = self
            .columns
            .iter()
            .map(|(title, _)| title.clone())
            .collect();
        let all = || [&head].into_iter().chain(&self.rows).chain(&self.totals);
        let widths: Vec<usize> = (0..head.len())
            .map(|place| {
                all()
                    .filter_map(|row| row.get(place))
                    .map(|cell| cell.width())
                    .max()
            })
            .map(Option::unwrap_or_default)
            .collect();
        let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        let mut lines = vec![self.line(&head, &widths), rule.join(GAP)];
        lines.extend(self.rows.iter().map(|row| self.line(row, &widths)));
        if let Some(totals) = &self.totals {
            lines.extend([rule.join(GAP), self.line(totals, &widths)]);
        }
        lines
            .iter()
            .map(|line| format!("{}\n", line.trim_end()))
            .collect()
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let padded =
            cells
                .iter()
                .zip(widths)
                .zip(&self.columns)
                .map(|((cell, width), (_, align))| {
                    let space = " ".repeat(width.saturating_sub(cell.width()));
                    match align {
                        Align::Left => format!("{cell}{space}"),
                        Align::Right => format!("{space}{cell}"),
                    }
                });
        padded.collect::<Vec<_>>().join(GAP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_totals_are_ruled_off() {
        let mut table = Table::new(vec![
            ("Who".into(), Align::Left),
            ("Cost".into(), Align::Right),
        ]);
        table.row(vec!["日本".into(), "$1.00".into()]);
        table.row(vec!["b".into(), "$12.00".into()]);
        table.totals(vec!["Total".into(), "$13.00".into()]);
        let expected = "Who      Cost\n─────  ──────\n日本    $1.00\nb      $12.00\n─────  ──────\nTotal  $13.00\n";
        assert_eq!(table.written(), expected);
    }
}
