//! The text of a statement, by tokens: where exactly an expression stands.
//!
//! In: the text of a model. Out: byte ranges. A syntax tree knows where its names and literals are, but not where a call
//! closes, what belongs to a cast or where an operator before its operand stands: that is read off the tokens. Comments and
//! the header are no tokens, so nothing is ever found in them.

use std::{ops::Range, sync::Arc};

use datafusion::sql::sqlparser::{
    ast::{CastKind, Expr, Function, ObjectName, Spanned, WindowType},
    dialect::GenericDialect,
    tokenizer::{Location, Span, Token, Tokenizer, Word},
};

use super::tree::{children, is_subquery};
use crate::record::{Diagnostic, Place, Text};

/// A text and its tokens.
pub(super) struct Source {
    text: Arc<Text>,
    /// Where each line begins.
    lines: Vec<usize>,
    /// What is neither blank nor a comment, with its bytes.
    tokens: Vec<(Token, Range<usize>)>,
}

impl Source {
    /// Cuts a text into tokens: all of them, or those before the first that is none.
    pub(super) fn new(text: &Arc<Text>) -> Self {
        let body = text.body.as_str();
        let lines = std::iter::once(0).chain(body.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut source = Self { text: Arc::clone(text), lines, tokens: Vec::new() };
        let mut tokens = Vec::new();
        // What comes before a broken token is in the buffer nevertheless.
        let _ = Tokenizer::new(&GenericDialect {}, body).tokenize_with_location_into_buf(&mut tokens);
        let is_read = |token: &Token| !matches!(token, Token::Whitespace(_) | Token::EOF);
        let read = tokens.into_iter().filter(|token| is_read(&token.token));
        source.tokens = read.map(|token| (token.token, source.range(token.span))).collect();
        source
    }

    /// Returns the whole text.
    pub(super) fn body(&self) -> &str {
        &self.text.body
    }

    /// Returns what stands in a range.
    pub(super) fn slice(&self, range: &Range<usize>) -> &str {
        self.text.body.get(range.clone()).unwrap_or_default()
    }

    /// Returns the tokens with their bytes.
    pub(super) fn tokens(&self) -> &[(Token, Range<usize>)] {
        &self.tokens
    }

    /// Returns an error about a range.
    pub(super) fn error(&self, range: Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(message, self.place(range))
    }

    /// Returns a range as a place.
    pub(super) fn place(&self, range: Range<usize>) -> Place {
        Place { text: Arc::clone(&self.text), range }
    }

    /// Returns the byte at a line and column, which is counted in characters.
    pub(super) fn offset(&self, location: Location) -> usize {
        let line = usize::try_from(location.line).unwrap_or(1).max(1);
        let column = usize::try_from(location.column).unwrap_or(1).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or(self.text.body.len());
        let rest = self.text.body.get(start..).unwrap_or_default();
        start + rest.char_indices().nth(column - 1).map_or(rest.len(), |(index, _)| index)
    }

    /// Returns the bytes of a parser's span.
    pub(super) fn range(&self, span: Span) -> Range<usize> {
        self.offset(span.start)..self.offset(span.end)
    }

    /// Returns where a table's name stands.
    pub(super) fn name(&self, name: &ObjectName) -> Range<usize> {
        self.range(name.span())
    }

    /// Returns the exact bytes of an expression.
    pub(super) fn exact(&self, expr: &Expr) -> Range<usize> {
        match expr {
            stands_for if is_subquery(stands_for) => self.in_parentheses(self.range(stands_for.span())),
            Expr::Nested(inner) => {
                let inner = self.exact(inner);
                self.parentheses(&inner).map_or(inner, |(open, close)| self.between(open, close))
            }
            Expr::Function(function) => self.call(function),
            Expr::Cast { kind: CastKind::DoubleColon, expr, .. } => self.with_type(self.exact(expr)),
            Expr::Cast { .. }
            | Expr::Ceil { .. }
            | Expr::Floor { .. }
            | Expr::Extract { .. }
            | Expr::Position { .. }
            | Expr::Substring { .. }
            | Expr::Trim { .. }
            | Expr::Overlay { .. }
            | Expr::Convert { .. } => self.special_call(self.joined(expr)),
            Expr::Subquery(_) | Expr::Exists { .. } => self.in_parentheses(self.range(expr.span())),
            Expr::InSubquery { expr, subquery, .. } => {
                join(&self.exact(expr), &self.in_parentheses(self.range(subquery.span())))
            }
            Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotUnknown(_) => self.with_predicate(self.joined(expr)),
            Expr::UnaryOp { .. } | Expr::TypedString(_) => self.with_token_before(self.joined(expr)),
            Expr::Interval(interval) => {
                let value = self.with_token_before(self.joined(expr));
                if interval.leading_field.is_some() { self.with_token_behind(value) } else { value }
            }
            Expr::InList { .. } => {
                let inner = self.joined(expr);
                inner.start..self.tokens.get(self.behind(inner.end)).map_or(inner.end, |(_, range)| range.end)
            }
            Expr::Case { .. } | Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_) => {
                self.range(expr.span())
            }
            _ => self.joined(expr),
        }
    }

    /// Returns the range from the first operand to the last.
    fn joined(&self, expr: &Expr) -> Range<usize> {
        let ranges = children(expr).into_iter().map(|child| self.exact(&child));
        let all = ranges.filter(|range| !range.is_empty()).reduce(|all, range| join(&all, &range));
        all.unwrap_or_else(|| self.range(expr.span()))
    }

