//! What an environment is given, put together: the variables that are part of an artefact, and those that come later.

use std::collections::BTreeMap;

use crate::ir::{Artefact, Layers};

/// Why variables cannot be given to an artefact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GivenError {
    /// It was given as a user variable when the artefact was compiled, which linked only the files of that value.
    #[error(
        "variable `{name}` is `{bound}` in this artefact since it was compiled, and cannot become `{given}`"
    )]
    Bound {
        /// The variable.
        name: String,
        /// Its value in the artefact.
        bound: String,
        /// The value asked for.
        given: String,
    },
    /// The artefact is closed.
    #[error("variable `{name}` cannot be given: the artefact was compiled with --closed")]
    Closed {
        /// The variable.
        name: String,
    },
    /// Nothing defines it, and the tree needs it whatever else is given.
    #[error("variable `{name}` must be given: the artefact is open")]
    Missing {
        /// The variable.
        name: String,
    },
}

impl GivenError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Bound { name, .. } | Self::Closed { name } => {
                format!("leave it out, or compile again without `{name}` and without --closed")
            }
            Self::Missing { name } => format!("give it with `--set {name}=…`"),
        }
    }
}

impl Artefact {
    /// The variables around the root role of an environment that is given `later` on top of what the artefact holds.
    ///
    /// # Errors
    ///
    /// All that cannot be given, or is missing, by name.
    pub fn with_variables(&self, later: &Layers) -> Result<Layers, Vec<GivenError>> {
        let mut errors = self.refused(later);
        let given = self.given.clone().with(later);
        let is_given = |name: &String| {
            [&given.defaults, &given.vars, &given.user]
                .iter()
                .any(|layer| layer.contains_key(name))
        };
        errors.extend(
            self.parameters
                .iter()
                .filter(|parameter| parameter.required && !is_given(&parameter.name))
                .map(|parameter| GivenError::Missing {
                    name: parameter.name.clone(),
                }),
        );
        if errors.is_empty() { Ok(given) } else { Err(errors) }
    }

    fn refused(&self, later: &Layers) -> Vec<GivenError> {
        let user = later
            .user
            .iter()
            .filter_map(|(name, given)| match self.given.user.get(name) {
                Some(bound) if bound != given => Some(GivenError::Bound {
                    name: name.clone(),
                    bound: bound.clone(),
                    given: given.clone(),
                }),
                None if self.closed => Some(GivenError::Closed { name: name.clone() }),
                _ => None,
            });
        let outer = |held: &BTreeMap<String, String>, later: &BTreeMap<String, String>| {
            later
                .iter()
                .filter(|(name, value)| self.closed && held.get(*name) != Some(*value))
                .map(|(name, _)| GivenError::Closed { name: name.clone() })
                .collect::<Vec<_>>()
        };
        user.chain(outer(&self.given.defaults, &later.defaults))
            .chain(outer(&self.given.vars, &later.vars))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Binding, Parameter, ParameterKind};

    fn layers(defaults: &[(&str, &str)], user: &[(&str, &str)]) -> Layers {
        let map = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        Layers {
            defaults: map(defaults),
            vars: BTreeMap::new(),
            user: map(user),
        }
    }

    fn artefact(closed: bool) -> Artefact {
        Artefact {
            given: layers(&[("d", "1")], &[("u", "1")]),
            closed,
            ..Artefact::default()
        }
    }

    #[test]
    fn what_is_given_later_comes_on_top() {
        let later = layers(&[("d", "2")], &[("u", "1"), ("v", "2")]);
        assert_eq!(
            artefact(false).with_variables(&later),
            Ok(layers(&[("d", "2")], &[("u", "1"), ("v", "2")]))
        );
    }

    #[test]
    fn what_was_given_is_bound() {
        let errors = artefact(false)
            .with_variables(&layers(&[], &[("u", "2")]))
            .unwrap_err();
        assert!(matches!(errors.as_slice(), [GivenError::Bound { name, .. }] if name == "u"));
    }

    #[test]
    fn a_closed_artefact_takes_nothing_new() {
        let closed = artefact(true);
        assert!(
            closed
                .with_variables(&layers(&[("d", "1")], &[("u", "1")]))
                .is_ok()
        );
        for later in [
            layers(&[("d", "2")], &[]),
            layers(&[("e", "1")], &[]),
            layers(&[], &[("v", "1")]),
        ] {
            let errors = closed.with_variables(&later).unwrap_err();
            assert!(
                matches!(errors.as_slice(), [GivenError::Closed { .. }]),
                "{errors:?}"
            );
        }
    }

    #[test]
    fn what_is_required_may_come_in_any_layer() {
        let open = Artefact {
            parameters: vec![Parameter {
                name: "x".to_owned(),
                kind: ParameterKind::String,
                bound: Binding::Instance,
                required: true,
                default: None,
                spec: None,
                used: Vec::new(),
            }],
            ..Artefact::default()
        };
        let errors = open.with_variables(&Layers::default()).unwrap_err();
        assert!(matches!(errors.as_slice(), [GivenError::Missing { name }] if name == "x"));
        for later in [layers(&[("x", "")], &[]), layers(&[], &[("x", "1")])] {
            assert!(open.with_variables(&later).is_ok());
        }
    }
}
