//! Rules, vetoes, blocks and comparisons of an entity: as written → as validated.

use std::ops::Range;

use super::{Block, Comparison, FormName, Level, Measure, PreparationKind, Rule, Veto, read::Scope};
use crate::{
    define::{
        file,
        findings::Findings,
        names,
        spans::{At, TextOr},
    },
    record::Placed,
};

/// Records that are compared with their neighbours when the file does not say.
const WINDOW: u64 = 5;
/// Names of rules that the tool itself gives.
const BUILT_IN: [&str; 4] = ["reference", "override", "evidence", "alone"];
/// The keys of which a level has exactly one.
const MEASURES: &str = "one of `exact`, `jaro_winkler`, `damerau_levenshtein`, `bigram_jaccard`, `token_overlap`, \
                        `number_distance`, `date_days`";

pub(super) fn rules(written: Vec<At<file::EntityRule>>, scope: &Scope<'_>, findings: &mut Findings) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for At { value, range } in written {
        let name = findings.required(value.name, &range, "name", "same_tax_id");
        let equal = findings.required(value.equal, &range, "equal", "[tax_id]");
        let name = name.map(|name| self::name(name, "rule", rules.iter().map(|rule| &rule.name), findings));
        let equal = equal.filter(|equal| not_empty(equal, &range, "equal", findings));
        if let (Some(name), Some(equal)) = (name, equal) {
            rules.push(Rule { name, equal: scope.forms(&equal, "equal", findings) });
        }
    }
    rules
}

pub(super) fn vetoes(written: Vec<At<file::Veto>>, scope: &Scope<'_>, findings: &mut Findings) -> Vec<Veto> {
    let mut vetoes: Vec<Veto> = Vec::new();
    for At { value, range } in written {
        let name = findings.required(value.name, &range, "name", "two_tax_ids");
        let differ = findings.required(value.differ, &range, "differ", "[tax_id]");
        let name = name.map(|name| self::name(name, "veto", vetoes.iter().map(|veto| &veto.name), findings));
        let differ = differ.filter(|differ| not_empty(differ, &range, "differ", findings));
        if let (Some(name), Some(differ)) = (name, differ) {
            vetoes.push(Veto { name, differ: scope.forms(&differ, "differ", findings) });
        }
    }
    vetoes
}

fn name<'a>(
    name: At<String>,
    what: &str,
    mut earlier: impl Iterator<Item = &'a Placed<String>>,
    findings: &mut Findings,
) -> Placed<String> {
    names::identifier(what, &name, findings);
    if BUILT_IN.contains(&name.value.as_str()) {
        findings.error(&name.range, format!("{what} `{}` is built in", name.value), "choose another name");
    }
    if earlier.any(|earlier| earlier.value == name.value) {
        findings.error(&name.range, format!("{what} `{}` occurs twice", name.value), "choose another name");
    }
    findings.placed(name)
}

fn not_empty<T>(list: &[T], range: &Range<usize>, key: &str, findings: &mut Findings) -> bool {
    if list.is_empty() {
        findings.error(range, format!("`{key}` is empty"), "name at least one attribute");
    }
    !list.is_empty()
}

pub(super) fn blocks(written: Vec<At<file::Block>>, scope: &Scope<'_>, findings: &mut Findings) -> Vec<Block> {
    written.into_iter().filter_map(|block| self::block(block, scope, findings)).collect()
}

fn block(written: At<file::Block>, scope: &Scope<'_>, findings: &mut Findings) -> Option<Block> {
    let At { value: written, range } = written;
    if let (Some(window), None) = (&written.window, &written.neighbours) {
        findings.error(&window.range, "`window` without `neighbours`", "only `neighbours` has a window");
    }
    match (written.equal, written.bigrams, written.neighbours) {
        (Some(equal), None, None) => {
            not_empty(&equal, &range, "equal", findings).then_some(())?;
            Some(Block::Equal(scope.forms(&equal, "equal", findings)))
        }
        (None, Some(form), None) => scope.form(&form, "bigrams", findings).map(Block::Bigrams),
        (None, None, Some(form)) => {
            let window = written.window.as_ref().map_or(WINDOW, |window| window.value);
            if let Some(written) = written.window.as_ref().filter(|window| window.value < 2) {
                findings.error(&written.range, format!("`window` is {window}"), "a window has at least 2 records");
            }
            let window = usize::try_from(window).unwrap_or(usize::MAX);
            Some(Block::Neighbours { form: scope.form(&form, "neighbours", findings)?, window })
        }
        _ => {
            let message = "a block has exactly one of `equal`, `bigrams`, `neighbours`";
            findings.error(&range, message, "write one of them, and another block for the next");
            None
        }
    }
}

