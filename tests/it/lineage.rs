//! `lineage` and `diff --lineage`, through the binary.

use std::process::Command;

use serde_json::{Value, json};

use crate::project::Project;

/// ```text
///  staged.sale ─┬─► core.sale ─► mart.month
///  staged.kind ─┘ (codes)        ▲
///  staged.dealer ────────────────┘ (filter)
/// ```
fn shop() -> Project {
    let project = Project::new();
    project.source(
        "sale",
        "key: [id]\ncolumns:\n  id: { type: int, from: [编号, id] }\n  day: { type: date }\n  kind: { type: string, map: { table: kind, from: code, to: name } }\n  amount: { type: int, from: [\"金额\\\"元\\\"\"] }\n  month: { type: date, derive: \"date_trunc('month', day)\" }\nrules:\n  - { name: positive, expr: amount > 0 }\n",
    );
    project.source("kind", "key: [code]\ncolumns:\n  code: { type: string }\n  name: { type: string }\n");
    project.source("dealer", "key: [code]\ncolumns:\n  code: { type: string }\n  level: { type: int }\n");
    project.model("core.sale", "SELECT id, month, kind AS \"Art \"\"x\"\"\", amount FROM staged.sale");
    project.model(
        "mart.month",
        "SELECT month, CAST(sum(amount) AS BIGINT) AS amount FROM core.sale WHERE \"Art \"\"x\"\"\" IN (SELECT code FROM staged.dealer WHERE level > 1) GROUP BY month",
    );
    project
}

#[test]
fn the_whole_graph_is_listed_both_ways_and_by_selectors() {
    let project = shop();
    assert_eq!(
        project.tallyhouse(&["lineage"]).succeeds().out,
        "core.sale ← staged.sale\nmart.month ← core.sale, staged.dealer\nstaged.dealer\nstaged.kind\nstaged.sale ← staged.kind\n"
    );
    assert_eq!(
        project.tallyhouse(&["lineage", "--downstream", "--select", "staged.kind+2"]).succeeds().out,
        "core.sale\nstaged.kind → staged.sale\nstaged.sale → core.sale\n"
    );
    assert!(!project.path("warehouse").exists());
}

