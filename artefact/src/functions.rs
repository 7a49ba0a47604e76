//! The functions of the library: what `partita_stdlib` declares, done (reference: template-language.md section 5).
//!
//! In the reference, functions that read a store answer mistakes with a text: `{"error":"…"}` flows on as an ordinary
//! value; only those of `dpl` fail the field.

pub(crate) mod config;
mod dpl;
mod inventory;
mod md5;
mod odc;
pub(crate) mod ptree;
pub(crate) mod strings;
mod util;

use partita_stdlib::{Function, Id};

use crate::evaluate::{Context, Place, Value, json};

pub(crate) use config::payload;

/// Calls a function with arguments of the kinds that it declares.
pub(crate) fn call<'a>(
    function: &Function,
    arguments: &[Value<'a>],
    context: &Context<'a>,
) -> Result<Value<'a>, String> {
    let world = context.world;
    let text = |index: usize| arguments.get(index).map_or("", Value::as_str);
    Ok(match function.id {
        Id::Atoi => Value::Int(strings::atoi(text(0)).unwrap_or_else(|nearest| nearest)),
        Id::Itoa => match arguments {
            [Value::Int(number)] => Value::text(number.to_string()),
            _ => return Err("Itoa takes a whole number".to_owned()),
        },
        Id::TrimQuotes => Value::text(text(0).trim_matches('"').to_owned()),
        Id::TrimSpace => Value::text(text(0).trim().to_owned()),
        Id::ToUpper => Value::text(crate::evaluate::case::upper(text(0))),
        Id::ToLower => Value::text(crate::evaluate::case::lower(text(0))),
        Id::IsTruthy => Value::Bool(strings::is_truthy(text(0))),
        Id::IsFalsy => Value::Bool(strings::is_falsy(text(0))),
        Id::Unmarshal => json::decode(text(0)).unwrap_or(Value::Nil),
        Id::Marshal => Value::text(
            arguments
                .first()
                .and_then(|value| json::encode(value).ok())
                .unwrap_or_default(),
        ),
        Id::Sort => strings::sort(arguments.first().unwrap_or(&Value::Nil))?,
        Id::PrefixedOverride => Value::text(util::prefixed_override(text(0), text(1), context.variables)),
        Id::SuffixInRange => {
            let inside = util::suffix_in_range(text(0), text(1), text(2), text(3));
            Value::text(if inside { "true" } else { "false" })
        }
        Id::Nullable | Id::AddNil => Value::text(""),
        Id::Dump => {
            world.dump(text(0), text(1))?;
            Value::text(text(0).to_owned())
        }
        Id::NewUid => Value::text(world.uid()),
        Id::ConfigGet => answer(config::get(text(0), context), context)?,
        Id::ConfigGetLegacy => answer(config::get_legacy(text(0), context), context)?,
        Id::ConfigResolve => answer(
            config::resolve(text(0), text(1), text(2), text(3), world),
            context,
        )?,
        Id::ConfigResolvePath => answer(config::resolve_path(text(0), world), context)?,
        Id::DetectorForHost => answer(inventory::detector(text(0), world), context)?,
        Id::DetectorsForHosts => answer(inventory::detectors(text(0), world), context)?,
        Id::CruCardsForHost => match inventory::cards(text(0), world) {
            Err(message) if !context.edition.failing_functions_are_errors() => {
                Value::text(format!("[\"error: {message}\"]"))
            }
            cards => Value::text(cards?),
        },
        Id::EndpointsForCruCard => answer(inventory::endpoints(text(0), text(1), world), context)?,
        Id::RuntimeGet => answer(world.runtime_get(text(0), text(1)), context)?,
        Id::RuntimeSet => {
            let value = text(2).to_owned();
            answer(
                world.runtime_set(text(0), text(1), text(2)).map(|()| value),
                context,
            )?
        }
        Id::DplGenerate => Value::text(dpl::generate(&dpl::Request::Command(text(0)), context)?),
        Id::DplGenerateFromUri => Value::text(dpl::generate(&dpl::Request::Uri(text(0)), context)?),
        Id::DplGenerateFromUriOrFallback => {
            Value::text(dpl::generate(&dpl::Request::UriOrTemplate(text(0)), context)?)
        }
        Id::OdcTopologyFullname => Value::text(odc::topology_fullname(context).unwrap_or_default()),
        Id::OdcWorkflowScript => Value::text(odc::workflow_script(context).unwrap_or_default()),
        Id::ToPtree => Value::text(ptree::mark(text(0), text(1))),
        Id::Parent => Value::Role(ancestor(context, 1)),
        Id::Up => match arguments {
            [Value::Int(levels)] => Value::Role(ancestor(context, *levels)),
            _ => Value::Role(None),
        },
        Id::This => match context.place {
            Place::Role { this, .. } => Value::Role(this),
            _ => Value::Role(None),
        },
    })
}

fn ancestor<'a>(context: &Context<'a>, levels: i64) -> Option<crate::evaluate::RoleName<'a>> {
    let Place::Role { ancestors, .. } = context.place else {
        return None;
    };
    let index = usize::try_from(levels.checked_sub(1)?).ok()?;
    ancestors.get(index).copied()
}

/// In the reference, a mistake becomes a text that looks like JSON; the message is put in as it is.
fn answer<'a>(result: Result<String, String>, context: &Context<'_>) -> Result<Value<'a>, String> {
    match result {
        Err(message) if !context.edition.failing_functions_are_errors() => {
            Ok(Value::text(format!("{{\"error\":\"{message}\"}}")))
        }
        result => result.map(Value::text),
    }
}
