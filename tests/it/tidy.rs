//! How the source may look: who may know whom, and who may do what.
//!
//! `main → cli → run → stages → ground`. A stage never imports another stage; what crosses is a type of `record` or `define`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use regex::Regex;

use crate::{project::repository, snapshot::files_below};

/// Every module of `src/`, and the modules that it may know.
const ALLOWED: &[(&str, &[&str])] = &[
    // the mouth
    ("cli", &["run", "report", "define", "engine", "record", "error"]),
    // the conductor
    (
        "run",
        &[
            "extract",
            "normalize",
            "identify",
            "transform",
            "check",
            "publish",
            "report",
            "define",
            "engine",
            "storage",
            "record",
            "error",
        ],
    ),
    // the stages, in the order of the data
    ("extract", &["define", "storage", "record"]),
    ("normalize", &["define", "engine", "record"]),
    ("identify", &["define", "engine", "record"]),
    ("transform", &["define", "engine", "record"]),
    ("check", &["define", "engine", "record"]),
    ("publish", &["storage", "record", "error"]),
    // the ground
    ("report", &["record"]),
    ("define", &["record"]),
    ("engine", &["define", "record"]),
    ("storage", &["record"]),
    ("record", &[]),
    ("error", &["record"]),
];

/// Edges that the table does not have and the code does, each with why.
const EDGE_EXCEPTIONS: &[(&str, &str, &str)] =
    &[("src/record/check_result.rs", "define", "a check's result carries the severity that its definition was given")];

/// What only some modules may do, and who may do it nevertheless, each with why.
const REIGNS: &[Reign] = &[
    Reign {
        what: "prints",
        calls: r"\b(e?println!|e?print!\(|stdout\(\)|stderr\(\))",
        owners: &["cli"],
        exceptions: &[],
    },
    Reign { what: "exits", calls: r"\b(process::exit|ExitCode)", owners: &["cli", "main"], exceptions: &[] },
    Reign {
        what: "reads the environment",
        calls: r"\benv::(var|vars|args|temp_dir|current_dir|home_dir)",
        owners: &["cli"],
        exceptions: &[
            (
                "src/storage/local.rs",
                "finds the folder for temporary files, where a warehouse in a store collects its own",
            ),
            ("src/storage/read/mod.rs", "names the folder for temporary files in an error"),
            (
                "src/storage/read/environment.rs",
                "takes credentials at the moment of use, so that nobody else holds them",
            ),
        ],
    },
    Reign {
        what: "touches files",
        calls: r"\b(std::fs|fs::|File::(open|create|options)|OpenOptions|tempfile::)",
        owners: &["storage"],
        exceptions: &[
            ("src/cli/arguments.rs", "how much memory the machine has is read like an environment variable"),
            ("src/extract/database/sqlite/mod.rs", "holds the temporary file that storage wrote for SQLite"),
            ("src/publish/writer/file.rs", "holds the open file that storage created"),
            ("src/run/away.rs", "stages into a folder that is thrown away"),
        ],
    },
    Reign {
        what: "builds a session",
        calls: r"\b(SessionContext::(new|default|from)|SessionStateBuilder|RuntimeEnvBuilder)",
        owners: &["engine"],
        exceptions: &[],
    },
    Reign {
        what: "reads the clock",
        calls: r"\b(Utc::now|Local::now|SystemTime)",
        owners: &["cli"],
        exceptions: &[("src/storage/local/lock.rs", "says since when a lock is held or a snapshot served")],
    },
];

/// Modules without I/O, async and clock.
const PURE: &[&str] = &["define", "normalize"];

/// Lines above which a function counts as long, and the share of functions that may be.
const LONG_LINES: usize = 60;
const LONG_PERCENT: usize = 7;

struct Reign {
    what: &'static str,
    calls: &'static str,
    owners: &'static [&'static str],
    exceptions: &'static [(&'static str, &'static str)],
}

/// A file of `src/`.
struct Source {
    /// From the repository on: `src/extract/mod.rs`.
    path: String,
    /// The folder or file below `src/` that it belongs to.
    module: String,
    text: String,
}

