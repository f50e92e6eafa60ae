//! From the descriptions of the pages of the UI to the requests that it makes.

use std::path::Path;

use testkit::Problem;

/// Rows that the UI asks for, as `web/src/boards/board.ts` has them.
const TABLE_ROWS: &str = "10";
const COURSE_ROWS: &str = "2000";
/// The zone of a browser.
const ZONE: &str = "Europe%2FBerlin";

/// One question of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Panel {
    /// Page, report and grouping.
    pub(super) what: String,
    /// What is asked for, with its parameters.
    pub(super) path: String,
}

/// The questions of all pages, each once, over a range in milliseconds.
pub(super) fn all(folder: &Path, range: (u64, u64)) -> Result<Vec<Panel>, Problem> {
    let (from, to) = range;
    let mut panels = vec![Panel {
        what: "overview".to_owned(),
        path: format!("/api/v1/overview?from_ms={from}&to_ms={to}"),
    }];
    let files = std::fs::read_dir(folder)?;
    let mut files = files
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    files.sort();
    for file in files {
        let page = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        for panel in of_page(&page, &std::fs::read_to_string(&file)?, range) {
            if !panels.iter().any(|known| known.path == panel.path) {
                panels.push(panel);
            }
        }
    }
    match panels.len() {
        0..=20 => Err(Problem::new(format!(
            "{} panels were read from {}: its files are not written as expected",
            panels.len(),
            folder.display()
        ))),
        _ => Ok(panels),
    }
}

/// The panels of a page's description: each is a list of fields behind `{ id:`.
fn of_page(page: &str, text: &str, (from, to): (u64, u64)) -> Vec<Panel> {
    let text = with_lists(text);
    let descriptions = text.split("{ id: ").skip(1);
    let asked = descriptions.filter_map(|description| {
        let description = description.split('}').next()?;
        // Some panels ask no report: they show what became of items.
        let report = texts(description, "report")
            .pop()
            .filter(|name| !name.is_empty())?;
        let by = texts(description, "by").join(",");
        let conditions = texts(description, "where");
        let order = texts(description, "order").pop();
        let is_table = texts(description, "show") == ["table"];
        let rows = number(description, "rows").unwrap_or(TABLE_ROWS);
        let limit = if is_table { rows } else { COURSE_ROWS };
        let mut path = format!(
            "/api/v1/reports/{report}?from={from}&to={to}&time_zone={ZONE}&group_by={}",
            escaped(&by)
        );
        let mut what = format!("{page}: {report} by {by}");
        for condition in conditions {
            path.push_str(&format!("&where={}", escaped(&condition)));
            what.push_str(&format!(", {condition}"));
        }
        if let Some(order) = order {
            path.push_str(&format!("&order_by={}", escaped(&order)));
        }
        path.push_str(&format!("&limit={limit}"));
        let figures = texts(description, "figures");
        Some((Panel { what, path }, figures, is_table))
    });
    // Panels that ask the same, but for tables, share a request for what both show.
    let mut panels: Vec<(Panel, Vec<String>, bool)> = Vec::new();
    for (panel, figures, is_table) in asked {
        let shared = panels.iter_mut().find(|(known, _, is_known_table)| {
            known.path == panel.path && !is_table && !*is_known_table
        });
        match shared {
            Some((_, known, _)) => known.extend(figures),
            None => panels.push((panel, figures, is_table)),
        }
    }
    let with_figures = |(panel, mut figures, _): (Panel, Vec<String>, bool)| {
        let mut seen = Vec::new();
        figures.retain(|name| {
            !seen.contains(name) && {
                seen.push(name.clone());
                true
            }
        });
        let path = format!("{}&measures={}", panel.path, escaped(&figures.join(",")));
        Panel { path, ..panel }
    };
    panels.into_iter().map(with_figures).collect()
}

