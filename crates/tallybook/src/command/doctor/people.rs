//! The files that say who people are.

use super::Subject;
use super::finding::Finding;
use crate::people::summary;

pub(super) fn finding(subject: &Subject) -> Option<Finding> {
    const CHECK: &str = "people";
    let sources = subject.settings.people.sources(&subject.dir);
    if sources.mapping.is_none() && sources.roster.is_none() {
        return None;
    }
    Some(match sources.read() {
        Ok(files) => Finding::ok(CHECK, summary(&files)),
        Err(problems) => Finding::failed(
            CHECK,
            problems.join("; "),
            "mend the file; a server goes by what it read before, and takes the new one within 10 s",
        ),
    })
}
