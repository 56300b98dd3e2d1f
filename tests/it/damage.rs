//! Extracts with bytes that were lost, changed or put in: the run publishes what is sound or says which file it cannot
//! read. It never breaks down, and never loses count of a row.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::project::{Project, Ran, is_night};

/// A sound file of each format.
fn sound_files(project: &Project) -> Vec<(&'static str, Vec<u8>)> {
    let line = |id: u32| format!("{id},2024-01-{:02},客户 {id},{}.50\n", id % 28 + 1, id * 7);
    let csv = format!("id,day,buyer,amount\n{}", (1..60).map(line).collect::<String>());
    let json =
        |id: u32| format!("{{\"id\": {id}, \"day\": \"2024-01-05\", \"buyer\": \"客户\", \"amount\": {id}.5}}\n");
    let (gb18030, _, _) = encoding_rs::GB18030.encode(&csv);
    vec![
        ("csv", csv.clone().into_bytes()),
        ("csv", gb18030.into_owned()),
        ("jsonl", (1..60).map(json).collect::<String>().into_bytes()),
        ("xlsx", workbook(project)),
        ("db", database(project)),
        ("parquet", parquet(project, &csv)),
    ]
}

#[test]
fn damaged_files_are_rejected_or_refused_and_never_break_the_run() {
    let project = Project::new();
    project.source(
        "sale",
        "key: [id]\ncolumns:\n  id: { type: int }\n  day: { type: date }\n  buyer: { type: string }\n  amount: { type: \"decimal(18,2)\" }\n",
    );
    let sound = sound_files(&project);
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let (mut ends, mut strange) = ([0, 0], Vec::new());
    for _ in 0..if is_night() { 400 } else { 12 } {
        for (extension, bytes) in &sound {
            let path = format!("sale/a.{extension}");
            let (how, damaged) = damage(bytes, &mut random);
            project.extract(&path, &damaged);
            let ran = project.tallyhouse(&["run", "--output", "json"]);
            match ran.code {
                0 => ends[0] += 1,
                1 if names(&ran, extension) => ends[1] += 1,
                code => strange.push(format!("{extension}, {how}: exit code {code}\n{}", ran.out)),
            }
            project.withdraw(&path);
        }
    }
    eprintln!("{} damaged files were read, {} refused", ends[0], ends[1]);
    assert!(strange.is_empty(), "{} are neither:\n{}", strange.len(), strange.join("\n"));
    assert!(ends[0] > 0 && ends[1] > 0);
}

/// Returns whether a refusal names the file.
fn names(ran: &Ran, extension: &str) -> bool {
    ran.json()["error"].as_str().unwrap().contains(&format!("a.{extension}"))
}

/// Cuts a file, changes or repeats some of its bytes, or puts others in.
fn damage(bytes: &[u8], random: &mut ChaCha8Rng) -> (String, Vec<u8>) {
    let mut damaged = bytes.to_vec();
    let at = random.random_range(0..bytes.len());
    let many = random.random_range(1..40);
    let mut noise = vec![0; many];
    random.fill_bytes(&mut noise);
    let how = match random.random_range(0..5) {
        0 => {
            damaged.truncate(at);
            "cut"
        }
        1 => {
            damaged[at] ^= 1 << random.random_range(0..8);
            "one bit"
        }
        2 => {
            let end = (at + many).min(bytes.len());
            damaged[at..end].copy_from_slice(&noise[..end - at]);
            "changed"
        }
        3 => {
            damaged.splice(at..at, noise);
            "put in"
        }
        _ => {
            let end = (at + many).min(bytes.len());
            damaged.splice(at..at, bytes[at..end].to_vec());
            "repeated"
        }
    };
    (format!("{how} at {at}, {many} bytes"), damaged)
}

fn workbook(project: &Project) -> Vec<u8> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write_row(0, 0, ["id", "day", "buyer", "amount"]).unwrap();
    for row in 1..60 {
        sheet
            .write_row(row, 0, [row.to_string(), "2024-01-05".to_owned(), "客户".to_owned(), format!("{row}.50")])
            .unwrap();
    }
    let path = project.path("sound.xlsx");
    workbook.save(&path).unwrap();
    std::fs::read(path).unwrap()
}

fn database(project: &Project) -> Vec<u8> {
    let path = project.path("sound.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    database.execute_batch("CREATE TABLE sale (id, day, buyer, amount)").unwrap();
    for id in 1..60 {
        database.execute("INSERT INTO sale VALUES (?1, '2024-01-05', '客户', ?2)", (id, f64::from(id) / 2.0)).unwrap();
    }
    drop(database);
    std::fs::read(path).unwrap()
}

/// Returns a table that the pipeline itself published from a text.
fn parquet(project: &Project, csv: &str) -> Vec<u8> {
    project.extract("sale/a.csv", csv);
    project.run();
    project.withdraw("sale/a.csv");
    let current = project.current();
    std::fs::read(current.data("staged.sale").join(&current.files("staged.sale")[0])).unwrap()
}
