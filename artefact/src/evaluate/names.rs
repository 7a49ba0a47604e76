//! What a name stands for (template-language.md 4.2, 4.6).

use partita_stdlib::{Function, Id, NAMESPACES, Purity, member, plain};

use super::{Context, Place, builtins};

/// What a name of the environment stands for.
#[derive(Clone, Copy)]
pub(super) enum Named<'a> {
    /// A variable; always text.
    Variable(&'a str),
    /// A function of the library.
    Function(&'static Function),
    /// An object with members: a namespace of the library, or a service.
    Namespace(&'a str),
}

/// Functions hide variables of the same name. Built-ins of the language are not in the environment: a
/// variable hides them.
pub(super) fn resolve<'a>(context: &Context<'a>, name: &'a str) -> Option<Named<'a>> {
    if let Some(function) = plain(name).filter(|function| exists(function, context)) {
        return Some(Named::Function(function));
    }
    let known = NAMESPACES.contains(&name) && (name != "dpl" || makes_workflows(context));
    if known || among_services(name, context) {
        return Some(Named::Namespace(name));
    }
    context.variables.get(name).map(Named::Variable)
}

pub(super) fn among_services(name: &str, context: &Context<'_>) -> bool {
    context.world.services().iter().any(|service| service == name)
}

/// What a name stands for where it is called. In the reference a variable hides a built-in there.
pub(super) fn callee_of<'a>(context: &Context<'a>, name: &'a str) -> Option<Named<'a>> {
    resolve(context, name).filter(|named| {
        let hides = matches!(named, Named::Variable(_)) && builtins::exists(name);
        !(hides && context.edition.variables_hide_no_function())
    })
}

/// The function that is a member of a namespace, where it exists.
pub(super) fn member_of(context: &Context<'_>, namespace: &str, name: &str) -> Option<&'static Function> {
    member(namespace, name).filter(|function| exists(function, context))
}

pub(super) fn exists(function: &Function, context: &Context<'_>) -> bool {
    match function.id {
        Id::Parent | Id::Up => in_role(context),
        Id::This => matches!(context.place, Place::Role { this: Some(_), .. }),
        Id::ToPtree => matches!(context.place, Place::Properties),
        // The service brings them, in a role only to an environment; for one of them there is a stub without it.
        Id::OdcTopologyFullname if !has_odc(context) => true,
        Id::OdcWorkflowScript if !has_odc(context) => false,
        Id::OdcTopologyFullname | Id::OdcWorkflowScript => {
            !in_role(context) || context.variables.get("environment_id").is_some()
        }
        _ => function.namespace != "dpl" || makes_workflows(context),
    }
}

fn has_odc(context: &Context<'_>) -> bool {
    context.world.services().iter().any(|service| service == "odc")
}

fn in_role(context: &Context<'_>) -> bool {
    matches!(context.place, Place::Role { .. })
}

pub(super) fn makes_workflows(context: &Context<'_>) -> bool {
    matches!(context.place, Place::Role { .. } | Place::Dpl { .. })
}

/// What to do about an unknown name: why it is not here, or what could have been meant.
pub(super) fn suggestion(context: &Context<'_>, name: &str) -> Option<String> {
    if let Some(elsewhere) = elsewhere(name) {
        return Some(elsewhere.to_owned());
    }
    let variables = context.variables.names();
    let candidates = variables
        .iter()
        .map(String::as_str)
        .chain(functions(context).map(|name| -> &str { name }))
        .chain(NAMESPACES.iter().copied());
    crate::similar::closest(name, candidates).map(|near| format!("did you mean `{near}`?"))
}

/// The function without a namespace that was probably meant.
pub(super) fn nearest_function(context: &Context<'_>, name: &str) -> Option<&'static str> {
    let builtins = builtins::names().filter(|builtin| context.variables.get(builtin).is_none());
    crate::similar::closest(name, functions(context).chain(builtins))
}

/// The member of a namespace or service that was probably meant.
pub(super) fn nearest_member(context: &Context<'_>, namespace: &str, name: &str) -> Option<&'static str> {
    let functions = partita_stdlib::FUNCTIONS
        .iter()
        .filter(|function| function.namespace == namespace && exists(function, context))
        .map(|function| function.name);
    let methods = partita_stdlib::service(namespace)
        .filter(|_| matches!(context.place, Place::Call))
        .map_or(&[][..], |service| service.methods);
    crate::similar::closest(name, functions.chain(methods.iter().copied()))
}

/// Functions that are called without a namespace.
fn functions(context: &Context<'_>) -> impl Iterator<Item = &'static str> {
    partita_stdlib::FUNCTIONS
        .iter()
        .filter(|function| function.purity != Purity::Writes && exists(function, context))
        .flat_map(|function| {
            [
                function.alias.filter(|alias| !function.deprecates(alias)),
                function.namespace.is_empty().then_some(function.name),
            ]
        })
        .flatten()
}

/// Where a name of the library exists that does not exist everywhere (template-language.md 4.6).
fn elsewhere(name: &str) -> Option<&'static str> {
    let id = plain(name).map(|function| function.id);
    Some(match id {
        Some(Id::This) => {
            "This() exists only in the fields of a role that come after its name: not in `enabled`, `defaults` and \
             `vars`, in ranges, in tasks or in calls"
        }
        Some(Id::Parent | Id::Up) => {
            "roles can be asked for only in the fields of a role: not in ranges, in tasks or in calls"
        }
        Some(Id::ToPtree) => "ToPtree() exists only in the properties of a task",
        _ if name == "dpl" || plain(name).is_some_and(|function| function.namespace == "dpl") => {
            "workflows can be made from DPL commands only in the fields of a role: not in ranges, in tasks or in calls"
        }
        _ => return None,
    })
}