#[test]
fn a_table_and_a_column_are_trees() {
    let project = shop();
    assert_eq!(
        project.tallyhouse(&["lineage", "mart.month"]).succeeds().out,
        "mart.month\n├─ core.sale\n│  └─ staged.sale\n│     └─ staged.kind\n└─ staged.dealer\n"
    );
    assert_eq!(
        project.tallyhouse(&["lineage", "staged.kind", "--downstream", "--depth", "2"]).succeeds().out,
        "staged.kind\n└─ staged.sale\n   └─ core.sale\n"
    );
    assert_eq!(
        project.tallyhouse(&["lineage", "core.sale.Art \"x\""]).succeeds().out,
        "core.sale.Art \"x\"
├─ staged.sale.kind  copy [kind]
│  ├─ staged.kind.name  copy [name]
│  │  └─ rows of staged.kind
│  │     └─ staged.kind.code  group [code]
│  │        └─ rows of staged.kind …
│  ├─ staged.kind.code  join [code] …
│  └─ rows of staged.sale
│     ├─ staged.sale.amount  filter [金额\"元\"]
│     │  └─ rows of staged.sale …
│     └─ staged.sale.id  group [编号 | id]
│        └─ rows of staged.sale …
└─ rows of core.sale
   └─ rows of staged.sale …
"
    );
    assert_eq!(
        project.tallyhouse(&["lineage", "staged.sale.day", "--downstream"]).succeeds().out,
        "staged.sale.day [day]
└─ staged.sale.month  computed
   └─ core.sale.month  copy
      ├─ mart.month.month  copy
      └─ rows of mart.month
         ├─ mart.month.amount  filter
         └─ mart.month.month  filter
"
    );
}

#[test]
fn drawings_for_other_programs_hold_any_name() {
    let project = shop();
    let shown = |format: &str| {
        let arguments = ["lineage", "core.sale.Art \"x\"", "--downstream", "--depth", "1", "--output", format];
        project.tallyhouse(&arguments).succeeds()
    };
    assert_eq!(
        shown("mermaid").out,
        "flowchart LR\n  n0[\"core.sale.Art #quot;x#quot;\"]\n  n1[\"rows of mart.month\"]\n  n0 -->|filter| n1\n"
    );
    assert_eq!(
        shown("dot").out,
        "digraph lineage {\n  rankdir=LR;\n  node [shape=box];\n  n0 [label=\"core.sale.Art \\\"x\\\"\"];\n  n1 [label=\"rows of mart.month\"];\n  n0 -> n1 [label=\"filter\"];\n}\n"
    );
    let column = json!({ "table": "core.sale", "column": "Art \"x\"" });
    let rows = json!({ "table": "mart.month", "column": null });
    assert_eq!(
        shown("json").json(),
        json!({ "nodes": [column, rows], "edges": [{ "from": column, "to": rows, "uses": ["filter"] }] })
    );
    let whole = project.tallyhouse(&["lineage", "--output", "json", "--select", "core.sale", "mart"]).succeeds().json();
    assert_eq!(
        whole,
        json!({
            "nodes": [{ "table": "core.sale" }, { "table": "mart.month" }],
            "edges": [{ "from": { "table": "core.sale" }, "to": { "table": "mart.month" } }],
        })
    );
}

/// The shop with a view over a view between `core.sale` and `mart.top`.
fn with_views() -> Project {
    let project = shop();
    project.model(
        "core.great",
        "/* ---\nkind: view\n--- */\nSELECT id, month, amount * 2 AS \"Wert \"\"x\"\"\" FROM core.sale WHERE amount > 10",
    );
    project.model(
        "core.greatest",
        "/* ---\nkind: view\n--- */\nSELECT month, max(\"Wert \"\"x\"\"\") AS best FROM core.great GROUP BY month",
    );
    project.model(
        "mart.top",
        "SELECT g.month, g.best, m.amount FROM core.greatest AS g JOIN mart.month AS m ON m.month = g.month",
    );
    project
}

#[test]
fn views_stand_between_what_they_read_and_what_reads_them() {
    let project = with_views();
    let shown = |arguments: &[&str]| project.tallyhouse(&[&["lineage"], arguments].concat()).succeeds();
    assert_eq!(
        shown(&["--select", "core mart"]).out,
        "core.great (view) ← core.sale\ncore.greatest (view) ← core.great\ncore.sale\nmart.month ← core.sale\n\
         mart.top ← core.greatest, mart.month\n"
    );
    assert_eq!(
        shown(&["core.great", "--downstream"]).out,
        "core.great (view)\n└─ core.greatest (view)\n   └─ mart.top\n"
    );
    assert_eq!(
        shown(&["mart.top", "--depth", "3"]).out,
        "mart.top\n├─ core.greatest (view)\n│  └─ core.great (view)\n│     └─ core.sale\n└─ mart.month\n   ├─ core.sale …\n   └─ staged.dealer\n"
    );
    assert_eq!(
        shown(&["mart.top.best"]).out.lines().take(9).collect::<Vec<_>>(),
        [
            "mart.top.best",
            "├─ core.greatest.best  copy",
            "│  ├─ core.great.Wert \"x\"  computed",
            "│  │  ├─ core.sale.amount  computed",
            "│  │  │  ├─ staged.sale.amount  copy [金额\"元\"]",
            "│  │  │  │  └─ rows of staged.sale",
            "│  │  │  │     ├─ staged.sale.amount  filter [金额\"元\"] …",
            "│  │  │  │     └─ staged.sale.id  group [编号 | id]",
            "│  │  │  │        └─ rows of staged.sale …",
        ]
    );
    assert_eq!(
        shown(&["core.great.month", "--downstream"]).out,
        "core.great.month\n├─ core.greatest.month  copy\n│  ├─ mart.top.month  copy\n│  └─ rows of mart.top\n│     \
         ├─ mart.top.amount  filter\n│     ├─ mart.top.best  filter\n│     └─ mart.top.month  filter …\n\
         └─ rows of core.greatest\n   ├─ core.greatest.best  filter\n   │  └─ mart.top.best  copy …\n   ├─ \
         core.greatest.month  filter …\n   └─ rows of mart.top …\n"
            .replace("mart.top.month  filter …", "mart.top.month  filter")
            .replace("mart.top.best  copy …", "mart.top.best  copy")
    );
    let near = ["core.greatest", "--depth", "1", "--output"];
    assert_eq!(
        shown(&[&near[..], &["mermaid"]].concat()).out,
        "flowchart LR\n  n0([\"core.great\"])\n  n1([\"core.greatest\"])\n  n0 --> n1\n"
    );
    assert_eq!(
        shown(&[&near[..], &["dot"]].concat()).out,
        "digraph lineage {\n  rankdir=LR;\n  node [shape=box];\n  n0 [label=\"core.great\", style=rounded];\n  \
         n1 [label=\"core.greatest\", style=rounded];\n  n0 -> n1;\n}\n"
    );
    let great = json!({ "table": "core.great", "kind": "view" });
    let greatest = json!({ "table": "core.greatest", "kind": "view" });
    assert_eq!(
        shown(&[&near[..], &["json"]].concat()).json(),
        json!({
            "nodes": [great, greatest],
            "edges": [{ "from": { "table": "core.great" }, "to": { "table": "core.greatest" } }],
        })
    );
    let wrong = project.tallyhouse(&["lineage", "core.grat"]).ends(2).err;
    assert!(wrong.ends_with("hint: did you mean `core.great`?\n"), "{wrong}");
}

#[test]
fn a_name_that_is_none_is_an_error_with_a_hint() {
    let project = shop();
    let wrong = |arguments: &[&str]| project.tallyhouse(arguments).ends(2).err;
    assert_eq!(
        wrong(&["lineage", "mart.mont"]),
        "error: there is no table `mart.mont`\n  hint: did you mean `mart.month`?\n"
    );
    assert_eq!(
        wrong(&["lineage", "mart.month.amuont"]),
        "error: `mart.month` has no column `amuont`\n  hint: did you mean `amount`?\n"
    );
    assert_eq!(
        wrong(&["lineage", "mart.month.x"]),
        "error: `mart.month` has no column `x`\n  hint: it has month, amount\n"
    );
    assert_eq!(
        wrong(&["lineage", "--select", "mart.mnth"]),
        "error: no table fits `mart.mnth`\n  hint: did you mean `mart.month`?\n"
    );
}

fn git(project: &Project, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.current_dir(project.path("")).args([
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@b",
        "-c",
        "commit.gpgsign=false",
    ]);
    let ran = command.args(arguments).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

fn committed() -> Project {
    commit_all(shop())
}

fn commit_all(project: Project) -> Project {
    project.file(".gitignore", "tmp/\n");
    git(&project, &["init", "--quiet", "--initial-branch", "main"]);
    git(&project, &["add", "--all"]);
    git(&project, &["commit", "--quiet", "--message", "all"]);
    project
}

/// The changes of a report: table, column, kind, and the tables and columns that it reaches with their uses.
fn changes(value: &Value) -> Vec<String> {
    let name = |of: &Value| {
        let column = of["column"].as_str().map_or_else(|| "*".to_owned(), str::to_owned);
        format!("{}.{column}", of["table"].as_str().unwrap())
    };
    let uses =
        |of: &Value| of["uses"].as_array().unwrap().iter().filter_map(Value::as_str).collect::<Vec<_>>().join("+");
    let reach = |of: &Value| format!("{} {}", name(of), uses(of));
    let change = |of: &Value| {
        let reaches: Vec<String> = of["reaches"].as_array().unwrap().iter().map(reach).collect();
        format!("{} {}: {}", of["change"].as_str().unwrap(), name(of), reaches.join(", ")).trim_end().to_owned()
    };
    value["changes"].as_array().unwrap().iter().map(change).collect()
}

#[test]
fn a_change_is_followed_to_every_published_column_that_it_touches() {
    let project = committed();
    let nothing = project.tallyhouse(&["diff", "--lineage", "HEAD"]).succeeds().out;
    assert!(nothing.starts_with("no column is another one than at HEAD ("), "{nothing}");
    // Another text, the same meaning.
    project.model(
        "core.sale",
        "-- a word\nSELECT s.id, s.month, s.kind AS \"Art \"\"x\"\"\", amount\nFROM staged.sale AS s",
    );
    assert_eq!(project.tallyhouse(&["diff", "--lineage", "HEAD"]).succeeds().out, nothing);
    project.model("core.sale", "SELECT id, month, kind AS \"Art \"\"x\"\"\", CAST(amount * 2 AS INT) AS amount, CAST(id AS VARCHAR) AS text FROM staged.sale");
    let value = project.tallyhouse(&["diff", "--lineage", "main", "--output", "json"]).succeeds().json();
    assert_eq!(changes(&value), ["changed core.sale.amount: mart.month.amount computed", "added core.sale.text:"]);
    assert_eq!(
        value["published"],
        json!([
            { "table": "core.sale", "column": "amount" },
            { "table": "core.sale", "column": "text" },
            { "table": "mart.month", "column": "amount" },
        ])
    );
    let text = project.tallyhouse(&["diff", "--lineage", "main"]).succeeds().out;
    let (head, rest) = text.split_once('\n').unwrap();
    assert!(
        head.starts_with("compared with main (") && head.ends_with("): 2 columns changed, 3 published columns touched"),
        "{head}"
    );
    assert_eq!(rest, "\nchanged core.sale.amount\n  mart.month.amount  computed\n\nadded core.sale.text\n");
}

#[test]
fn a_changed_view_is_followed_to_what_is_published_and_is_not_published_itself() {
    let project = commit_all(with_views());
    project.model(
        "core.great",
        "/* ---\nkind: view\n--- */\nSELECT id, month, amount * 3 AS \"Wert \"\"x\"\"\" FROM core.sale WHERE amount > 10",
    );
    let compared = || project.tallyhouse(&["diff", "--lineage", "main", "--output", "json"]).succeeds().json();
    let value = compared();
    assert_eq!(
        changes(&value),
        [
            "changed core.great.Wert \"x\": mart.top.best computed",
            // What reads a view computes it.
            "changed core.greatest.best: mart.top.best copy",
            "changed mart.top.best:",
        ]
    );
    assert_eq!(value["published"], json!([{ "table": "mart.top", "column": "best" }]));
    // A view that becomes a table is published from now on, and means the same.
    project.model("core.great", "SELECT id, month, amount * 2 AS \"Wert \"\"x\"\"\" FROM core.sale WHERE amount > 10");
    let value = compared();
    let found = changes(&value);
    assert!(found.iter().all(|change| !change.starts_with("changed core.great.")), "{found:?}");
    // A view that comes changes nothing of what reads the same through it.
    project.model(
        "core.great",
        "/* ---\nkind: view\n--- */\nSELECT id, month, amount * 2 AS \"Wert \"\"x\"\"\" FROM core.some",
    );
    project.model("core.some", "/* ---\nkind: view\n--- */\nSELECT * FROM core.sale WHERE amount > 10");
    let value = compared();
    assert!(changes(&value).iter().all(|change| change.starts_with("added core.some.")), "{:?}", changes(&value));
    assert_eq!((changes(&value).len(), &value["published"]), (4, &json!([])));
}

#[test]
fn contracts_rows_removed_columns_and_new_tables_count_too() {
    let project = committed();
    project.source(
        "dealer",
        "key: [code]\ncolumns:\n  code: { type: string }\n  level: { type: bigint, title: { en: Level } }\nrules:\n  - { name: known, expr: \"code <> ''\" }\n",
    );
    project.model("core.sale", "SELECT id, month, kind AS \"Art \"\"x\"\"\", amount FROM staged.sale WHERE id > 0");
    project.model("mart.day", "SELECT count(*) AS row_count FROM core.sale");
    project.model(
        "mart.month",
        "SELECT CAST(sum(amount) AS BIGINT) AS amount FROM core.sale WHERE \"Art \"\"x\"\"\" IN (SELECT code FROM staged.dealer WHERE level > 1) GROUP BY month",
    );
    let value = project.tallyhouse(&["diff", "--lineage", "HEAD", "--output", "json"]).succeeds().json();
    let found = changes(&value);
    let starts: Vec<&str> = found.iter().filter_map(|line| line.split_once(':')).map(|(start, _)| start).collect();
    assert_eq!(
        starts,
        [
            "changed core.sale.Art \"x\"",
            "changed core.sale.amount",
            "changed core.sale.id",
            "changed core.sale.month",
            "added mart.day.row_count",
            // A number is compared with a wider one.
            "changed mart.month.amount",
            "removed mart.month.month",
            "changed staged.dealer.*",
            "retyped staged.dealer.level",
        ]
    );
    assert_eq!(found[8], "retyped staged.dealer.level: mart.month.* filter, mart.month.amount filter");
    assert_eq!(found[3], "changed core.sale.month: mart.month.* group, mart.month.amount group");
}

#[test]
fn what_cannot_be_compared_is_said_so() {
    let mut project = committed();
    let ran = project.tallyhouse(&["diff", "--lineage", "nowhere"]).ends(2);
    assert_eq!(
        ran.err,
        "error: git knows no revision `nowhere`\n  hint: name a commit, a branch or a tag, such as `main` or `HEAD~1`\n"
    );
    assert!(
        project
            .tallyhouse(&["diff", "--lineage=--all"])
            .ends(2)
            .err
            .starts_with("error: git knows no revision `--all`")
    );
    git(&project, &["mv", "sql/core/sale.sql", "sql/core/old.sql"]);
    git(&project, &["commit", "--quiet", "--message", "moved"]);
    git(&project, &["mv", "sql/core/old.sql", "sql/core/sale.sql"]);
    let ran = project.tallyhouse(&["diff", "--lineage", "HEAD"]).ends(2);
    assert!(
        ran.err.starts_with("error: the definitions at `HEAD` are wrong: unknown table `core.sale`"),
        "{}",
        ran.err
    );
    std::fs::remove_dir_all(project.path(".git")).unwrap();
    let above = project.path("").canonicalize().unwrap().parent().unwrap().display().to_string();
    project.set("GIT_CEILING_DIRECTORIES", above);
    let ran = project.tallyhouse(&["diff", "--lineage", "HEAD"]).ends(2);
    assert_eq!(
        ran.err,
        "error: `pipelines/nightly.yaml` lies in no git checkout\n  hint: `diff --lineage` compares with a revision of the project's git repository\n"
    );
}

const ENTITY: &str = "\
name: customer
id: { column: customer_id, prefix: C }
records:
  - source: account
    key: [id]
    columns: { name: name, phone: phone }
  - source: sale
    key: [id]
    columns: { name: kind }
attributes:
  name: { prepare: company }
rules:
  - { name: same_name, equal: [name] }
overrides: customer.overrides.csv
";

/// A shop whose buyers are identified, in a git checkout.
fn identified() -> Project {
    let project = shop();
    let pipeline = std::fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap();
    project.file("pipelines/nightly.yaml", format!("{pipeline}entities: entities/*.yaml\n"));
    project.file("pipelines/entities/customer.yaml", ENTITY);
    project.source(
        "account",
        "key: [id]\ncolumns:\n  id: { type: int }\n  name: { type: string }\n  phone: { type: string }\n",
    );
    project.file("sql/core/size.csv", "code,name\n1,small\n");
    project.model("core.customer", "SELECT customer_id, phone FROM core.customer_identity");
    project.model("core.buyer", "SELECT id, customer_id FROM staged.sale");
    project.model("mart.size", "SELECT code, name FROM core.size");
    commit_all(project)
}

/// The published columns that a change of the working tree touches.
fn touched(project: &Project) -> Vec<String> {
    let value = project.tallyhouse(&["diff", "--lineage", "HEAD", "--output", "json"]).succeeds().json();
    let name = |of: &Value| format!("{}.{}", of["table"].as_str().unwrap(), of["column"].as_str().unwrap());
    value["published"].as_array().unwrap().iter().map(name).collect()
}

#[test]
fn an_entity_touches_what_reads_its_ids_and_its_tables() {
    let project = identified();
    let of_models = |project: &Project| -> Vec<String> {
        touched(project).into_iter().filter(|column| !column.starts_with("core.customer_")).collect()
    };
    assert!(touched(&project).is_empty());
    project.file("pipelines/entities/customer.yaml", format!("# a word\n{ENTITY}"));
    assert!(touched(&project).is_empty(), "a comment decides no id");
    let all = ["core.buyer.customer_id", "core.customer.customer_id", "core.customer.phone"];
    project.file("pipelines/entities/customer.yaml", format!("{ENTITY}review_from: 0.4\n"));
    assert_eq!(of_models(&project), all, "a pair that people would review speaks for holding a cluster together");
    project.file("pipelines/entities/customer.yaml", ENTITY.replace("equal: [name]", "equal: [name.key]"));
    assert_eq!(of_models(&project), all);
    assert!(touched(&project).contains(&"core.customer_xref.rule".to_owned()));
    // Which telephone number wins is nobody's id.
    project.file("pipelines/entities/customer.yaml", format!("{ENTITY}survivorship: {{ phone: longest }}\n"));
    assert_eq!(touched(&project), ["core.customer.phone"]);
    project.file("pipelines/entities/customer.yaml", ENTITY);
    project.file(
        "pipelines/entities/customer.overrides.csv",
        "left_source,left_key,right_source,right_key,verdict,reason\naccount,1,sale,1,same,they said so\n",
    );
    assert_eq!(of_models(&project), all);
    let project = commit_all(project);
    assert!(touched(&project).is_empty());
}

#[test]
fn the_rows_of_a_seed_are_those_of_the_revision() {
    let project = identified();
    project.file("sql/core/size.csv", "code,name\n1,tiny\n");
    assert_eq!(touched(&project), ["core.size.code", "core.size.name", "mart.size.code", "mart.size.name"]);
}
