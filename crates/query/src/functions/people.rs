//! The functions that name people: `_person`, `_person_basis`, `_team`, `_department`, `_cost_center`
//! over the columns of an item, and `_called(id, time)`.
//!
//! A query has its own, by the directory of its snapshot. Whether one is needed is known only when the
//! query is optimised, so the functions have a slot, which is filled before the query runs.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use arrow::array::builder::make_view;
use arrow::array::{Array, ArrayRef, NullBufferBuilder, StringViewArray};
use arrow::buffer::Buffer;
use arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::scalar::ScalarValue;

use crate::people::{About, Item, Resolver, Times};

/// Where the functions of one query find what they resolve by.
pub(crate) type Slot = Arc<OnceLock<Resolver>>;

/// The texts of an item: session, installation, e-mail, account uuid and id, organisation, resource,
/// token, and what it says itself of what is asked.
const TEXTS: usize = 9;
const OWN: usize = TEXTS - 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Says {
    Person,
    Basis,
    Team,
    Department,
    CostCenter,
    Called,
}

const FUNCTIONS: &[(&str, Says)] = &[
    ("_person", Says::Person),
    ("_person_basis", Says::Basis),
    ("_team", Says::Team),
    ("_department", Says::Department),
    ("_cost_center", Says::CostCenter),
    ("_called", Says::Called),
];

/// What they are called.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|(name, _)| *name)
}

/// One function for each thing that is said of people.
pub(crate) fn people(slot: &Slot) -> impl Iterator<Item = ScalarUDF> {
    FUNCTIONS.iter().map(|(name, says)| {
        ScalarUDF::from(OfPeople {
            name,
            says: *says,
            slot: Arc::clone(slot),
            signature: Signature::variadic_any(Volatility::Immutable),
        })
    })
}

/// Whether a plan names people.
pub(crate) fn names_people(plan: &LogicalPlan) -> Result<bool> {
    has(plan, is_of_people)
}

/// Whether what a plan answers hangs on rows alone, and not on when it is asked.
pub(crate) fn is_lasting(plan: &LogicalPlan) -> Result<bool> {
    let hangs_on_time = |expression: &Expr| match expression {
        Expr::ScalarFunction(function) => {
            let volatility = function.func.signature().volatility;
            volatility != Volatility::Immutable || function.name() == "_now"
        }
        _ => false,
    };
    Ok(!has(plan, hangs_on_time)?)
}

/// Whether there is such an expression in a plan.
fn has(plan: &LogicalPlan, is_it: impl Fn(&Expr) -> bool) -> Result<bool> {
    let mut is_there = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                is_there |= is_it(part);
                Ok(if is_there {
                    TreeNodeRecursion::Stop
                } else {
                    TreeNodeRecursion::Continue
                })
            })
        })
    })?;
    Ok(is_there)
}

fn is_of_people(expression: &Expr) -> bool {
    let Expr::ScalarFunction(function) = expression else {
        return false;
    };
    let name = function.name();
    name == super::mixed::NAME || FUNCTIONS.iter().any(|(known, _)| *known == name)
}

#[derive(Debug)]
struct OfPeople {
    name: &'static str,
    says: Says,
    slot: Slot,
    signature: Signature,
}

impl PartialEq for OfPeople {
    fn eq(&self, other: &OfPeople) -> bool {
        self.says == other.says && Arc::ptr_eq(&self.slot, &other.slot)
    }
}

impl Eq for OfPeople {}

impl Hash for OfPeople {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.says.hash(state);
    }
}

impl ScalarUDFImpl for OfPeople {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(resolver) = self.slot.get() else {
            return Err(DataFusionError::Internal(format!(
                "{} is not ready",
                self.name
            )));
        };
        let count = arguments.number_rows;
        let columns = Columns::of(&arguments.args, count)?;
        let rows = columns.rows().ok_or_else(|| {
            DataFusionError::Plan(format!("{} takes the columns of an item", self.name))
        })?;
        let named = match self.says {
            Says::Person => rows.texts(count, |item, _| {
                let whose = resolver.whose(item);
                (whose.value.name, whose.is_constant)
            }),
            Says::Basis => rows.texts(count, |item, _| {
                let whose = resolver.whose(item);
                (
                    whose.value.basis.map(|basis| basis.name().into()),
                    whose.is_constant,
                )
            }),
            Says::Team => rows.units(count, resolver, About::Team),
            Says::Department => rows.units(count, resolver, About::Department),
            Says::CostCenter => rows.units(count, resolver, About::CostCenter),
            Says::Called => rows.texts(count, |item, _| {
                (
                    item.session_id
                        .and_then(|id| resolver.called(id, item.at_ms)),
                    false,
                )
            }),
        };
        Ok(ColumnarValue::Array(Arc::new(named?)))
    }
}

