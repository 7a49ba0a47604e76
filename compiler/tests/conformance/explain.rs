//! What `explain` says is what `show` shows: every variable of every role.

use partita_artefact::Stack;
use partita_artefact::evaluate::Snapshot;
use partita_artefact::explain::{Definition, Explainer, Step};
use partita_artefact::instance::Role;
use partita_artefact::show::{DRY_UID, Dry};

use crate::case::Case;
use crate::load::{self, Stores};
use crate::{data, folders};

/// Of the large trees only every so many roles are looked at, and every so many cases: the rest is more of the same.
const EVERY_ROLE: usize = 97;
const EVERY_CASE: usize = 7;

#[test]
fn explains_what_is_shown() {
    let Some(root) = data() else { return };
    let mut stores = Stores::new();
    let (mut cases, mut values) = (0, 0);
    for (place, folder) in folders(&root.join("cases")).iter().enumerate() {
        let case = Case::read(folder);
        let small = case.name.starts_with("lang-");
        if !small && place % EVERY_CASE != 0 {
            continue;
        }
        let Ok((artefact, instance)) = load::load(&root, &case, &mut stores) else {
            continue;
        };
        let world = Snapshot::new(&artefact, || DRY_UID.to_owned());
        cases += 1;
        let explainer = Explainer::new(&artefact, &instance.environment, &world);
        let dry = Dry::new(&artefact, &instance, &world);
        let mut roles = Vec::new();
        instance.walk(&mut |role, stack| roles.push((role, stack.clone())));
        // Of roles that share a path only the first can be asked for.
        roles.sort_by_key(|(role, _)| &role.path);
        roles.dedup_by_key(|(role, _)| &role.path);
        let step = if small { 1 } else { EVERY_ROLE };
        for (role, stack) in roles.iter().step_by(step) {
            values += variables(&explainer, &case.name, role, stack);
            if role.task().is_some()
                && let Ok(command) = dry.task(role, stack).command
            {
                let arguments = command.arguments.iter().enumerate();
                let arguments = arguments.map(|(place, text)| (format!(".command.arguments[{place}]"), text));
                for (field, text) in arguments.chain([(".command.value".to_owned(), &command.value)]) {
                    if let Ok(explained) = explainer.explain(&role.path, &field) {
                        assert_eq!(
                            explained[0].value,
                            Some(Ok(text.clone())),
                            "{} {field}",
                            role.path
                        );
                        values += 1;
                    }
                }
            }
        }
    }
    println!("{values} values of {cases} cases are explained as they are shown");
    assert!(values > 0);
}

#[allow(clippy::expect_used, reason = "a test fails loudly")]
fn variables(explainer: &Explainer<'_>, case: &str, role: &Role, stack: &Stack<'_>) -> usize {
    let seen = stack.consolidated();
    for (name, value) in &seen {
        let at = format!("{case}: {} {name}", role.path);
        let answer = explainer.explain(&role.path, name).expect(&at);
        assert_eq!(answer[0].value, Some(Ok((*value).to_owned())), "{at}");
        let winner = &answer[0].definitions[0];
        assert!(winner.wins, "{at}");
        // The steps lead to that value, except in a disabled root, which is never evaluated.
        if role.enabled {
            leads(winner, &at);
        }
    }
    seen.len()
}

/// A definition that is one expression has the value of that expression.
fn leads(definition: &Definition, at: &str) {
    if let (Some(written), [only]) = (&definition.written, definition.steps.as_slice())
        && written.starts_with("{{")
        && written.ends_with("}}")
        && written.matches("{{").count() == 1
        && let (Ok(value), Ok(step)) = (&definition.value, &only.outcome)
        && step.starts_with('\'')
        && !step.contains('\\')
        && !definition_is_item(definition)
    {
        assert_eq!(step.trim_matches('\''), value.trim_matches('\''), "{at}");
    }
    for step in &definition.steps {
        origins(step, at);
    }
}

fn definition_is_item(definition: &Definition) -> bool {
    matches!(definition.origin, partita_artefact::explain::Origin::Iterator(_))
}

/// A name has the value of the definition that it is said to come from.
fn origins(step: &Step, at: &str) {
    if let (Some(origin), Ok(value)) = (&step.origin, &step.outcome)
        && !value.contains('\\')
    {
        let expected = origin.value.as_ref().map(|value| format!("'{value}'"));
        assert_eq!(expected.as_ref(), Ok(value), "{at}: {}", step.source);
        leads(origin, at);
    }
    for part in &step.parts {
        origins(part, at);
    }
}
