//! `_model(name)`: one name for a model that is named in many ways. `_version_before(version, other)`:
//! whether a client is older than a release. `_known_faults(product, version)`: what is known to be wrong
//! with it. `_in_order(lines)`: the lines of a text in their order, with commas between them.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, StringViewArray};
use arrow::datatypes::DataType;
use contract::{ModelName, is_version_before, known_faults as known_faults_of};
use datafusion::common::cast::as_string_view_array;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

pub(super) fn model() -> ScalarUDF {
    ScalarUDF::from(OfText {
        name: "_model",
        signature: Signature::exact(vec![DataType::Utf8View], Volatility::Immutable),
        of: Of::Model,
    })
}

pub(super) fn version_before() -> ScalarUDF {
    let texts = vec![DataType::Utf8View, DataType::Utf8View];
    ScalarUDF::from(OfText {
        name: "_version_before",
        signature: Signature::exact(texts, Volatility::Immutable),
        of: Of::VersionBefore,
    })
}

pub(super) fn in_order() -> ScalarUDF {
    ScalarUDF::from(OfText {
        name: "_in_order",
        signature: Signature::exact(vec![DataType::Utf8View], Volatility::Immutable),
        of: Of::InOrder,
    })
}

pub(super) fn known_faults() -> ScalarUDF {
    let texts = vec![DataType::Utf8View, DataType::Utf8View];
    ScalarUDF::from(OfText {
        name: "_known_faults",
        signature: Signature::exact(texts, Volatility::Immutable),
        of: Of::KnownFaults,
    })
}

/// A function of texts.
#[derive(Debug, PartialEq, Eq, Hash)]
struct OfText {
    name: &'static str,
    signature: Signature,
    of: Of,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Of {
    Model,
    VersionBefore,
    InOrder,
    KnownFaults,
}

impl ScalarUDFImpl for OfText {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(match self.of {
            Of::Model | Of::KnownFaults | Of::InOrder => DataType::Utf8View,
            Of::VersionBefore => DataType::Boolean,
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let texts = ColumnarValue::values_to_arrays(&arguments.args)?;
        let of_texts = match self.of {
            Of::Model => models(&texts)?,
            Of::VersionBefore => versions_before(&texts)?,
            Of::InOrder => lines_in_order(&texts)?,
            Of::KnownFaults => faults(&texts)?,
        };
        Ok(ColumnarValue::Array(of_texts))
    }
}

fn models(texts: &[ArrayRef]) -> Result<ArrayRef> {
    let names = column(texts, 0)?;
    // Rows of one request lie together, so most names are the one before.
    let mut last: Option<(&str, String)> = None;
    let canonical = names.iter().map(|name| {
        let name = name?;
        match &last {
            Some((known, canonical)) if *known == name => Some(canonical.clone()),
            _ => {
                let canonical = ModelName::of(name).canonical;
                last = Some((name, canonical.clone()));
                Some(canonical)
            }
        }
    });
    Ok(Arc::new(StringViewArray::from_iter(canonical)))
}

fn versions_before(texts: &[ArrayRef]) -> Result<ArrayRef> {
    let (versions, others) = (column(texts, 0)?, column(texts, 1)?);
    let before = versions
        .iter()
        .zip(others.iter())
        .map(|(version, other)| Some(is_version_before(version?, other?)));
    Ok(Arc::new(BooleanArray::from_iter(before)))
}

fn lines_in_order(texts: &[ArrayRef]) -> Result<ArrayRef> {
    let in_order = column(texts, 0)?.iter().map(|text| {
        let mut lines: Vec<&str> = text?.lines().collect();
        lines.sort_unstable();
        Some(lines.join(", "))
    });
    Ok(Arc::new(StringViewArray::from_iter(in_order)))
}

/// Their ids, with commas between; NULL when none is known.
fn faults(texts: &[ArrayRef]) -> Result<ArrayRef> {
    let (products, versions) = (column(texts, 0)?, column(texts, 1)?);
    let of_client = products
        .iter()
        .zip(versions.iter())
        .map(|(product, version)| {
            let ids: Vec<_> = known_faults_of(product?, version?)
                .map(|fault| fault.id)
                .collect();
            (!ids.is_empty()).then(|| ids.join(", "))
        });
    Ok(Arc::new(StringViewArray::from_iter(of_client)))
}

fn column(texts: &[ArrayRef], at: usize) -> Result<&StringViewArray> {
    let text = texts.get(at);
    let text = text.ok_or_else(|| DataFusionError::Internal("an argument is missing".into()))?;
    as_string_view_array(text)
}
