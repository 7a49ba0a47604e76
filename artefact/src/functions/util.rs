use super::strings::atoi;
use crate::evaluate::Variables;

/// Value of `<prefix>_<name>`, else of `name`; blank and `none` count as absent.
pub(super) fn prefixed_override(name: &str, prefix: &str, variables: &dyn Variables) -> String {
    let given = |name: &str| {
        variables
            .get(name)
            .filter(|value| !value.trim().is_empty() && *value != "none")
            .map(str::to_owned)
    };
    given(&format!("{prefix}_{name}"))
        .or_else(|| given(name))
        .unwrap_or_default()
}

/// Whether the number after the prefix lies in a range, both ends included; false for everything that is no number.
pub(super) fn suffix_in_range(text: &str, prefix: &str, min: &str, max: &str) -> bool {
    let Some(suffix) = text.strip_prefix(prefix).filter(|_| !prefix.is_empty()) else {
        return false;
    };
    match (atoi(suffix), atoi(min), atoi(max)) {
        (Ok(number), Ok(min), Ok(max)) => (min..=max).contains(&number),
        _ => false,
    }
}
