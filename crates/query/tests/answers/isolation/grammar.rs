//! Random questions: over all views, with joins, unions, sub-selects, windows, functions, regular
//! expressions, and casts and arithmetic that fail on some rows. The same seed makes the same ones.

use query::Sight;
use query::reports::{ViewShape, views};

use super::world::{COMMON, NAMED, ORGANIZATIONS, WROTE};
use crate::support::Bench;

/// A question.
pub(crate) struct Question {
    pub(crate) sql: String,
    /// Whether it has one right answer, whatever order rows come in.
    pub(crate) is_determined: bool,
}

/// Where questions come from.
pub(crate) struct Grammar {
    views: Vec<ViewShape>,
    state: u64,
    is_determined: bool,
}

/// What may stand in a FROM, under a name.
#[derive(Clone)]
struct Source {
    sql: String,
    name: String,
    columns: Vec<(String, &'static str)>,
}

impl Grammar {
    pub(crate) async fn over(bench: &Bench, seed: u64) -> Grammar {
        let question = bench.engine.question(Sight::everything());
        Grammar {
            views: views(&question).await.expect("views"),
            state: seed,
            is_determined: true,
        }
    }

    pub(crate) fn question(&mut self) -> Question {
        self.is_determined = true;
        let sql = match self.below(20) {
            0 => self.odd(),
            1 | 2 => self.union(),
            3 => format!("WITH w AS ({}) SELECT * FROM w", self.select()),
            _ => self.select(),
        };
        Question {
            is_determined: self.is_determined,
            sql,
        }
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn one_of<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn view(&mut self, name: &str) -> Source {
        // The tables are asked more often than what is made of them, which takes longer.
        let weighty = [
            "events",
            "events",
            "metrics",
            "spans",
            "quarantine",
            "people",
            "roster",
        ];
        let wanted = match self.chance(88) {
            true => self.one_of(&weighty).to_owned(),
            false => {
                let at = self.below(self.views.len());
                self.views[at].name.to_owned()
            }
        };
        let view = self.views.iter().find(|view| view.name == wanted);
        let view = view.expect("a view");
        Source {
            sql: view.name.to_owned(),
            name: name.to_owned(),
            columns: view
                .columns
                .iter()
                .map(|own| (own.name.clone(), own.kind))
                .collect(),
        }
    }

    fn source(&mut self, name: &str) -> Source {
        let mut source = self.view(name);
        if self.chance(15) {
            let inner = Source {
                name: "i".to_owned(),
                ..source.clone()
            };
            let condition = self.condition(&inner, 1);
            source.sql = format!("(SELECT * FROM {} AS i WHERE {condition})", source.sql);
        }
        source
    }

    fn select(&mut self) -> String {
        let left = self.source("a");
        let (mut from, mut sources) = (format!("{} AS a", left.sql), vec![left]);
        if self.chance(25) {
            let right = self.source("b");
            from += &self.joined(&sources[0].clone(), &right);
            sources.push(right);
        }
        let at = self.below(sources.len());
        let source = sources[at].clone();
        let filter = match self.chance(60) {
            true => format!(" WHERE {}", self.condition(&source, 2)),
            false => String::new(),
        };
        match self.below(10) {
            0..=2 => self.grouped(&source, &from, &filter),
            3 => self.windowed(&source, &from, &filter),
            4 => format!("SELECT * FROM {from}{filter}{}", self.limit(&source)),
            _ => {
                let items = self.items(&source);
                let distinct = if self.chance(20) { "DISTINCT " } else { "" };
                let end = if distinct.is_empty() {
                    self.limit(&source)
                } else {
                    String::new()
                };
                format!("SELECT {distinct}{items} FROM {from}{filter}{end}")
            }
        }
    }

    fn joined(&mut self, left: &Source, right: &Source) -> String {
        let shared = left
            .columns
            .iter()
            .filter(|own| right.columns.contains(own));
        let shared: Vec<String> = shared.map(|(name, _)| name.clone()).collect();
        let kind = self.one_of(&["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]);
        let on = match shared.is_empty() {
            true => format!("{} = {}", self.text(left, 0), self.text(right, 0)),
            false => {
                let name = shared[self.below(shared.len())].clone();
                format!("a.{name} = b.{name}")
            }
        };
        format!(" {kind} {} AS b ON {on}", right.sql)
    }

    fn items(&mut self, source: &Source) -> String {
        let count = 1 + self.below(4);
        let items = (0..count).map(|at| format!("{} AS x{at}", self.expression(source, 2)));
        items.collect::<Vec<_>>().join(", ")
    }

    fn limit(&mut self, source: &Source) -> String {
        if self.chance(75) {
            return String::new();
        }
        self.is_determined = false;
        let by = self.expression(source, 1);
        let way = self.one_of(&["ASC", "DESC", "DESC NULLS LAST"]);
        format!(" ORDER BY {by} {way} LIMIT {}", 1 + self.below(9))
    }

    fn grouped(&mut self, source: &Source, from: &str, filter: &str) -> String {
        let (by, aggregate) = (self.expression(source, 1), self.aggregate(source));
        let other = self.aggregate(source);
        let having = match self.chance(25) {
            true => format!(" HAVING {} IS NOT NULL", self.aggregate(source)),
            false => String::new(),
        };
        format!(
            "SELECT {by} AS g, {aggregate} AS m, {other} AS n FROM {from}{filter} GROUP BY {by}{having}"
        )
    }

    fn aggregate(&mut self, source: &Source) -> String {
        let expression = self.expression(source, 1);
        match self.below(9) {
            0 => "count(*)".to_owned(),
            1 => format!("count(DISTINCT {expression})"),
            2 => format!("min({expression})"),
            3 => format!("max({expression})"),
            4 => format!("sum({})", self.number(source, 1)),
            5 => format!(
                "avg({}) FILTER (WHERE {})",
                self.number(source, 1),
                self.condition(source, 1)
            ),
            6 => format!("approx_distinct({})", self.text(source, 1)),
            _ => {
                self.is_determined = false;
                let kind = self.one_of(&[
                    "string_agg",
                    "array_agg",
                    "first_value",
                    "last_value",
                    "any_value",
                ]);
                match kind {
                    "string_agg" => format!("string_agg({}, ',')", self.text(source, 1)),
                    kind => format!("{kind}({expression})"),
                }
            }
        }
    }

    fn windowed(&mut self, source: &Source, from: &str, filter: &str) -> String {
        self.is_determined = false;
        let (by, order) = (self.expression(source, 1), self.expression(source, 1));
        let text = self.text(source, 1);
        let call = match self.below(5) {
            0 => "row_number()".to_owned(),
            1 => "rank()".to_owned(),
            2 => format!("lag({text})"),
            3 => format!("lead({text}, 2)"),
            _ => format!("max({text})"),
        };
        format!(
            "SELECT {text} AS x, {call} OVER (PARTITION BY {by} ORDER BY {order}) AS w FROM {from}{filter}"
        )
    }

    fn union(&mut self) -> String {
        let (left, right) = (self.view("a"), self.view("a"));
        let (one, other) = (self.text(&left, 2), self.text(&right, 2));
        let (here, there) = (self.condition(&left, 1), self.condition(&right, 1));
        let all = self.one_of(&["UNION", "UNION ALL", "EXCEPT", "INTERSECT"]);
        format!(
            "SELECT {one} AS x FROM {} AS a WHERE {here} {all} SELECT {other} AS x FROM {} AS a WHERE {there}",
            left.sql, right.sql
        )
    }

    fn expression(&mut self, source: &Source, depth: usize) -> String {
        match self.below(10) {
            0 => format!("({})", self.condition(source, depth.saturating_sub(1))),
            1..=3 => self.number(source, depth),
            _ => self.text(source, depth),
        }
    }

    fn column(&mut self, source: &Source, kinds: &[&str]) -> Option<String> {
        let of_kind = source
            .columns
            .iter()
            .filter(|(_, kind)| kinds.contains(kind));
        let of_kind: Vec<&String> = of_kind.map(|(name, _)| name).collect();
        if of_kind.is_empty() {
            return None;
        }
        let at = self.below(of_kind.len());
        Some(format!("{}.\"{}\"", source.name, of_kind[at]))
    }

    fn text(&mut self, source: &Source, depth: usize) -> String {
        let Some(column) = self.column(source, &["text"]) else {
            return "'nothing'".to_owned();
        };
        if depth == 0 || self.chance(40) {
            return column;
        }
        let inner = self.text(source, depth - 1);
        let other = self.text(source, depth - 1);
        let number = self.below(12);
        match self.below(19) {
            0 => format!("upper({inner})"),
            1 => format!("lower({inner})"),
            2 => format!("reverse({inner})"),
            3 => format!("concat({inner}, '|', {other})"),
            4 => format!("coalesce({inner}, {other})"),
            5 => format!("substr({inner}, {})", 1 + self.below(4)),
            6 => format!("split_part({inner}, ' ', {})", 1 + self.below(4)),
            7 => format!("replace({inner}, 'a', '{{}}')"),
            8 => format!("regexp_replace({inner}, '[0-9]+', 'N', 'g')"),
            9 => format!("CAST(regexp_match({inner}, '({COMMON}.*)') AS VARCHAR)"),
            10 => format!(
                "encode(CAST({inner} AS BYTEA), '{}')",
                self.one_of(&["hex", "base64"])
            ),
            11 => format!(
                "CASE WHEN {} THEN {inner} ELSE {other} END",
                self.condition(source, 0)
            ),
            12 => format!("nullif({inner}, {other})"),
            13 => format!(
                "attribute({inner}, '{}')",
                self.one_of(&["odd", "host.name", "odd.resource", "project", "os.type"])
            ),
            14 => format!("translate({inner}, 'xyz', 'xyz')"),
            15 => format!("CAST({} AS VARCHAR)", self.number(source, depth - 1)),
            16 => format!("left({inner}, {})", 4 + number),
            17 => format!("greatest({inner}, {other})"),
            _ => format!("overlay({inner} PLACING 'o' FROM {} FOR 1)", 1 + number),
        }
    }

    fn number(&mut self, source: &Source, depth: usize) -> String {
        let Some(column) = self.column(source, &["bigint", "double"]) else {
            return format!("length({})", self.text(source, 0));
        };
        if depth == 0 || self.chance(40) {
            return column;
        }
        let (inner, text) = (self.number(source, depth - 1), self.text(source, depth - 1));
        match self.below(11) {
            0 => format!("length({text})"),
            1 => format!("({inner} + {})", self.below(5)),
            // These fail on some rows.
            2 => format!("CAST({text} AS BIGINT)"),
            3 => format!("CAST({text} AS DOUBLE)"),
            4 => format!("({inner} / ({inner} - {inner}))"),
            5 => format!("date_part('year', CAST({text} AS TIMESTAMP))"),
            6 => format!("TRY_CAST({text} AS DOUBLE)"),
            7 => format!("strpos({text}, '{COMMON}')"),
            8 => format!("ascii({text})"),
            9 => format!("CAST({inner} * 9e18 AS BIGINT)"),
            _ => format!("abs({inner})"),
        }
    }

    fn condition(&mut self, source: &Source, depth: usize) -> String {
        let text = self.text(source, depth.min(1));
        if depth > 0 && self.chance(25) {
            let (one, other) = (
                self.condition(source, depth - 1),
                self.condition(source, depth - 1),
            );
            let both = self.one_of(&["AND", "OR"]);
            return format!("({one} {both} {other})");
        }
        match self.below(13) {
            0 => format!("{text} LIKE '%{}%'", self.part_of_a_word()),
            1 => format!("{text} ~ '{}'", self.part_of_a_word()),
            2 => format!("regexp_like({text}, '^.*{}')", self.part_of_a_word()),
            3 => format!("{text} IS NOT NULL"),
            4 => format!("{text} > '{}'", self.part_of_a_word()),
            5 => format!("{} > {}", self.number(source, 1), self.below(50)),
            6 if depth > 0 => {
                let view = self.view("s");
                format!(
                    "{text} IN (SELECT {} FROM {} AS s)",
                    self.text(&view, 0),
                    view.sql
                )
            }
            7 if depth > 0 => {
                let view = self.view("s");
                let (here, there) = (self.text(source, 0), self.text(&view, 0));
                format!(
                    "EXISTS (SELECT 1 FROM {} AS s WHERE {there} = {here})",
                    view.sql
                )
            }
            8 => format!("{text} = {}", self.text(source, 0)),
            9 => format!("CAST({text} AS BIGINT) = {}", self.below(9)),
            10 => format!("starts_with({text}, '{}')", self.part_of_a_word()),
            11 => format!("{text} BETWEEN 'a' AND '{}'", self.part_of_a_word()),
            _ => format!("length({text}) > {}", self.below(20)),
        }
    }

    /// So much of a word as does not look like it when an error repeats the question.
    fn part_of_a_word(&mut self) -> String {
        let words = [
            ORGANIZATIONS[0],
            ORGANIZATIONS[1],
            ORGANIZATIONS[2],
            NAMED,
            WROTE,
        ];
        let word = self.one_of(&words);
        word[..4 + self.below(word.len() - 4)].to_owned()
    }

    /// What nobody is meant to ask.
    fn odd(&mut self) -> String {
        let source = self.view("a");
        let text = self.text(&source, 0);
        let of_items =
            "time, session_id, user_id, user_email, user_account_uuid, user_account_id, NULL, NULL";
        match self.below(14) {
            0 => format!("EXPLAIN SELECT {text} FROM {} AS a", source.sql),
            1 => format!("EXPLAIN ANALYZE SELECT {text} FROM {} AS a", source.sql),
            2 => format!("SELECT _person({of_items}) FROM events"),
            3 => format!("SELECT _called(now(), {text}) FROM {} AS a", source.sql),
            4 => format!(
                "SELECT _machine({text}), _members({text}, true) FROM {} AS a",
                source.sql
            ),
            5 => format!(
                "SELECT _sent_as({text}, 'json', 'odd') FROM {} AS a",
                source.sql
            ),
            6 => "SELECT * FROM _events".to_owned(),
            7 => "SELECT * FROM _roster".to_owned(),
            8 => format!("SELECT input_file_name(), {text} FROM {} AS a", source.sql),
            9 => "SELECT table_name FROM information_schema.tables".to_owned(),
            10 => format!(
                "SELECT a.envelope, a.raw, a.shape, {text} FROM {} AS a",
                source.sql
            ),
            11 => {
                "SELECT _person(time, 'session 1', NULL, NULL, NULL, NULL, NULL, NULL) FROM events"
                    .to_owned()
            }
            12 => format!(
                "SELECT arrow_cast({text}, 'Int32') FROM {} AS a",
                source.sql
            ),
            _ => format!(
                "SELECT nothing_{} FROM {} AS a WHERE {text} = 1",
                self.below(9),
                source.sql
            ),
        }
    }
}