impl Source {
    /// Returns the lines of code with their numbers, without comments and without tests.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        let until_tests = lines.take_while(|(_, line)| *line != "#[cfg(test)]");
        let whole = if self.is_test() { 0 } else { usize::MAX };
        until_tests.filter(|(_, line)| !line.trim_start().starts_with("//")).take(whole)
    }

    fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap();
        self.path.contains("/tests/") || ["tests.rs", "testing.rs", "fixture.rs"].contains(&name)
    }

    /// Returns the modules of this crate that the code names.
    fn edges(&self) -> BTreeSet<String> {
        let code: String = self.code().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
        let names = Regex::new(r"\bcrate::\s*(\w+|\{)").unwrap();
        let mut edges = BTreeSet::new();
        for found in names.captures_iter(&code) {
            match &found[1] {
                "{" => edges.extend(first_names(&code[found.get(1).unwrap().end()..])),
                name => edges.extend([name.to_owned()]),
            }
        }
        edges.iter().map(|name| if name == "Error" { "error".to_owned() } else { name.clone() }).collect()
    }
}

/// Returns `a` and `b` of `a::{c, d}, b}`, the rest of a braced `use`.
fn first_names(rest: &str) -> Vec<String> {
    let mut depth = 1;
    let mut names = vec![String::new()];
    for character in rest.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => names.push(String::new()),
            other if depth == 1 => names.last_mut().unwrap().push(other),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    let first = |path: &String| path.trim().split("::").next().unwrap().to_owned();
    names.iter().map(first).filter(|name| !name.is_empty()).collect()
}

fn sources() -> Vec<Source> {
    let root = repository("");
    let below_root = |path: &Path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let path = below_root(&path);
        let module = path.split('/').nth(1).unwrap().trim_end_matches(".rs").to_owned();
        Source { path, module, text }
    };
    rust_files("src").into_iter().map(read).collect()
}

fn rust_files(folder: &str) -> Vec<PathBuf> {
    let is_rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    files_below(&repository(folder)).into_iter().filter(is_rust).collect()
}

fn assert_none(findings: &[String], rule: &str) {
    assert!(findings.is_empty(), "{rule}:\n  {}", findings.join("\n  "));
}

#[test]
fn a_module_knows_only_what_the_table_of_edges_allows() {
    let mut findings = Vec::new();
    for source in sources().iter().filter(|source| !["lib", "main"].contains(&source.module.as_str())) {
        let Some((_, allowed)) = ALLOWED.iter().find(|(module, _)| *module == source.module) else {
            findings.push(format!("{}: the table of edges does not know the module `{}`", source.path, source.module));
            continue;
        };
        let is_excepted = |edge: &str| EDGE_EXCEPTIONS.iter().any(|(path, to, _)| *path == source.path && *to == edge);
        for edge in source.edges() {
            if edge != source.module && !allowed.contains(&edge.as_str()) && !is_excepted(&edge) {
                findings.push(format!("{}: `{}` must not know `{edge}`", source.path, source.module));
            }
        }
    }
    assert_none(&findings, "edges that the table does not allow");
}

#[test]
fn every_exception_from_the_table_of_edges_is_still_needed() {
    let sources = sources();
    let is_needed =
        |path: &str, to: &str| sources.iter().any(|source| source.path == path && source.edges().contains(to));
    let idle = EDGE_EXCEPTIONS.iter().filter(|(path, to, _)| !is_needed(path, to));
    assert_none(&idle.map(|(path, to, _)| format!("{path} → {to}")).collect::<Vec<_>>(), "exceptions without a case");
}

#[test]
fn only_its_owner_does_what_is_done_in_one_place() {
    let mut findings = Vec::new();
    for reign in REIGNS {
        let calls = Regex::new(reign.calls).unwrap();
        for source in sources().iter().filter(|source| !reign.owners.contains(&source.module.as_str())) {
            let hits: Vec<_> = source.code().filter(|(_, line)| calls.is_match(line)).collect();
            let is_excepted = reign.exceptions.iter().any(|(path, _)| *path == source.path);
            let shown = hits.iter().map(|(number, line)| format!("{}:{number}: {}", source.path, line.trim()));
            findings.extend(
                shown.filter(|_| !is_excepted).map(|line| format!("only {} {}: {line}", reign.owners[0], reign.what)),
            );
        }
    }
    assert_none(&findings, "done in the wrong place");
}

