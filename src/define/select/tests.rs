//! The grammar as a table, and random graphs against a resolution that knows nothing but its definition.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{LastResult, Node, Nodes, Selection, State};
use crate::record::TableName;

fn node(name: &str, reads: &[&str]) -> Node {
    let table = |name: &str| TableName::try_from(name.to_owned()).unwrap();
    let is_source = name.starts_with("staged.");
    let path = if is_source { "pipelines/sources/" } else { "sql/" };
    let end = if is_source { "yaml" } else { "sql" };
    Node {
        name: table(name),
        path: format!("{path}{}.{end}", name.trim_start_matches("staged.").replace('.', "/")),
        is_source,
        tags: Vec::new(),
        owner: None,
        reads: reads.iter().copied().map(table).collect(),
        state: State::Same,
        last: None,
    }
}

/// ```text
///  staged.orders ─► core.sales ─┬─► mart.revenue ─► mart.report
///  staged.dealer ─► core.dealer ┴─► mart.dealer ──────┘
///  staged.fx     ─► core.sales
/// ```
fn shop() -> Nodes {
    let mut sales = node("core.sales", &["staged.orders", "staged.fx"]);
    sales.tags = vec!["finance".to_owned(), "夜间".to_owned()];
    sales.owner = Some("sales-operations".to_owned());
    let mut revenue = node("mart.revenue", &["core.sales", "core.dealer"]);
    revenue.tags = vec!["finance".to_owned()];
    revenue.state = State::Modified;
    revenue.last = Some(LastResult::CheckFailed);
    let mut report = node("mart.report", &["mart.revenue", "mart.dealer"]);
    report.state = State::New;
    report.last = Some(LastResult::Failed);
    let mut dealer = node("core.dealer", &["staged.dealer"]);
    dealer.last = Some(LastResult::Warned);
    let mut orders = node("staged.orders", &[]);
    orders.last = Some(LastResult::Succeeded);
    let rest = [node("staged.dealer", &[]), node("staged.fx", &[]), node("mart.dealer", &["core.dealer"])];
    Nodes::new([sales, revenue, report, dealer, orders].into_iter().chain(rest).collect())
}

