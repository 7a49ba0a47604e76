//! Which workflow templates there are, at which revisions.

use std::collections::BTreeMap;

use partita_api::{Glob, Template, TemplateQuery, Unavailable, VariableSpecification};
use partita_compiler::source::Repository;
use partita_compiler::templates::{self, PublicVariable};

use super::ledger::{AS_IT_STANDS, Entry, Ledger};

/// Variables of the configuration store that beat defaults (`template-language.md` 10).
const VARIABLES: &str = "o2/runtime/aliecs/vars/";

/// The templates that are asked for, sorted by repository, revision and name.
pub(super) fn list(
    ledger: &Ledger,
    configuration: &BTreeMap<String, String>,
    query: &TemplateQuery,
) -> Result<Vec<Template>, Unavailable> {
    if !query.revision.is_empty() && (query.branches || query.tags) {
        return Err(Unavailable::Asked(format!(
            "revision {}: give either a revision, or all branches or all tags",
            query.revision
        )));
    }
    let mut found = Vec::new();
    for (name, entry) in repositories(ledger, &query.repository)? {
        let failed = |error: &dyn std::fmt::Display| Unavailable::Surroundings(error.to_string());
        let repository = Repository::open(name, &entry.folder).map_err(|error| failed(&error))?;
        for revision in revisions(&repository, entry, query)? {
            let at = (entry.origin.is_some() || revision != AS_IT_STANDS).then_some(revision.as_str());
            let snapshot = repository.snapshot(at).map_err(|error| failed(&error))?;
            let (templates, wrong) = templates::list(&snapshot).map_err(|error| failed(&error))?;
            for reason in wrong {
                tracing::warn!(
                    repository = name,
                    revision,
                    "a workflow template is not listed: {reason}"
                );
            }
            let shown = templates
                .into_iter()
                .filter(|template| template.public || query.all);
            found.extend(shown.map(|template| {
                Template {
                    repository: name.to_owned(),
                    revision: revision.clone(),
                    name: template.name,
                    description: template.description,
                    variables: template
                        .variables
                        .into_iter()
                        .map(|(name, variable)| {
                            let specification = specification(&name, variable, configuration);
                            (name, specification)
                        })
                        .collect(),
                }
            }));
        }
    }
    Ok(found)
}

/// Those of a pattern: nothing is all, a number is a place in the list.
fn repositories<'l>(ledger: &'l Ledger, pattern: &str) -> Result<Vec<(&'l str, &'l Entry)>, Unavailable> {
    if pattern.is_empty() {
        return Ok(ledger.entries().collect());
    }
    if let Ok(index) = pattern.parse() {
        return Ok(vec![ledger.at(index)?]);
    }
    let pattern = pattern.strip_suffix('/').unwrap_or(pattern);
    let glob = Glob::new(pattern, None).map_err(|error| Unavailable::Asked(error.to_string()))?;
    Ok(ledger.entries().filter(|(name, _)| glob.matches(name)).collect())
}

fn revisions(
    repository: &Repository,
    entry: &Entry,
    query: &TemplateQuery,
) -> Result<Vec<String>, Unavailable> {
    let named = repository
        .revisions()
        .map_err(|error| Unavailable::Surroundings(error.to_string()))?;
    if query.branches || query.tags {
        let branches = named.branches.into_iter().filter(|_| query.branches);
        let tags = named.tags.into_iter().filter(|_| query.tags);
        return Ok(branches.chain(tags).collect());
    }
    if query.revision.is_empty() {
        return Ok(vec![entry.default_revision.clone()]);
    }
    let glob = Glob::new(&query.revision, None).map_err(|error| Unavailable::Asked(error.to_string()))?;
    let stands = entry.origin.is_none().then(|| AS_IT_STANDS.to_owned());
    let all = stands.into_iter().chain(named.branches).chain(named.tags);
    let mut matching: Vec<String> = all.filter(|revision| glob.matches(revision)).collect();
    if matching.is_empty() && repository.snapshot(Some(&query.revision)).is_ok() {
        matching.push(query.revision.clone());
    }
    matching.sort();
    Ok(matching)
}

fn specification(
    name: &str,
    variable: PublicVariable,
    configuration: &BTreeMap<String, String>,
) -> VariableSpecification {
    let stored = configuration
        .get(&format!("{VARIABLES}{name}"))
        .filter(|_| variable.is_default);
    VariableSpecification {
        default: stored.map_or(variable.value, |value| value.trim().to_owned()),
        spec: variable.spec,
    }
}
