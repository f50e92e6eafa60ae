//! Resource and scope: what the items under them share.

use std::borrow::Cow;

use contract::Origin;

use super::value::Context;
use crate::fault::Fault;
use crate::wire::Reader;

/// Reads the resource of a `ResourceLogs`, `ResourceMetrics` or `ResourceSpans` into `origin`.
pub(crate) fn read_resource_group<'a>(
    mut group: Reader<'a>,
    origin: &mut Origin<'a>,
    context: &mut Context<'_>,
) -> Result<(), Fault> {
    while let Some(field) = group.next()? {
        match field.number {
            1 => read_resource(field.message()?, origin, context)?,
            3 => origin.resource_schema_url = context.text(&field)?,
            _ => {}
        }
    }
    Ok(())
}

fn read_resource<'a>(
    mut resource: Reader<'a>,
    origin: &mut Origin<'a>,
    context: &mut Context<'_>,
) -> Result<(), Fault> {
    while let Some(field) = resource.next()? {
        match field.number {
            1 => {
                context.push_attribute(field.message()?, field.after(), &mut origin.resource)?;
            }
            2 => origin.resource_dropped = field.varint()? as u32,
            _ => {}
        }
    }
    Ok(())
}

/// Reads the scope of a `ScopeLogs`, `ScopeMetrics` or `ScopeSpans` into `origin`, in place of the
/// one before. Says whether no items stand under it.
pub(crate) fn read_scope_group<'a>(
    mut group: Reader<'a>,
    origin: &mut Origin<'a>,
    context: &mut Context<'_>,
) -> Result<bool, Fault> {
    origin.scope_name = Cow::Borrowed("");
    origin.scope_version = Cow::Borrowed("");
    origin.scope_attributes.clear();
    origin.scope_dropped = 0;
    origin.scope_schema_url = Cow::Borrowed("");
    let mut is_empty = true;
    while let Some(field) = group.next()? {
        match field.number {
            1 => read_scope(field.message()?, origin, context)?,
            2 => is_empty = false,
            3 => origin.scope_schema_url = context.text(&field)?,
            _ => {}
        }
    }
    Ok(is_empty)
}

fn read_scope<'a>(
    mut scope: Reader<'a>,
    origin: &mut Origin<'a>,
    context: &mut Context<'_>,
) -> Result<(), Fault> {
    while let Some(field) = scope.next()? {
        match field.number {
            1 => origin.scope_name = context.text(&field)?,
            2 => origin.scope_version = context.text(&field)?,
            3 => {
                let attributes = &mut origin.scope_attributes;
                context.push_attribute(field.message()?, field.after(), attributes)?;
            }
            4 => origin.scope_dropped = field.varint()? as u32,
            _ => {}
        }
    }
    Ok(())
}
