//! Lineage for other programs: Mermaid, Graphviz, JSON.

use std::fmt::Write;

use serde_json::{Value, json};

use super::drawing::{Drawing, Edge, Node};

/// Draws a Mermaid flowchart, views with round ends.
pub(super) fn mermaid(drawing: &Drawing) -> String {
    let mut out = "flowchart LR\n".to_owned();
    // Writing to a String cannot fail.
    for (place, node) in drawing.nodes.iter().enumerate() {
        let (open, close) = if node.is_view { ("([", "])") } else { ("[", "]") };
        let _ = writeln!(out, "  n{place}{open}\"{}\"{close}", escaped_for_mermaid(&node.label));
    }
    for edge in &drawing.edges {
        let label = edge.uses.map_or_else(String::new, |uses| format!("|{uses}|"));
        let _ = writeln!(out, "  n{} -->{label} n{}", edge.from, edge.to);
    }
    out
}

/// Writes what means something to Mermaid as its entity codes.
fn escaped_for_mermaid(label: &str) -> String {
    let mut out = String::with_capacity(label.len());
    for character in label.chars() {
        match character {
            '"' => out.push_str("#quot;"),
            '#' | '&' | '<' | '>' | '`' | '\\' | ';' => {
                let _ = write!(out, "#{};", u32::from(character));
            }
            control if control.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

/// Draws a Graphviz digraph, views with round corners.
pub(super) fn dot(drawing: &Drawing) -> String {
    let mut out = "digraph lineage {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
    for (place, node) in drawing.nodes.iter().enumerate() {
        let style = if node.is_view { ", style=rounded" } else { "" };
        let _ = writeln!(out, "  n{place} [label=\"{}\"{style}];", escaped_for_dot(&node.label));
    }
    for edge in &drawing.edges {
        let label = edge.uses.map_or_else(String::new, |uses| format!(" [label=\"{uses}\"]"));
        let _ = writeln!(out, "  n{} -> n{}{label};", edge.from, edge.to);
    }
    out.push_str("}\n");
    out
}

/// Writes a text within quotes of DOT, where a backslash begins an escape.
fn escaped_for_dot(label: &str) -> String {
    let mut out = String::with_capacity(label.len());
    for character in label.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            control if control.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

/// Writes nodes and edges as JSON.
pub(super) fn json(drawing: &Drawing) -> String {
    let node = |node: &Node| {
        let mut value = named(node);
        if node.is_view {
            value["kind"] = json!("view");
        }
        if !node.headers.is_empty() {
            value["headers"] = json!(node.headers);
        }
        value
    };
    let nodes: Vec<Value> = drawing.nodes.iter().map(node).collect();
    let edge = |edge: &Edge| {
        let mut value = json!({ "from": named(&drawing.nodes[edge.from]), "to": named(&drawing.nodes[edge.to]) });
        if let Some(uses) = edge.uses {
            value["uses"] = json!(uses);
        }
        value
    };
    let edges: Vec<Value> = drawing.edges.iter().map(edge).collect();
    format!("{}\n", json!({ "nodes": nodes, "edges": edges }))
}

/// Returns the name of a node; the column is null where it stands for the rows of a table.
fn named(node: &Node) -> Value {
    match node.is_table {
        true => json!({ "table": node.table }),
        false => json!({ "table": node.table, "column": node.column }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::TableName;

    fn drawing(name: &str) -> Drawing {
        let node = |name: &str| Node {
            label: format!("a.b.{name}"),
            table: TableName::new("a", "b"),
            column: Some(name.to_owned()),
            is_table: false,
            is_view: false,
            headers: Vec::new(),
        };
        Drawing { nodes: vec![node(name), node("金额")], edges: vec![Edge { from: 0, to: 1, uses: None }] }
    }

    #[test]
    fn names_with_quotes_and_other_signs_stay_one_label() {
        let drawing = drawing("x\"] --> `y` #1; <b>\\n&\n");
        assert_eq!(
            mermaid(&drawing),
            "flowchart LR\n  n0[\"a.b.x#quot;] --#62; #96;y#96; #35;1#59; #60;b#62;#92;n#38; \"]\n  n1[\"a.b.金额\"]\n  n0 --> n1\n"
        );
        assert_eq!(
            dot(&drawing),
            "digraph lineage {\n  rankdir=LR;\n  node [shape=box];\n  n0 [label=\"a.b.x\\\"] --> `y` #1; <b>\\\\n& \"];\n  \
             n1 [label=\"a.b.金额\"];\n  n0 -> n1;\n}\n"
        );
    }
}