    /// Returns a call with its parentheses and what belongs to it behind them.
    fn call(&self, function: &Function) -> Range<usize> {
        let name = self.name(&function.name);
        let mut range = self.closed(name);
        for word in ["FILTER", "OVER"] {
            let Some((Token::Word(found), at)) = self.tokens.get(self.behind(range.end)) else { continue };
            if found.value.eq_ignore_ascii_case(word) {
                range = join(&range, &self.closed(at.clone()));
            }
        }
        match &function.over {
            Some(WindowType::NamedWindow(name)) => join(&range, &self.range(name.span)),
            _ => range,
        }
    }

    /// Adds the parentheses that open right behind a range.
    pub(super) fn closed(&self, range: Range<usize>) -> Range<usize> {
        let open = self.behind(range.end);
        match self.tokens.get(open) {
            Some((Token::LParen, _)) => {
                self.closing(open).map_or(range.clone(), |close| range.start..self.tokens[close].1.end)
            }
            _ => range,
        }
    }

    /// Widens a range to the call whose parentheses it stands in.
    fn special_call(&self, inner: Range<usize>) -> Range<usize> {
        let Some((open, close)) = self.parentheses(&inner) else { return inner };
        let start = if open > 0 { open - 1 } else { open };
        self.between(start, close)
    }

    /// Widens a range to the nearest parentheses around it.
    pub(super) fn in_parentheses(&self, inner: Range<usize>) -> Range<usize> {
        self.parentheses(&inner).map_or(inner, |(open, close)| self.between(open, close))
    }

    /// Adds `::type`.
    fn with_type(&self, inner: Range<usize>) -> Range<usize> {
        let name = self.behind(inner.end) + 1;
        let Some((Token::Word(_), at)) = self.tokens.get(name) else { return inner };
        join(&inner, &self.closed(at.clone()))
    }

    /// Adds `IS NOT NULL` and its like.
    fn with_predicate(&self, inner: Range<usize>) -> Range<usize> {
        let is_end =
            |word: &Word| ["NULL", "TRUE", "FALSE", "UNKNOWN"].iter().any(|end| word.value.eq_ignore_ascii_case(end));
        let behind = self.tokens.iter().skip(self.behind(inner.end)).take(3);
        let end = behind.into_iter().find(|(token, _)| matches!(token, Token::Word(word) if is_end(word)));
        end.map_or(inner.clone(), |(_, range)| inner.start..range.end)
    }

    /// Adds the token before a range; a parameter has none.
    fn with_token_before(&self, inner: Range<usize>) -> Range<usize> {
        if self.slice(&inner).starts_with('$') {
            return inner;
        }
        let before = self.behind(inner.start).checked_sub(1).and_then(|index| self.tokens.get(index));
        before.map_or(inner.clone(), |(_, range)| range.start..inner.end)
    }

    fn with_token_behind(&self, inner: Range<usize>) -> Range<usize> {
        self.tokens.get(self.behind(inner.end)).map_or(inner.clone(), |(_, range)| inner.start..range.end)
    }

    /// Returns the index of the first token that begins at or behind an offset.
    pub(super) fn behind(&self, offset: usize) -> usize {
        self.tokens.partition_point(|(_, range)| range.start < offset)
    }

    /// Returns the token before a range.
    pub(super) fn before(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let at = self.behind(range.start).checked_sub(1)?;
        self.tokens().get(at).map(|(_, before)| before.clone())
    }

    /// Adds the token behind a range.
    pub(super) fn range_with_next(&self, range: &Range<usize>) -> Range<usize> {
        self.with_token_behind(range.clone())
    }

    /// Returns the first of some words at or behind an offset.
    pub(super) fn word(&self, offset: usize, words: &[&str]) -> Option<Range<usize>> {
        let is_one = |token: &Token| match token {
            Token::Word(word) => words.iter().any(|one| word.value.eq_ignore_ascii_case(one)),
            _ => false,
        };
        let mut tokens = self.tokens().iter().skip(self.behind(offset));
        tokens.find(|(token, _)| is_one(token)).map(|(_, range)| range.clone())
    }

    /// Returns the first place at or behind an offset where some words follow each other.
    pub(super) fn phrase(&self, offset: usize, words: &[&str]) -> Option<Range<usize>> {
        let is_word = |token: &Token, word: &str| match token {
            Token::Word(written) => written.value.eq_ignore_ascii_case(word),
            _ => false,
        };
        let tokens = &self.tokens[self.behind(offset)..];
        let is_phrase =
            |window: &&[(Token, Range<usize>)]| window.iter().zip(words).all(|((token, _), word)| is_word(token, word));
        let found = tokens.windows(words.len().max(1)).find(is_phrase).filter(|_| !words.is_empty())?;
        Some(join(&found.first()?.1, &found.last()?.1))
    }

    /// Returns the tokens of the nearest parentheses around a range.
    fn parentheses(&self, inner: &Range<usize>) -> Option<(usize, usize)> {
        let mut depth = 0_usize;
        for open in (0..self.behind(inner.start)).rev() {
            match self.tokens[open].0 {
                Token::RParen => depth += 1,
                Token::LParen if depth == 0 => return Some((open, self.closing(open)?)),
                Token::LParen => depth -= 1,
                _ => {}
            }
        }
        None
    }

    /// Returns the token that closes a parenthesis.
    fn closing(&self, open: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for (index, (token, _)) in self.tokens.iter().enumerate().skip(open) {
            match token {
                Token::LParen => depth += 1,
                Token::RParen if depth == 1 => return Some(index),
                Token::RParen => depth -= 1,
                _ => {}
            }
        }
        None
    }

    fn between(&self, first: usize, last: usize) -> Range<usize> {
        self.tokens[first].1.start..self.tokens[last].1.end
    }
}

/// Returns the range that holds both.
pub(super) fn join(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    a.start.min(b.start)..a.end.max(b.end)
}