fn selected(select: &[&str], exclude: &[&str]) -> Result<String, super::Error> {
    let words = |words: &[&str]| words.iter().copied().map(str::to_owned).collect();
    let selection = Selection { select: words(select), exclude: words(exclude) };
    Ok(selection.resolve(&shop())?.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
}

#[test]
fn every_form_of_the_grammar_selects_what_it_says() {
    let cases = [
        ("revenue", "mart.revenue"),
        ("core.sales", "core.sales"),
        ("dealer", "core.dealer mart.dealer staged.dealer"),
        ("core", "core.dealer core.sales"),
        ("core.*", "core.dealer core.sales"),
        ("*.d?aler", "core.dealer mart.dealer staged.dealer"),
        ("mart.re[pv]*", "mart.report mart.revenue"),
        ("+core.sales", "core.sales staged.fx staged.orders"),
        ("core.dealer+", "core.dealer mart.dealer mart.report mart.revenue"),
        ("core.dealer+1", "core.dealer mart.dealer mart.revenue"),
        ("1+mart.revenue", "core.dealer core.sales mart.revenue"),
        ("0+mart.revenue+0", "mart.revenue"),
        ("2+mart.revenue+1", "core.dealer core.sales mart.report mart.revenue staged.dealer staged.fx staged.orders"),
        ("+mart.dealer+", "core.dealer mart.dealer mart.report staged.dealer"),
        (
            "@mart.dealer",
            "core.dealer core.sales mart.dealer mart.report mart.revenue staged.dealer staged.fx staged.orders",
        ),
        (
            "@staged.fx",
            "core.dealer core.sales mart.dealer mart.report mart.revenue staged.dealer staged.fx staged.orders",
        ),
        ("tag:finance", "core.sales mart.revenue"),
        ("tag:夜*", "core.sales"),
        ("owner:sales-*", "core.sales"),
        ("path:sql/core", "core.dealer core.sales"),
        ("path:sql/core/", "core.dealer core.sales"),
        ("./sql/core/sales.sql", "core.sales"),
        ("sql/mart/re*.sql", "mart.report mart.revenue"),
        ("source:orders", "staged.orders"),
        ("source:staged.orders+1", "core.sales staged.orders"),
        ("source:*", "staged.dealer staged.fx staged.orders"),
        ("name:revenue", "mart.revenue"),
        ("state:modified", "mart.report mart.revenue"),
        ("state:new", "mart.report"),
        ("1+state:new", "mart.dealer mart.report mart.revenue"),
        ("result:error", "mart.report mart.revenue"),
        ("result:fail", "mart.revenue"),
        ("result:warn+", "core.dealer mart.dealer mart.report mart.revenue"),
        ("result:success", "staged.orders"),
        ("core.sales  mart.report", "core.sales mart.report"),
        ("tag:finance,core.*", "core.sales"),
        ("+mart.revenue,+mart.dealer", "core.dealer staged.dealer"),
        ("tag:finance,mart.* source:fx", "mart.revenue staged.fx"),
    ];
    for (selector, expected) in cases {
        assert_eq!(selected(&[selector], &[]).as_deref(), Ok(expected), "{selector}");
    }
}

#[test]
fn repeated_options_unite_and_exclusions_take_away() {
    assert_eq!(selected(&["core.sales", "source:fx"], &[]).unwrap(), "core.sales staged.fx");
    assert_eq!(selected(&["core+"], &["report", "mart.dealer"]).unwrap(), "core.dealer core.sales mart.revenue");
    assert_eq!(selected(&[], &["source:* core mart.dealer"]).unwrap(), "mart.report mart.revenue");
    assert_eq!(selected(&["+mart.revenue"], &["+core.sales"]).unwrap(), "core.dealer mart.revenue staged.dealer");
}

#[test]
fn what_selects_nothing_is_an_error_with_a_hint() {
    let cases = [
        ("revenu", "no table fits `revenu`", "did you mean `revenue`?"),
        ("core.sals+", "no table fits `core.sals+`", "did you mean `core.sales`?"),
        ("zzz", "no table fits `zzz`", "`tallyhouse show` lists the tables that are served, `tallyhouse lineage` all"),
        ("tag:finanze", "no table fits `tag:finanze`", "did you mean `finance`?"),
        ("source:order", "no table fits `source:order`", "did you mean `orders`?"),
        ("owner:nobody", "no table fits `owner:nobody`", "owners stand in the headers of models"),
        ("tga:finance", "selectors know no method `tga`", "did you mean `tag`?"),
        ("state:old", "selectors know no state `old`", "there are modified, new"),
        ("result:errors", "selectors know no result `errors`", "did you mean `error`?"),
        (
            "core.*,tag:finance,report",
            "no table fits all of `core.*,tag:finance,report`",
            "a comma asks for tables that fit both sides; a blank joins them",
        ),
        (
            "core.sales,",
            "`core.sales,` names no table between its signs",
            "blanks join selectors, commas intersect them without blanks",
        ),
        ("+", "`+` names no table between its signs", "blanks join selectors, commas intersect them without blanks"),
        (
            "@+revenue",
            "`@+revenue` has both `@` and `+`",
            "`@` takes what stands on the table and all that this needs: leave out `+`",
        ),
        ("tag:", "`tag:` has nothing behind its colon", "write `tag:…`"),
        ("  ", "a selector is empty", "name a table, such as `core.sales`, or `tag:finance`"),
        (
            "99999999999999999999999+core.sales",
            "`99999999999999999999999` steps are too many",
            "leave the number out for all",
        ),
        ("core.[a", "`[a`: unclosed character class; missing ']'", "`*`, `?` and `[a-z]` work"),
    ];
    for (selector, message, hint) in cases {
        let error = selected(&[selector], &[]).unwrap_err();
        assert_eq!((error.message.as_str(), error.hint.as_deref()), (message, Some(hint)), "{selector}");
    }
    assert_eq!(selected(&["core.sales"], &["nowhere"]).unwrap_err().message, "no table fits `nowhere`");
    assert_eq!(
        selected(&["core.sales"], &["core"]).unwrap_err().message,
        "nothing is selected: `--exclude` takes away all that `--select` names"
    );
}

/// Whether `to` can be reached from `from` in at most `steps` reads, by trying all ways.
fn reaches(graph: &[BTreeSet<usize>], from: usize, to: usize, steps: usize) -> bool {
    from == to || (steps > 0 && graph[from].iter().any(|&read| reaches(graph, read, to, steps - 1)))
}

#[test]
fn a_word_with_a_method_anywhere_is_a_selector_and_the_name_of_a_test_is_none() {
    for word in
        ["tag:annual", "+tag:annual", "2+path:sql/core", "core.dealer,owner:sales", "core.*,tag:annual", "core.sales+"]
    {
        assert!(Selection::is_selector(word), "{word}");
    }
    for word in ["core.sales", "core.sales:two orders, one of them late", "core.sales:1 + 1"] {
        assert!(!Selection::is_selector(word), "{word}");
    }
}

proptest! {
    #[test]
    fn random_graphs_give_what_the_definition_of_each_sign_says(
        edges in proptest::collection::btree_set((0_usize..9, 0_usize..9), 0..22),
        wanted in 0_usize..9, up in 0_usize..4, down in 0_usize..4, sign in 0..4, other in 0_usize..9,
    ) {
        // Each reads only earlier ones.
        let reads: Vec<BTreeSet<usize>> =
            (0..9).map(|node| edges.iter().filter(|(from, to)| *from == node && to < from).map(|edge| edge.1).collect()).collect();
        let name = |node: usize| format!("s.n{node}");
        let nodes = (0..9).map(|at| {
            let read: Vec<String> = reads[at].iter().map(|&read| name(read)).collect();
            node(&name(at), &read.iter().map(String::as_str).collect::<Vec<_>>())
        });
        let nodes = Nodes::new(nodes.collect());
        let all = usize::MAX >> 60;
        let naive = |at: usize| match sign {
            0 => reaches(&reads, wanted, at, up) || reaches(&reads, at, wanted, down),
            1 => reaches(&reads, wanted, at, all),
            2 => reaches(&reads, at, wanted, all),
            _ => (0..9).any(|below| reaches(&reads, below, wanted, all) && reaches(&reads, below, at, all)),
        };
        let term = match sign {
            0 => format!("{up}+{}+{down}", name(wanted)),
            1 => format!("+{}", name(wanted)),
            2 => format!("{}+", name(wanted)),
            _ => format!("@{}", name(wanted)),
        };
        let expect = |fits: &dyn Fn(usize) -> bool| -> Vec<String> { (0..9).filter(|&at| fits(at)).map(name).collect() };
        let got = |select: String, exclude: Vec<String>| -> Vec<String> {
            let found = Selection { select: vec![select], exclude }.resolve(&nodes);
            found.map_or_else(|_| Vec::new(), |found| found.iter().map(ToString::to_string).collect())
        };
        let near = |at: usize| reaches(&reads, other, at, all);
        prop_assert_eq!(got(term.clone(), vec![]), expect(&naive));
        prop_assert_eq!(got(format!("{term},+{}", name(other)), vec![]), expect(&|at| naive(at) && near(at)));
        prop_assert_eq!(got(format!("{term} +{}", name(other)), vec![]), expect(&|at| naive(at) || near(at)));
        prop_assert_eq!(got(term, vec![format!("+{}", name(other))]), expect(&|at| naive(at) && !near(at)));
    }
}