pub(super) fn comparisons(
    written: Vec<At<file::Comparison>>,
    scope: &Scope<'_>,
    findings: &mut Findings,
) -> Vec<Comparison> {
    let mut comparisons: Vec<Comparison> = Vec::new();
    for At { value, range } in written {
        let name = findings.required(value.attribute, &range, "attribute", "name");
        let levels = findings.required(value.levels, &range, "levels", "[exact]");
        let levels = levels.filter(|levels| not_empty(levels, &range, "levels", findings));
        let (Some(name), Some(levels)) = (name, levels) else { continue };
        let Some(attribute) = scope.compared(&name, "comparisons", findings) else { continue };
        if comparisons.iter().any(|earlier| earlier.attribute == attribute) {
            let message = format!("`{}` is compared twice", name.value);
            findings.error(&name.range, message, "evidence counts once: join the levels");
        }
        let kind = scope.attributes[attribute].preparation.as_ref().map(|prepared| prepared.kind);
        let levels = levels.into_iter().filter_map(|level| self::level(level, kind?, findings)).collect();
        comparisons.push(Comparison { attribute, levels, term_frequency: value.term_frequency });
    }
    comparisons
}

fn level(
    written: At<TextOr<file::ExactWord, file::Level>>,
    kind: PreparationKind,
    findings: &mut Findings,
) -> Option<Level> {
    let At { value: written, range } = written;
    let written = match written {
        TextOr::Text(file::ExactWord::Exact) => {
            return Some(Level { measure: Measure::Exact, form: FormName::Normal, agree: None });
        }
        TextOr::Map(written) => written,
    };
    let on = written.on.as_ref().map(|on| on.value);
    let named = [written.exact.as_ref().or(written.on.as_ref()), written.agree.as_ref()];
    for form in named.into_iter().flatten().filter(|form| !kind.forms().contains(&form.value)) {
        let known = kind.forms().iter().map(|name| name.word());
        findings.unknown(&form.range, format!("no form `{}` here", form.value.word()), form.value.word(), known);
    }
    if let (Some(_), Some(on)) = (&written.exact, &written.on) {
        findings.error(&on.range, "`on` beside `exact`", "write `{ exact: key }`");
    }
    let mut share = |at: &Option<At<f64>>, make: fn(f64) -> Measure| {
        let at = at.as_ref()?;
        if !(0.0..=1.0).contains(&at.value) {
            findings.error(&at.range, format!("`{}` is not between 0 and 1", at.value), "1 means equal");
        }
        Some(make(at.value))
    };
    let shares = [
        share(&written.jaro_winkler, Measure::JaroWinkler),
        share(&written.bigram_jaccard, Measure::BigramJaccard),
        share(&written.token_overlap, Measure::TokenOverlap),
    ];
    let distances = [
        whole(written.damerau_levenshtein.as_ref(), findings).map(Measure::DamerauLevenshtein),
        whole(written.date_days.as_ref(), findings).map(Measure::DateDays),
        written.number_distance.as_ref().map(|at| Measure::NumberDistance(at.value)),
    ];
    let exact = written.exact.as_ref().map(|_| Measure::Exact);
    let measures: Vec<Measure> = exact.into_iter().chain(shares.into_iter().chain(distances).flatten()).collect();
    let is_wrong = written.damerau_levenshtein.is_some() || written.date_days.is_some();
    let measure = match measures[..] {
        [measure] => measure,
        // What was wrong about the only one has been said.
        [] if is_wrong => return None,
        _ => {
            findings.error(&range, "a level has exactly one measure", MEASURES);
            return None;
        }
    };
    let form = written.exact.map(|at| at.value).or(on).unwrap_or_default();
    Some(Level { measure, form, agree: written.agree.map(|at| at.value) })
}

fn whole(written: Option<&At<f64>>, findings: &mut Findings) -> Option<u32> {
    let At { value, range } = written?;
    let whole = (0..=36_600_u32).find(|whole| f64::from(*whole).total_cmp(value).is_eq());
    if whole.is_none() {
        findings.error(range, format!("`{value}` is no whole number from 0"), "write a whole number");
    }
    whole
}

/// Returns the attributes that rules and blocks use, in order of their numbers.
pub(super) fn used(rules: &[Rule], blocks: &[Block]) -> Vec<usize> {
    let rules = rules.iter().flat_map(|rule| &rule.equal);
    let blocks = blocks.iter().flat_map(|block| match block {
        Block::Equal(forms) => forms.as_slice(),
        Block::Bigrams(form) | Block::Neighbours { form, .. } => std::slice::from_ref(form),
    });
    let mut used: Vec<usize> = rules.chain(blocks).map(|form| form.attribute).collect();
    used.sort_unstable();
    used.dedup();
    used
}
