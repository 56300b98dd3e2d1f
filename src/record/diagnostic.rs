//! What is wrong with a definition: where, what, and what to do about it. Rendering is the command line's work.

use serde::{Deserialize, Serialize};

use super::Place;

/// Says whether a diagnostic stops the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// Said beside errors: what follows from them.
    Note,
    /// Shown, and the command goes on.
    Warning,
    /// The definition cannot be used.
    Error,
}

/// One finding in a definition file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable name of its kind, where it has one: warnings about models do.
    pub code: Option<&'static str>,
    /// Whether the command can go on.
    pub severity: Severity,
    /// One lower-case sentence without a full stop, values in backticks.
    pub message: String,
    /// Where, if the finding has a place in a file.
    pub place: Option<Place>,
    /// What belongs to the underlined span, where there is anything.
    pub beside: Option<Box<Beside>>,
    /// What to do about it, computed where possible ("did you mean `amount`").
    pub hint: Option<String>,
    /// The change that carries out the hint, where a program could make it.
    pub fix: Option<Box<Fix>>,
}

/// What belongs to the place of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Beside {
    /// The words under the underlined span.
    pub label: Option<String>,
    /// Further places of the same mistake, in the order of the text: what replaces the underlined words replaces them too.
    pub also: Vec<Place>,
}

/// A change of a text that mends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What is replaced; an empty range is where something is put in.
    pub place: Place,
    /// By what.
    pub text: String,
}

impl Diagnostic {
    /// Returns an error that names its place.
    pub fn error(message: impl Into<String>, place: Place) -> Self {
        Self { place: Some(place), ..Self::error_without_place(message) }
    }

    /// Returns an error of the whole project.
    pub fn error_without_place(message: impl Into<String>) -> Self {
        Self {
            code: None,
            severity: Severity::Error,
            message: message.into(),
            place: None,
            beside: None,
            hint: None,
            fix: None,
        }
    }

    /// Returns a remark beside errors.
    pub fn note(message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error_without_place(message) }
    }

    /// Returns whether the command cannot go on.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Names its kind.
    #[must_use]
    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Turns the finding into a warning.
    #[must_use]
    pub fn into_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Adds the words under the underlined span.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.beside.get_or_insert_default().label = Some(label.into());
        self
    }

    /// Adds further places of the same mistake.
    #[must_use]
    pub fn also_at(mut self, places: Vec<Place>) -> Self {
        if !places.is_empty() {
            self.beside.get_or_insert_default().also = places;
        }
        self
    }

    /// Returns the words under the underlined span.
    #[must_use]
    pub fn words_below(&self) -> Option<&str> {
        self.beside.as_ref()?.label.as_deref()
    }

    /// Returns the further places of the same mistake.
    #[must_use]
    pub fn also(&self) -> &[Place] {
        self.beside.as_ref().map_or(&[], |beside| &beside.also)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the change that carries out the hint.
    #[must_use]
    pub fn fix(mut self, place: Place, text: impl Into<String>) -> Self {
        self.fix = Some(Box::new(Fix { place, text: text.into() }));
        self
    }

    /// Returns the same about a text that stands elsewhere: each place as `moved` says, one that it does not know as `whole`. A change of
    /// what has no place is none.
    #[must_use]
    pub fn moved(mut self, moved: impl Fn(&Place) -> Option<Place>, whole: &Place) -> Self {
        self.place = self.place.map(|place| moved(&place).unwrap_or_else(|| whole.clone()));
        self.fix = self.fix.and_then(|fix| Some(Box::new(Fix { place: moved(&fix.place)?, text: fix.text })));
        if let Some(beside) = &mut self.beside {
            beside.also = beside.also.iter().filter_map(moved).collect();
        }
        self
    }

    /// Adds "did you mean" when one of `known` is close to `written`.
    #[must_use]
    pub fn did_you_mean<'a>(self, written: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(written, known) {
            Some(name) => self.hint(format!("did you mean `{name}`?")),
            None => self,
        }
    }
}

/// Returns the known name that is nearest to `written`, if it is near enough to be a slip of the hand. Of names that are as near,
/// the one with the longer common beginning, then the shorter, then the first in the alphabet, whatever their order.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_lowercase();
    let beginning = |name: &str| written.chars().zip(name.to_lowercase().chars()).take_while(|(a, b)| a == b).count();
    known
        .into_iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(&written, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|(likeness, name), (other_likeness, other)| {
            let by_beginning = || beginning(name).cmp(&beginning(other));
            likeness
                .total_cmp(other_likeness)
                .then_with(by_beginning)
                .then_with(|| (other.len(), other).cmp(&(name.len(), name)))
        })
        .map(|(_, name)| name)
}
