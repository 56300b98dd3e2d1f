//! The project's own functions: files → functions that every session can call, each after those that it calls.
//!
//! In: the files of `sql/functions/`. Out: the functions, known to the engine, and what is wrong with any. A function that calls
//! a wrong one is left out silently.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use datafusion::{error::Result as EngineResult, execution::SessionState};

use crate::{
    define::project::{Example, Function},
    engine::{
        Engine, Problem,
        functions::Kind,
        functions::catalogue::{Listed, Origin},
        problem::find_word,
        user_function::{Definition, UserFunction},
    },
    record::{Diagnostic, Place},
};

/// A function that was parsed.
type Parsed<'a> = BTreeMap<&'a str, (&'a Function, Definition)>;

/// Compiles functions and lets the engine's sessions call them, in place of those that it had; others are `wrong` already.
///
/// # Errors
/// When no session can be made, which is a fault of the program.
pub fn define(functions: &[Function], wrong: &BTreeSet<String>, engine: &Engine) -> EngineResult<Vec<Diagnostic>> {
    engine.define(Vec::new(), wrong.clone());
    if functions.is_empty() {
        return Ok(Vec::new());
    }
    let mut state = engine.session([])?.state();
    let mut findings = Vec::new();
    let mut waiting = parse(functions, &state, &mut findings);
    let unread = functions.iter().map(|function| function.name.as_str()).filter(|name| !waiting.contains_key(name));
    let unread: BTreeSet<&str> = unread.chain(wrong.iter().map(String::as_str)).collect();
    let defined = compile(&mut waiting, unread, &mut state, &mut findings)?;
    findings.extend(cycle(&waiting));
    let mut undefined: BTreeSet<String> = functions.iter().map(|function| function.name.clone()).collect();
    undefined.extend(wrong.iter().cloned());
    for function in &defined {
        undefined.remove(function.name());
    }
    engine.define(defined, undefined);
    Ok(findings)
}

fn parse<'a>(functions: &'a [Function], state: &SessionState, findings: &mut Vec<Diagnostic>) -> Parsed<'a> {
    let mut parsed = Parsed::new();
    for function in functions {
        match Definition::parse(&function.text.body) {
            Ok(definition) => match misnamed(function, &definition, state) {
                Some(finding) => findings.push(finding),
                None => {
                    parsed.insert(&function.name, (function, definition));
                }
            },
            Err(problem) => findings.push(told(function, problem)),
        }
    }
    parsed
}

/// Finds a name that is not the file's, and one that the engine has.
fn misnamed(function: &Function, definition: &Definition, state: &SessionState) -> Option<Diagnostic> {
    let (name, file) = (&definition.name, &function.name);
    let place = place(function, name);
    if name != file {
        let message = format!("the function `{name}` stands in the file of `{file}`");
        return Some(Diagnostic::error(message, place).hint(format!("call it `{file}`, or the file `{name}.sql`")));
    }
    let is_built_in = state.scalar_functions().contains_key(name)
        || state.aggregate_functions().contains_key(name)
        || state.window_functions().contains_key(name);
    let message = format!("there is a function `{name}` already: every SQL that calls it would change");
    is_built_in.then(|| {
        Diagnostic::error(message, place).hint(format!("give it another name; see `tallyhouse functions {name}`"))
    })
}

/// Compiles what calls nothing that still waits, until nothing more can be.
fn compile<'a>(
    waiting: &mut Parsed<'a>,
    mut wrong: BTreeSet<&'a str>,
    state: &mut SessionState,
    findings: &mut Vec<Diagnostic>,
) -> EngineResult<Vec<UserFunction>> {
    let mut defined = Vec::new();
    let calls_any =
        |definition: &Definition, names: &dyn Fn(&str) -> bool| definition.calls.iter().any(|call| names(call));
    loop {
        let is_ready = |definition: &Definition| !calls_any(definition, &|call| waiting.contains_key(call));
        let ready: Vec<&str> =
            waiting.iter().filter(|(_, (_, definition))| is_ready(definition)).map(|(name, _)| *name).collect();
        if ready.is_empty() {
            return Ok(defined);
        }
        for (function, definition) in ready.iter().filter_map(|name| waiting.remove(name)) {
            if calls_any(&definition, &|call| wrong.contains(call)) {
                wrong.insert(&function.name);
                continue;
            }
            match definition.compile(&function.text.body, state) {
                Ok(compiled) => {
                    compiled.register(state)?;
                    defined.push(compiled);
                }
                Err(problem) => {
                    wrong.insert(&function.name);
                    findings.push(told(function, problem));
                }
            }
        }
    }
}

/// Follows one circle among functions of which each waits for another.
fn cycle(waiting: &Parsed<'_>) -> Option<Diagnostic> {
    let mut way: Vec<&str> = vec![waiting.keys().next()?];
    loop {
        let (function, definition) = waiting.get(way.last()?)?;
        let next = definition.calls.iter().find(|call| waiting.contains_key(call.as_str()))?;
        if let Some(start) = way.iter().position(|name| name == next) {
            let names: Vec<&str> = way[start..].iter().copied().chain([next.as_str()]).collect();
            let message = format!("functions call each other in a circle: {}", names.join(" → "));
            let hint = "a function cannot call itself: take one of these calls out";
            let place = call_place(function, next);
            return Some(Diagnostic::error(message, place).hint(hint));
        }
        way.push(next);
    }
}

fn told(function: &Function, problem: Problem) -> Diagnostic {
    let place = match problem.range {
        Some(range) => Place { text: Arc::clone(&function.text), range },
        None => place(function, &function.name),
    };
    let mut finding = Diagnostic::error(problem.message, place);
    finding.hint = problem.hint;
    finding
}

/// Returns where a name stands first, else the beginning of the file.
fn place(function: &Function, name: &str) -> Place {
    let start = function.text.body.find("CREATE").or_else(|| function.text.body.find("create")).unwrap_or(0);
    let found = find_word(&function.text.body[start..], name).map(|range| start + range.start..start + range.end);
    Place { text: Arc::clone(&function.text), range: found.unwrap_or(start..start) }
}

/// Returns where a function is called: behind the `RETURN`.
fn call_place(function: &Function, name: &str) -> Place {
    let body = &function.text.body;
    let start = find_word(body, "return").map_or(0, |range| range.end);
    let found = find_word(&body[start..], name).map(|range| start + range.start..start + range.end);
    Place { text: Arc::clone(&function.text), range: found.unwrap_or(0..0) }
}

/// Returns what is said of the functions that the engine knows.
#[must_use]
pub fn listed(functions: &[Function], engine: &Engine) -> Vec<Listed> {
    let defined = engine.defined();
    let signature = |name: &str| defined.iter().find(|known| known.name() == name).map(UserFunction::spelled);
    let listed = |function: &Function| {
        Some(Listed {
            name: function.name.clone(),
            kind: Kind::Scalar,
            origin: Origin::Project,
            signature: signature(&function.name)?,
            description: function.description.clone().unwrap_or_default(),
            nulls: None,
            examples: function.examples.iter().map(shown).collect(),
        })
    };
    functions.iter().filter_map(listed).collect()
}

/// Writes an example as those of the functions that come along: a query, and its answer as a comment.
fn shown(example: &Example) -> String {
    format!("SELECT {}\n-- {}", example.call.value, example.returns.value.as_deref().unwrap_or("NULL"))
}
