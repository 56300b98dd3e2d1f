//! Why a value is refused: the rule that `quarantine` shows and a sentence for a person.

/// A refused value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// `required`, `type`, `overflow`, `precision`, `code`, `max_length`, `pattern`, `check_digit` or `validate`.
    pub rule: &'static str,
    /// One sentence, lower case, without a full stop.
    pub reason: String,
}

impl Fault {
    /// The text is no value of the type.
    pub fn of_type(reason: impl Into<String>) -> Self {
        Self { rule: "type", reason: reason.into() }
    }

    /// The value is larger than the type can hold.
    pub fn overflow(reason: impl Into<String>) -> Self {
        Self { rule: "overflow", reason: reason.into() }
    }

    /// The value would lose digits.
    pub fn precision(reason: impl Into<String>) -> Self {
        Self { rule: "precision", reason: reason.into() }
    }

    /// The code has no meaning.
    pub fn code(reason: impl Into<String>) -> Self {
        Self { rule: "code", reason: reason.into() }
    }

    /// The text cannot be what its cleaner is for.
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self { rule: "validate", reason: reason.into() }
    }

    /// The check digit is another.
    pub fn check_digit(reason: impl Into<String>) -> Self {
        Self { rule: "check_digit", reason: reason.into() }
    }

    /// The text has more characters than allowed.
    pub fn length(text: &str, most: usize) -> Self {
        let count = text.chars().count();
        Self {
            rule: "max_length",
            reason: format!("{} has {count} characters, at most {most} are allowed", quoted(text)),
        }
    }

    /// The text has another form.
    pub fn pattern(text: &str, pattern: &str) -> Self {
        Self { rule: "pattern", reason: format!("{} does not match `{pattern}`", quoted(text)) }
    }

    /// There is no value where one is needed.
    pub fn required(cell: Option<&str>) -> Self {
        let reason = match cell.map(super::text::trim) {
            None | Some("") => "a value is required, the cell is empty".to_owned(),
            Some(word) => format!("a value is required, {} means NULL", quoted(word)),
        };
        Self { rule: "required", reason }
    }

    /// The file's path gives no value where one is needed.
    pub fn not_in_path() -> Self {
        Self { rule: "required", reason: "a value is required, the file's path does not match `from_path`".to_owned() }
    }
}

/// Characters of a value that a reason repeats; the whole row stands beside it in quarantine.
const SHOWN: usize = 40;

/// Returns a value in backticks, shortened, without line ends.
pub(super) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_shortened_and_its_line_ends_are_blanks() {
        assert_eq!(quoted("a\nb"), "`a b`");
        assert_eq!(quoted(&"单".repeat(50)), format!("`{}…`", "单".repeat(40)));
    }

    #[test]
    fn a_required_fault_says_which_word_meant_null() {
        assert_eq!(Fault::required(None).reason, "a value is required, the cell is empty");
        assert_eq!(Fault::required(Some(" 无 ")).reason, "a value is required, `无` means NULL");
    }
}