/// With the lists in place of the names that a page gives them.
fn with_lists(text: &str) -> String {
    let mut whole = text.to_owned();
    for declared in text.split("\nconst ").skip(1) {
        let Some((name, list)) = declared.split_once(" = [") else {
            continue;
        };
        if let Some((list, _)) = list.split_once("];") {
            for end in [",", " }"] {
                whole = whole.replace(&format!(": {name}{end}"), &format!(": [{list}]{end}"));
            }
        }
    }
    whole
}

/// The texts of a field: one, or those of a list.
fn texts(description: &str, field: &str) -> Vec<String> {
    let Some(value) = value(description, field) else {
        return Vec::new();
    };
    let end = match value.strip_prefix('[') {
        Some(list) => list.split(']').next(),
        None => value.split_inclusive('\'').nth(1).map(|_| {
            let close = value[1..].find('\'').map_or(value.len(), |at| at + 2);
            &value[..close]
        }),
    };
    let quoted = end.unwrap_or_default().split('\'').skip(1).step_by(2);
    quoted.map(str::to_owned).collect()
}

fn number<'a>(description: &'a str, field: &str) -> Option<&'a str> {
    let value = value(description, field)?;
    let end = value.find(|symbol: char| !symbol.is_ascii_digit());
    Some(&value[..end.unwrap_or(value.len())])
}

/// What follows a field's name.
fn value<'a>(description: &'a str, field: &str) -> Option<&'a str> {
    let name = format!(" {field}: ");
    let at = description.find(&name)?;
    Some(&description[at + name.len()..])
}

fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_is_what_the_ui_asks() {
        let text = "panels: [\n { id: 'codes', title: 'Why: it failed', show: 'table', width: 'half', report: 'connectors',
            by: ['product', 'app_version'],\n where: ['kind=connection', 'outcome='], figures: ['x'], order: '-x', rows: 20 },
            { id: 'days', show: 'course', report: 'cost', by: ['day'], figures: ['cost_usd'] },";
        let panels = of_page("page", text, (1, 2));
        let paths: Vec<&str> = panels.iter().map(|panel| panel.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "/api/v1/reports/connectors?from=1&to=2&time_zone=Europe%2FBerlin&group_by=product%2Capp_version\
                 &where=kind%3Dconnection&where=outcome%3D&order_by=-x&limit=20&measures=x",
                "/api/v1/reports/cost?from=1&to=2&time_zone=Europe%2FBerlin&group_by=day&limit=2000&measures=cost_usd",
            ]
        );
        assert_eq!(
            panels[0].what,
            "page: connectors by product,app_version, kind=connection, outcome="
        );
    }

    #[test]
    fn a_list_may_have_a_name_and_a_panel_may_ask_no_report() {
        let text = "const STEPS = ['day', 'model'];\nconst SPREAD = ['x', 'y'];\npanels: [
            { id: 'a', show: 'spread', report: 'durations', by: STEPS, figures: SPREAD },
            { id: 'b', show: 'fates', report: '', by: [], figures: [] },";
        let text = format!("\n{text}");
        let panels = of_page("page", &text, (1, 2));
        let paths: Vec<&str> = panels.iter().map(|panel| panel.path.as_str()).collect();
        let path = "/api/v1/reports/durations?from=1&to=2&time_zone=Europe%2FBerlin&group_by=day%2Cmodel&limit=2000&measures=x%2Cy";
        assert_eq!(paths, [path]);
    }

    #[test]
    fn all_pages_of_the_ui_are_read() {
        let panels = all(&super::super::boards_dir(), (1, 2)).expect("panels");
        for Panel { path, .. } in panels.iter().skip(1) {
            let nothing = ["reports/?", "group_by=&", "measures=&"];
            let is_whole = !nothing.iter().any(|nothing| path.contains(nothing));
            assert!(is_whole && !path.ends_with("measures="), "{path}");
        }
        for page in [
            "cost",
            "adoption",
            "connectors",
            "errors",
            "productivity",
            "tools",
            "workspaces",
        ] {
            let of_page = panels
                .iter()
                .filter(|panel| panel.what.starts_with(&format!("{page}: ")));
            assert!(of_page.count() >= 2, "{page}: {panels:?}");
        }
    }
}
