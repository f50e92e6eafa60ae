//! The projection over a view that lies on a table: what gives somebody or something away, replaced.

use std::sync::Arc;

use arrow::array::StringViewArray;
use arrow::datatypes::DataType;
use datafusion::common::cast::as_string_view_array;
use datafusion::common::{Column, ScalarValue};
use datafusion::error::Result;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::registry::FunctionRegistry;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, LogicalPlanBuilder, ScalarUDF, Volatility, create_udf, lit,
    when,
};

use super::columns::{Holds, holds};
use super::members::members;
use super::{Lens, Pseudonyms};

/// In place of something that is there and may not be seen.
const WITHHELD: &str = "<WITHHELD>";
/// What clients send in place of what they were told not to send: that is no secret.
const REDACTED: &str = "<REDACTED>";

/// The functions of the masks, beside those that name people.
pub(crate) fn functions(pseudonyms: &Pseudonyms) -> [ScalarUDF; 2] {
    [members(), machine(pseudonyms.clone())]
}

/// A text that is there, as somebody sees it who may not see content.
pub(crate) fn withheld(text: &str) -> &str {
    match text {
        REDACTED => REDACTED,
        _ => WITHHELD,
    }
}

fn machine(pseudonyms: Pseudonyms) -> ScalarUDF {
    create_udf(
        "_machine",
        vec![DataType::Utf8View],
        DataType::Utf8View,
        Volatility::Immutable,
        Arc::new(move |arguments: &[ColumnarValue]| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let mut last: Option<(&str, String)> = None;
            let ids = as_string_view_array(&arrays[0])?.iter();
            let named = ids.map(|id| {
                let id = id?;
                match &last {
                    Some((known, named)) if *known == id => Some(named.clone()),
                    _ => {
                        let named = pseudonyms.machine(id);
                        last = Some((id, named.clone()));
                        Some(named)
                    }
                }
            });
            let named: StringViewArray = named.collect();
            Ok(ColumnarValue::Array(Arc::new(named)))
        }),
    )
}

impl Lens {
    /// A view that lies on a table, as it is seen.
    pub(crate) fn mask(
        &self,
        view: &str,
        plan: LogicalPlan,
        context: &SessionContext,
    ) -> Result<LogicalPlan> {
        if self.sight.has_content() {
            return Ok(plan);
        }
        let fields = plan.schema().iter();
        let columns = fields.map(|(qualifier, field)| {
            let name = field.name();
            let column = Expr::Column(Column::new(qualifier.cloned(), name));
            let shown = self.shown((view, name), column, field.data_type(), context)?;
            Ok(shown.alias(name))
        });
        let columns: Vec<Expr> = columns.collect::<Result<_>>()?;
        LogicalPlanBuilder::from(plan).project(columns)?.build()
    }

    /// A column as it is seen by who may not see everything.
    fn shown(
        &self,
        (view, name): (&str, &str),
        column: Expr,
        kind: &DataType,
        context: &SessionContext,
    ) -> Result<Expr> {
        let function = |name: &str, arguments| Ok(context.udf(name)?.call(arguments));
        let has_names = self.sight.has_names();
        let nothing = Expr::Literal(ScalarValue::try_from(kind)?, None);
        match holds(view, name) {
            Some(Holds::Plain) => Ok(column),
            Some(Holds::Person | Holds::Machine | Holds::Naming | Holds::Environment)
                if has_names =>
            {
                Ok(column)
            }
            Some(Holds::Person) if view == "roster" => {
                function("_called", vec![function("_now", Vec::new())?, column])
            }
            Some(Holds::Person) => function(
                "_called",
                vec![Expr::Column(Column::from_name("time")), column],
            ),
            Some(Holds::Machine) => function("_machine", vec![column]),
            Some(Holds::Members | Holds::Environment) => {
                function("_members", vec![column, lit(has_names)])
            }
            Some(Holds::Said) => {
                let text = |text: &str| lit(ScalarValue::Utf8View(Some(text.to_owned())));
                when(column.clone().eq(text(REDACTED)), text(REDACTED))
                    .when(column.is_not_null(), text(WITHHELD))
                    .otherwise(nothing)
            }
            Some(Holds::Naming | Holds::Content) | None => Ok(nothing),
        }
    }
}
