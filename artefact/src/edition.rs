//! The editions of the workflow language, and everything in which they differ.
//!
//! Each method of the table is one difference: true where the language is as it should be, false where it is as the
//! reference has it. Whatever decides by edition asks one of them. `docs/editions.md` has a row for each, with what it
//! means for the author of a workflow.

use std::fmt;
use std::str::FromStr;

/// Which meaning of the language a repository asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Edition {
    /// What the reference means, traps included.
    #[default]
    Aliecs,
    /// The same language with the traps fixed.
    E2026,
}

/// Makes a method of each difference, and the list of them.
macro_rules! differences {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        impl Edition {
            $($(#[$doc])* pub fn $name(self) -> bool { self >= Self::E2026 })*

            /// The names of all differences: the methods above.
            pub const DIFFERENCES: &'static [&'static str] = &[$(stringify!($name)),*];
        }
    };
}

differences! {
    // Files.

    /// A key that nothing reads is an error (`template-language.md` 11, 40).
    unknown_keys_are_errors;
    /// An empty element of a list is an error, not left out (12, 3).
    empty_items_are_errors;
    /// A mapping with a `value` and an alias define their variable; other shapes are errors (11, 7 and 8).
    variables_of_any_shape_count;
    /// `global` and constraint values of a task template are evaluated, with what its role sees (11, 32).
    class_texts_are_evaluated;
    /// A control mode that nobody knows is an error, not `direct` (11, 15).
    unknown_modes_are_errors;
    /// `10-20` is eleven ports, and `1-` is an error (11, 14; 12, 7).
    port_ranges_have_two_ends;
    /// `target` of a bound channel that is no address is an error; it may be templated (11, 33).
    bound_targets_are_addresses;
    /// Braces inside quotes or other braces do not end an expression (11, 18).
    expressions_may_hold_braces;

    // Roles.

    /// `enabled` of an iterator decides for each instance (11, 1).
    iterator_enabled_decides_each_instance;
    /// An iterator without instances does not keep its parent (11, 24).
    empty_iterators_leave_nothing;
    /// The variable of an iterator beats a user variable of its name below the instance too (11, 3).
    iterator_variable_beats_user_variable;
    /// Constraints and channels of an include hold for what is included (11, 4).
    include_passes_on_what_it_has;
    /// An `enabled` that fails is an error; it does not disable (12, 1).
    failing_enabled_is_an_error;
    /// `enabled` is one of the words that mean yes or no; anything else is an error (11, 9).
    enabled_is_yes_or_no;
    /// A trigger that turns out empty is none: no time-out and no await come with it (11, 31).
    empty_trigger_is_none;
    /// A weight that is not a number is an error, not 0 (11, 30).
    weights_are_numbers;
    /// Two roles of one path are an error (11, 29).
    one_path_is_one_role;
    /// Other repositories are read at their own revision, and `load` may name one (11, 16).
    other_repositories_have_their_own_revision;
    /// A user variable for one role only (`role.path:name`) is refused, not ignored (11, 23).
    scoped_variables_are_refused;

    // Expressions.

    /// An undefined variable is an error in the arguments of a function too (11, 2).
    undefined_arguments_are_errors;
    /// A function that fails is an error; the text of the error is no value (11, 11).
    failing_functions_are_errors;
    /// Whole numbers are written with all their digits, lists and maps as JSON (11, 19).
    values_print_as_json;
    /// nil has no text: where it would be printed is an error (11, 20).
    nil_has_no_text;
    /// Texts have no order: `<` between them is an error (11, 21).
    texts_have_no_order;
    /// No variable hides a built-in function, and no `let` fails for a variable (11, 22; 12, 4).
    variables_hide_no_function;
    /// Configuration payloads are not escaped for HTML, and odd names of variables do not spoil them (11, 27).
    payloads_are_plain_text;

    // Task templates.

    /// A variable of a task template beats its default, and each sees those written above it (11, 5).
    class_variables_see_each_other;
    /// Properties see the defaults and variables of their task template evaluated (11, 5).
    properties_see_evaluated_variables;
    /// `orbit-reset-time` is pushed only if its variable says something (11, 34).
    empty_orbit_reset_is_not_pushed;
}

impl Edition {
    /// All editions, the oldest first.
    pub const ALL: [Self; 2] = [Self::Aliecs, Self::E2026];

    /// Its name, as in `partita.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aliecs => "aliecs",
            Self::E2026 => "2026",
        }
    }
}

/// Not the name of an edition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no edition `{0}` of the language: it is `aliecs` or `2026`")]
pub struct EditionError(pub String);

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Edition {
    type Err = EditionError;

    fn from_str(text: &str) -> Result<Self, EditionError> {
        Self::ALL
            .into_iter()
            .find(|edition| edition.as_str() == text)
            .ok_or_else(|| EditionError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_a_name() {
        for edition in Edition::ALL {
            assert_eq!(edition.to_string().parse(), Ok(edition));
        }
        let error = "2027".parse::<Edition>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no edition `2027` of the language: it is `aliecs` or `2026`"
        );
    }

    /// Each difference has its row in the documentation, and no row is about something else.
    #[test]
    fn every_difference_is_documented() {
        let page = include_str!("../../docs/editions.md");
        let documented: Vec<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(documented, Edition::DIFFERENCES);
    }
}
