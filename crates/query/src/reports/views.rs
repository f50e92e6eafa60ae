//! What can be queried: the views with their columns, for documentation and completion.

use arrow::datatypes::DataType;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::QueryError;
use crate::question::Question;
use crate::views::VIEWS;

/// One view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ViewShape {
    /// Its name in SQL.
    pub name: &'static str,
    /// What one row is.
    pub about: &'static str,
    /// Its columns in order.
    pub columns: Vec<ViewColumn>,
}

/// One column of a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ViewColumn {
    /// Its name.
    pub name: String,
    /// What it holds: `text`, `bigint`, `double`, `boolean`, `timestamp` or `bytes`.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// All views.
pub async fn views(question: &Question<'_>) -> Result<Vec<ViewShape>, QueryError> {
    let mut shapes = Vec::with_capacity(VIEWS.len());
    for view in VIEWS {
        let answer = question
            .query(&format!("SELECT * FROM {} LIMIT 0", view.name), None)
            .await?;
        let columns = answer.schema.fields().iter().map(|field| ViewColumn {
            name: field.name().clone(),
            kind: kind(field.data_type()),
        });
        shapes.push(ViewShape {
            name: view.name,
            about: view.about,
            columns: columns.collect(),
        });
    }
    Ok(shapes)
}

fn kind(kind: &DataType) -> &'static str {
    match kind {
        DataType::Boolean => "boolean",
        DataType::Timestamp(..) => "timestamp",
        DataType::Binary | DataType::BinaryView | DataType::LargeBinary => "bytes",
        kind if kind.is_integer() => "bigint",
        kind if kind.is_numeric() => "double",
        _ => "text",
    }
}
