//! Questions of more than one SELECT, and those that nobody is meant to ask.

use super::{Grammar, Source};

impl Grammar {
    /// Two or three SELECTs, put together.
    pub(super) fn set_operation(&mut self) -> String {
        let (one, other) = (self.column_of_texts(), self.column_of_texts());
        let sql = format!("{one} {} {other}", self.operator());
        match self.chance(25) {
            true => format!("({sql}) {} {}", self.operator(), self.column_of_texts()),
            false => sql,
        }
    }

    fn operator(&mut self) -> &'static str {
        let all = [
            "UNION",
            "UNION ALL",
            "EXCEPT",
            "EXCEPT ALL",
            "INTERSECT",
            "INTERSECT ALL",
        ];
        all[self.below(all.len())]
    }

    fn column_of_texts(&mut self) -> String {
        let source = self.view("a");
        let (text, condition) = (self.text(&source, 2), self.condition(&source, 1));
        format!(
            "SELECT {text} AS x FROM {} AS a WHERE {condition}",
            source.sql
        )
    }

    /// A SELECT with a name, asked in one of several ways.
    pub(super) fn named_query(&mut self) -> String {
        let inner = self.column_of_texts();
        let source = self.view("a");
        let text = self.text(&source, 1);
        match self.below(5) {
            0 => format!("WITH w AS ({}) SELECT * FROM w", self.select()),
            1 => {
                format!("WITH w AS ({inner}) SELECT w.x, v.x AS y FROM w JOIN w AS v ON w.x = v.x")
            }
            2 => format!(
                "WITH w AS ({inner}) SELECT {text} AS x FROM {} AS a WHERE {text} IN (SELECT x FROM w)",
                source.sql
            ),
            3 => format!(
                "WITH w AS ({inner}), v AS (SELECT x, count(*) AS n FROM w GROUP BY x) SELECT x, n FROM v WHERE n > {}",
                self.below(4)
            ),
            _ => {
                format!("WITH w(y) AS ({inner}) SELECT max(y) AS m, count(DISTINCT y) AS n FROM w")
            }
        }
    }

    /// A SELECT in the list, or in the condition, of another.
    pub(super) fn sub_select(&mut self) -> String {
        let (outer, inner) = (self.view("a"), self.view("s"));
        let (here, there) = (self.text(&outer, 0), self.text(&inner, 0));
        let (shown, aggregate) = (self.text(&outer, 1), self.aggregate_of_one(&inner));
        match self.below(4) {
            0 => format!(
                "SELECT {shown} AS x, (SELECT {aggregate} FROM {} AS s) AS m FROM {} AS a",
                inner.sql, outer.sql
            ),
            1 => format!(
                "SELECT {shown} AS x, (SELECT {aggregate} FROM {} AS s WHERE {there} = {here}) AS m FROM {} AS a",
                inner.sql, outer.sql
            ),
            2 => format!(
                "SELECT {shown} AS x FROM {} AS a WHERE {here} = (SELECT max({there}) FROM {} AS s)",
                outer.sql, inner.sql
            ),
            _ => format!(
                "SELECT {shown} AS x FROM {} AS a WHERE {here} NOT IN (SELECT {there} FROM {} AS s WHERE {there} IS NOT NULL)",
                outer.sql, inner.sql
            ),
        }
    }

    fn aggregate_of_one(&mut self, source: &Source) -> String {
        let text = self.text(source, 1);
        match self.below(3) {
            0 => "count(*)".to_owned(),
            1 => format!("min({text})"),
            _ => format!("count(DISTINCT {text})"),
        }
    }

    pub(super) fn grouping_sets(&mut self) -> String {
        let source = self.view("a");
        let (one, other) = (self.text(&source, 0), self.text(&source, 0));
        let aggregate = self.aggregate_of_one(&source);
        let by = match self.below(3) {
            0 => format!("ROLLUP ({one}, {other})"),
            1 => format!("CUBE ({one}, {other})"),
            _ => format!("GROUPING SETS (({one}), ({other}), ())"),
        };
        format!(
            "SELECT {one} AS x, {other} AS y, {aggregate} AS m FROM {} AS a GROUP BY {by}",
            source.sql
        )
    }

    /// What nobody is meant to ask.
    pub(super) fn odd(&mut self) -> String {
        let source = self.view("a");
        let text = self.text(&source, 0);
        let of_items =
            "time, session_id, user_id, user_email, user_account_uuid, user_account_id, NULL, NULL";
        match self.below(20) {
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
            13 => format!("EXPLAIN VERBOSE SELECT {text} FROM {} AS a", source.sql),
            14 => format!(
                "SELECT * FROM information_schema.{}",
                self.one_of(&["columns", "views", "schemata", "routines", "df_settings"])
            ),
            15 => self
                .one_of(&["SHOW TABLES", "SHOW ALL", "DESCRIBE events"])
                .to_owned(),
            16 => format!(
                "SELECT {text} FROM {} AS a UNION ALL SELECT table_name FROM information_schema.tables",
                source.sql
            ),
            17 => format!(
                "WITH RECURSIVE r AS (SELECT {text} AS x, 1 AS n FROM {} AS a UNION ALL SELECT x, n + 1 FROM r WHERE n < 3) SELECT * FROM r",
                source.sql
            ),
            18 => format!(
                "SELECT * FROM {} AS a, LATERAL (SELECT {text} AS y) AS l",
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
