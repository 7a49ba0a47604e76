//! The moments of an environment's life at which hooks and calls start and are awaited.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A point of a transition, and the place in the row of those who act there (`template-language.md` 2.5).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment {
    /// `before_<EVENT>`, `leave_<STATE>`, `enter_<STATE>`, `after_<EVENT>`, `DESTROY` or `after_DESTROY`; any
    /// other name never comes.
    pub name: String,
    /// Who goes first: lower weights do.
    pub weight: i32,
}

/// A weight that is not a number. The moment is used all the same, with weight 0 and the name cut at the sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}`: the weight `{weight}` is not a whole number; 0 is used")]
pub struct WeightError {
    /// The whole text.
    pub text: String,
    /// From the sign on.
    pub weight: String,
}

impl WeightError {
    /// What is wrong, where the moment is not used all the same.
    pub(crate) fn refused(&self) -> String {
        format!(
            "`{}`: the weight `{}` is not a whole number",
            self.text, self.weight
        )
    }
}

/// How long a hook or call may take that says nothing about it (`template-language.md` 2.5).
pub(crate) fn default_timeout(never: bool) -> &'static str {
    if never { "0s" } else { "30s" }
}

impl Moment {
    /// Reads `<name>[+|-<weight>]`, split at the last sign; `None` for empty text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::read(text).0
    }

    /// Says what is wrong with the weight of a moment.
    pub fn check(text: &str) -> Result<(), WeightError> {
        match Self::read(text).1 {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn read(text: &str) -> (Option<Self>, Option<WeightError>) {
        if text.is_empty() {
            return (None, None);
        }
        let Some(sign) = text.rfind(['+', '-']) else {
            return (
                Some(Self {
                    name: text.to_owned(),
                    weight: 0,
                }),
                None,
            );
        };
        let (name, weight) = text.split_at(sign);
        let name = name.to_owned();
        if let Ok(weight) = weight.parse() {
            return (Some(Self { name, weight }), None);
        }
        let error = WeightError {
            text: text.to_owned(),
            weight: weight.to_owned(),
        };
        (Some(Self { name, weight: 0 }), Some(error))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.weight {
            0 => f.write_str(&self.name),
            weight => write!(f, "{}{weight:+}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_at_the_last_sign() {
        for (text, name, weight) in [
            ("before_CONFIGURE", "before_CONFIGURE", 0),
            ("before_CONFIGURE+10", "before_CONFIGURE", 10),
            ("before_CONFIGURE-10", "before_CONFIGURE", -10),
            ("before_CONFIGURE+1-2", "before_CONFIGURE+1", -2),
            ("CONFIGURE+", "CONFIGURE", 0),
            ("after_x+many", "after_x", 0),
        ] {
            assert_eq!(
                Moment::parse(text),
                Some(Moment {
                    name: name.to_owned(),
                    weight
                }),
                "{text}"
            );
        }
        assert_eq!(Moment::parse(""), None);
    }

    #[test]
    fn names_a_weight_that_is_no_number() {
        assert_eq!(Moment::check("enter_RUNNING-5"), Ok(()));
        let error = Moment::check("after_x+many").unwrap_err();
        assert_eq!(
            error.to_string(),
            "`after_x+many`: the weight `+many` is not a whole number; 0 is used"
        );
    }
}
