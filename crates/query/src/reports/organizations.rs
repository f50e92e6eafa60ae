//! Of which organisations something is stored.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::rows;
use crate::error::QueryError;
use crate::question::Question;
use crate::sight::named;

/// How many are told at most.
const ORGANIZATIONS_MAX: usize = 1_000;

#[derive(Deserialize)]
struct Row {
    organization: Option<String>,
    organization_id: Option<String>,
}

/// The organisations of whom there are events or metrics that the question may see, 1,000 at most.
///
/// # Errors
/// It took too long, or parts cannot be read.
pub async fn organizations(question: &Question<'_>) -> Result<BTreeSet<String>, QueryError> {
    let sql = "SELECT organization, organization_id FROM events GROUP BY organization, organization_id \
               UNION ALL SELECT organization, organization_id FROM metrics GROUP BY organization, organization_id";
    let answer = question.query(sql, Some(2 * ORGANIZATIONS_MAX)).await?;
    let rows: Vec<Row> = rows::read(&answer)?;
    let names = rows.iter().map(|row| {
        let name = named(row.organization.as_deref(), row.organization_id.as_deref());
        name.unwrap_or(question.lens().usual()).to_owned()
    });
    let names: BTreeSet<String> = names.collect();
    Ok(names.into_iter().take(ORGANIZATIONS_MAX).collect())
}