#[test]
fn the_pure_modules_neither_wait_nor_read_files_or_clocks() {
    let impure =
        Regex::new(r"\basync\b|\.await\b|\btokio::|\bstd::(fs|net|time|thread)\b|\bInstant\b|\bobject_store::")
            .unwrap();
    let mut findings = Vec::new();
    for source in sources().iter().filter(|source| PURE.contains(&source.module.as_str())) {
        let hits = source.code().filter(|(_, line)| impure.is_match(line));
        findings.extend(hits.map(|(number, line)| format!("{}:{number}: {}", source.path, line.trim())));
    }
    assert_none(&findings, "not pure");
}

#[test]
fn every_file_begins_by_saying_what_it_does() {
    let files = ["src", "tests", "examples"].into_iter().flat_map(rust_files);
    let is_silent = |path: &PathBuf| !fs::read_to_string(path).unwrap().starts_with("//! ");
    let silent: Vec<String> = files.filter(is_silent).map(|path| path.display().to_string()).collect();
    assert_none(&silent, "files that do not open with `//!`");
}

#[test]
fn nothing_is_left_for_later() {
    let left = Regex::new(r"\b(TODO|FIXME|XXX)\b|\b(dbg|todo|unimplemented)!").unwrap();
    let mut findings = Vec::new();
    let is_other = |path: &PathBuf| *path != repository(file!());
    for path in ["src", "tests", "examples"].into_iter().flat_map(rust_files).filter(is_other) {
        let text = fs::read_to_string(&path).unwrap();
        let hits = text.lines().enumerate().filter(|(_, line)| left.is_match(line));
        findings.extend(hits.map(|(index, line)| format!("{}:{}: {}", path.display(), index + 1, line.trim())));
    }
    assert_none(&findings, "left for later");
}

#[test]
fn links_in_the_docs_lead_somewhere() {
    let link = Regex::new(r"\]\(([^)#:]+)(#[^)]*)?\)").unwrap();
    let is_page = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    let pages = files_below(&repository("docs")).into_iter().filter(is_page).chain([repository("README.md")]);
    let mut findings = Vec::new();
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let targets = link.captures_iter(&text).map(|found| found[1].to_owned());
        let lost = targets.filter(|target| !page.parent().unwrap().join(target).exists());
        findings.extend(lost.map(|target| format!("{}: {target}", page.display())));
    }
    assert_none(&findings, "links that lead nowhere");
}

#[test]
fn the_binary_is_nothing_but_a_door() {
    let main = fs::read_to_string(repository("src/main.rs")).unwrap();
    assert!(main.lines().count() <= 30, "src/main.rs has {} lines", main.lines().count());
}

#[test]
fn functions_are_short() {
    let lengths: Vec<(usize, String)> = sources().iter().flat_map(function_lengths).collect();
    let mut long: Vec<&(usize, String)> = lengths.iter().filter(|(lines, _)| *lines > LONG_LINES).collect();
    long.sort();
    let shown: Vec<String> = long.iter().map(|(lines, name)| format!("{lines} lines: {name}")).collect();
    assert!(lengths.len() > 100, "only {} functions were found", lengths.len());
    assert!(
        long.len() * 100 <= lengths.len() * LONG_PERCENT,
        "{} of {} functions have more than {LONG_LINES} lines:\n  {}",
        long.len(),
        lengths.len(),
        shown.join("\n  ")
    );
}

/// Returns the lines of each function: rustfmt closes it with a brace as deep as its `fn`.
fn function_lengths(source: &Source) -> Vec<(usize, String)> {
    let opens = Regex::new(r"^(\s*)(?:pub(?:\([a-z: ]+\))? )?(?:const |async |unsafe )*fn (\w+)").unwrap();
    let lines: Vec<&str> = source.text.lines().collect();
    let mut lengths = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(found) = opens.captures(line) else { continue };
        let (body_ends, signature_ends) = (format!("{}}}", &found[1]), format!("{})", &found[1]));
        let is_open = |line: &&&str| **line != body_ends && !(line.starts_with(&signature_ends) && line.ends_with(';'));
        let is_one_line = line.ends_with('}') || line.ends_with(';');
        let length = if is_one_line { 1 } else { lines[index..].iter().take_while(is_open).count() + 1 };
        lengths.push((length, format!("{} in {}", &found[2], source.path)));
    }
    lengths
}
