//! Lineage as a tree, and as a list of tables, for people.

use std::{
    collections::BTreeSet,
    fmt::{Display, Write},
};

use super::drawing::{Drawing, Edge};
use crate::run::Direction;

/// Draws a tree. `next` gives what stands below a node, and how it is used; `end` is added to a node's line. What was shown
/// with all below it is not shown so again, but ends in `…`.
pub(super) fn render<T: Ord + Clone + Display>(
    root: &T,
    next: &dyn Fn(&T) -> Vec<(T, String)>,
    end: &dyn Fn(&T) -> String,
    steps: usize,
) -> String {
    let mut branches =
        Branches { next, end, seen: BTreeSet::from([root.clone()]), out: format!("{root}{}\n", end(root)) };
    branches.below(root, "", steps);
    branches.out
}

struct Branches<'a, T> {
    next: &'a dyn Fn(&T) -> Vec<(T, String)>,
    end: &'a dyn Fn(&T) -> String,
    seen: BTreeSet<T>,
    out: String,
}

impl<T: Ord + Clone + Display> Branches<'_, T> {
    fn below(&mut self, node: &T, indent: &str, steps: usize) {
        let Some(steps) = steps.checked_sub(1) else { return };
        let children = (self.next)(node);
        let last = children.len().saturating_sub(1);
        for (place, (child, uses)) in children.into_iter().enumerate() {
            let (branch, below) = if place == last { ("└─", "   ") } else { ("├─", "│  ") };
            let uses = if uses.is_empty() { uses } else { format!("  {uses}") };
            let is_new = self.seen.insert(child.clone());
            let more = if is_new || (self.next)(&child).is_empty() { "" } else { " …" };
            // Writing to a String cannot fail.
            let _ = writeln!(self.out, "{indent}{branch} {child}{uses}{}{more}", (self.end)(&child));
            if is_new {
                self.below(&child, &format!("{indent}{below}"), steps);
            }
        }
    }
}

/// Returns what stands behind the name of a table that is none.
pub(super) const fn kind(is_view: bool) -> &'static str {
    if is_view { " (view)" } else { "" }
}

/// Lists tables, each with those next to it.
pub(super) fn list(drawing: &Drawing, direction: Direction) -> String {
    let mut out = String::new();
    for (place, node) in drawing.nodes.iter().enumerate() {
        let next = |edge: &Edge| match direction {
            Direction::Upstream => (edge.to == place).then_some(edge.from),
            Direction::Downstream => (edge.from == place).then_some(edge.to),
        };
        let names: Vec<&str> =
            drawing.edges.iter().filter_map(next).map(|other| drawing.nodes[other].label.as_str()).collect();
        let arrow = if direction == Direction::Upstream { "←" } else { "→" };
        let (name, kind) = (&node.label, kind(node.is_view));
        let _ = match names.is_empty() {
            true => writeln!(out, "{name}{kind}"),
            false => writeln!(out, "{name}{kind} {arrow} {}", names.join(", ")),
        };
    }
    out
}
