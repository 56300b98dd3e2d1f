//! `check --watch`: an answer after every save, for as long as somebody listens.

use std::{
    fs,
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStdout, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::project::Project;

const PATIENCE: Duration = Duration::from_mins(1);

/// A watching command, stopped at the end of the test.
struct Watched {
    child: Child,
    answers: Receiver<Value>,
}

impl Watched {
    fn start(project: &Project) -> Self {
        let mut command = project.command(&["check", "--watch", "--output", "json"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines: Lines<BufReader<ChildStdout>> = BufReader::new(child.stdout.take().unwrap()).lines();
        let (told, answers) = mpsc::channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = told.send(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, answers }
    }

    fn answer(&self) -> Value {
        self.answers.recv_timeout(PATIENCE).unwrap()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_save_is_answered_mistakes_and_mended_ones_alike() {
    let project = Project::new();
    project.source("sale", "columns: { id: { type: int } }\n");
    project.model("core.sale", "SELECT id FROM staged.sale");
    let watched = Watched::start(&project);
    assert_eq!(watched.answer()["models"], 1);
    project.model("core.sale", "SELECT idd FROM staged.sale");
    let broken = watched.answer();
    assert_eq!(broken["exit_code"], 2);
    assert_eq!(broken["findings"][0]["hint"], "did you mean `id`?", "{broken}");
    project.model("core.sale", "SELECT id FROM staged.sale");
    assert_eq!(watched.answer()["exit_code"], 0);
    project.model("core.more", "SELECT id FROM core.sale");
    assert_eq!(watched.answer()["models"], 2);
    fs::remove_file(project.path("sql/core/more.sql")).unwrap();
    assert_eq!(watched.answer()["models"], 1);
}

#[test]
fn a_saved_entity_is_answered_too() {
    const ENTITY: &str = "\
name: customer
id: { column: customer_id, prefix: C }
records: [{ source: sale, key: [id], columns: { name: name } }]
attributes: { name: { prepare: company } }
rules: [{ name: same_name, equal: [name] }]
";
    let project = Project::new();
    let pipeline = fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap();
    project.file("pipelines/nightly.yaml", format!("{pipeline}entities: entities/*.yaml\n"));
    project.file("pipelines/entities/customer.yaml", ENTITY);
    project.source("sale", "columns: { id: { type: int }, name: { type: string } }\n");
    project.model("core.sale", "SELECT id, customer_id FROM staged.sale");
    let watched = Watched::start(&project);
    let first = watched.answer();
    assert_eq!(first["exit_code"], 0, "{first}");
    project.file("pipelines/entities/customer.yaml", ENTITY.replace("customer_id", "client_id"));
    let broken = watched.answer();
    assert_eq!(broken["exit_code"], 2, "{broken}");
    project.file("pipelines/entities/customer.yaml", ENTITY);
    assert_eq!(watched.answer()["exit_code"], 0);
}