/// The arguments: the time, then texts, of which those that nobody needs are NULL.
struct Columns {
    time: ArrayRef,
    texts: Vec<Option<ArrayRef>>,
}

impl Columns {
    fn of(arguments: &[ColumnarValue], count: usize) -> Result<Columns> {
        let (time, texts) = arguments
            .split_first()
            .ok_or_else(|| DataFusionError::Plan("a function of people takes a time".into()))?;
        let text = |argument: &ColumnarValue| match argument {
            ColumnarValue::Scalar(ScalarValue::Null | ScalarValue::Utf8View(None)) => Ok(None),
            given => given.to_array(count).map(Some),
        };
        Ok(Columns {
            time: time.to_array(count)?,
            texts: texts.iter().map(text).collect::<Result<_>>()?,
        })
    }

    /// `None` when the columns are not the expected ones.
    fn rows(&self) -> Option<Rows<'_>> {
        let mut texts = [None; TEXTS];
        for (place, text) in self.texts.iter().enumerate() {
            if let Some(text) = text {
                *texts.get_mut(place)? = Some(text.as_any().downcast_ref()?);
            }
        }
        Some(Rows {
            times: Times::of(&self.time)?,
            texts,
        })
    }
}

struct Rows<'a> {
    times: Times<'a>,
    texts: [Option<&'a StringViewArray>; TEXTS],
}

impl<'a> Rows<'a> {
    fn units(&self, count: usize, resolver: &'a Resolver, about: About) -> Result<StringViewArray> {
        self.texts(count, |item, own| {
            let unit = resolver.unit(about, own, item);
            (unit.value, unit.is_constant)
        })
    }

    /// What is said of each row. Rows of one session lie together and repeat the same bytes, so that
    /// `say` is asked about few of them, and what it says is written once for all.
    fn texts(
        &self,
        count: usize,
        say: impl Fn(Item<'a>, Option<&'a str>) -> (Option<Cow<'a, str>>, bool),
    ) -> Result<StringViewArray> {
        let columns: Vec<_> = self.texts.iter().flatten().collect();
        let repeats = |row: usize| {
            columns.iter().all(|column| {
                let views = column.views();
                views[row] == views[row - 1] && column.is_null(row) == column.is_null(row - 1)
            })
        };
        let mut views = Vec::with_capacity(count);
        let (mut nulls, mut block) = (NullBufferBuilder::new(count), Vec::new());
        let (mut last, mut is_constant) = (None, false);
        for row in 0..count {
            if row == 0 || !is_constant || !repeats(row) {
                let said;
                (said, is_constant) = say(self.item(row), self.text(OWN, row));
                last = said.map(|text| {
                    let at = block.len() as u32;
                    block.extend_from_slice(text.as_bytes());
                    make_view(text.as_bytes(), 0, at)
                });
            }
            views.push(last.unwrap_or_default());
            nulls.append(last.is_some());
        }
        let blocks = vec![Buffer::from_vec(block)];
        Ok(StringViewArray::try_new(
            views.into(),
            blocks,
            nulls.finish(),
        )?)
    }

    fn text(&self, place: usize, row: usize) -> Option<&'a str> {
        let column = self.texts[place].filter(|column| column.is_valid(row))?;
        Some(column.value(row))
    }

    fn item(&self, row: usize) -> Item<'a> {
        Item {
            at_ms: self.times.ms(row),
            session_id: self.text(0, row),
            user_id: self.text(1, row),
            user_email: self.text(2, row),
            user_account_uuid: self.text(3, row),
            user_account_id: self.text(4, row),
            organization_id: self.text(5, row),
            resource: self.text(6, row),
            token: self.text(7, row),
        }
    }
}
