//! Windows that are none: a frame that ends before it begins, a window function without its window.
//!
//! In: a call with its window, as parsed. Out: findings. The engine refuses such a frame only when it plans a whole SELECT, and
//! takes a window function without a window for one with other arguments.

use datafusion::sql::sqlparser::ast::{Expr, Function, WindowFrame, WindowFrameBound, WindowType};

use super::{Walk, tree};

impl Walk<'_> {
    /// Tells of a frame that ends before it begins.
    pub(super) fn backward_frame(&mut self, call: &Function) -> bool {
        let Some(WindowType::WindowSpec(spec)) = &call.over else { return false };
        let Some(WindowFrame { units, start_bound, end_bound: Some(end_bound) }) = &spec.window_frame else {
            return false;
        };
        let is_backward = match (start_bound, end_bound) {
            (WindowFrameBound::Preceding(Some(start)), WindowFrameBound::Preceding(Some(end))) => is_less(start, end),
            (WindowFrameBound::Following(Some(start)), WindowFrameBound::Following(Some(end))) => is_less(end, start),
            _ => place(start_bound) > place(end_bound),
        };
        if !is_backward {
            return false;
        }
        let range = self.source.exact(&Expr::Function(call.clone()));
        let finding = self.source.error(range, "the frame of this window begins behind its end");
        let hint = format!("write it the other way round: `{units} BETWEEN {end_bound} AND {start_bound}`");
        self.findings.push(finding.hint(hint));
        true
    }

    /// Returns whether a call is one of a function that needs a window and has none.
    pub(super) fn lacks_window(&self, call: &Function) -> bool {
        let name = tree::parts(&call.name).pop().unwrap_or_default();
        call.over.is_none()
            && self.state.window_functions().contains_key(&name)
            && !self.state.scalar_functions().contains_key(&name)
            && !self.state.aggregate_functions().contains_key(&name)
    }

    /// Tells of a window function without its window.
    pub(super) fn without_window(&mut self, call: &Function) {
        let range = self.source.exact(&Expr::Function(call.clone()));
        let name = tree::parts(&call.name).join(".");
        let hint = format!("write `{} OVER (ORDER BY …)`", self.source.slice(&range));
        let message = format!("the window function `{name}` stands without `OVER`");
        self.findings.push(self.source.error(range, message).hint(hint));
    }
}

/// Returns whether one number is less than another; of what is no number that is not known.
fn is_less(one: &Expr, other: &Expr) -> bool {
    let number = |expr: &Expr| expr.to_string().parse::<u64>().ok();
    number(one).zip(number(other)).is_some_and(|(one, other)| one < other)
}

/// Returns where a bound lies among the kinds of bounds.
const fn place(bound: &WindowFrameBound) -> u8 {
    match bound {
        WindowFrameBound::Preceding(None) => 0,
        WindowFrameBound::Preceding(Some(_)) => 1,
        WindowFrameBound::CurrentRow => 2,
        WindowFrameBound::Following(Some(_)) => 3,
        WindowFrameBound::Following(None) => 4,
    }
}
