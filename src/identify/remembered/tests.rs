//! What was written comes back as it was; what is cut off, or of another definition, comes back as nothing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::{read, write};
use crate::identify::{
    cluster::{Cut, links::Verdict},
    records::{Records, RecordsBuilder, Row},
    toy::{self, Toy},
    whole::{Identified, Terms, learn, link},
};

fn records() -> Records {
    let mut builder = RecordsBuilder::new(4);
    for number in 0..40_u16 {
        let (key, name) = (format!("k'{number}\"/"), format!("徐州重工{}", number % 7));
        let values = [Some(name.as_str()), None, Some("T1").filter(|_| number % 3 == 0), Some("江苏")];
        let (date, belongs_to) = ((number % 5 > 0).then(|| i32::from(number) - 20), (number % 9 == 0).then_some("x"));
        builder.push(&Row { source: number % 2, key: &key, date, belongs_to, values: &values });
    }
    builder.finish().unwrap()
}

fn found(records: &Records) -> Identified {
    let entity = toy::entity();
    let toy = Toy::new(&entity, records);
    let model = learn(&entity, records, &toy, 1);
    let verdicts = [Verdict { left: 0, right: 7, is_same: false, line: 3 }];
    let mut found = link(Terms { entity: &entity, verdicts: &verdicts, threads: 1 }, records, &toy, &model).unwrap();
    found.clusters.cut = vec![(1, 2, Cut::Veto(4)), (1, 3, Cut::Cohesion), (2, 9, Cut::Verdict)];
    Identified { compared: 0, ..found }
}

#[test]
fn what_was_written_comes_back() {
    let records = records();
    let found = found(&records);
    let bytes = write(&records, &found, b"seal".to_vec()).unwrap();
    assert_eq!(&bytes[..4], b"seal");
    assert_eq!(read(&toy::entity(), bytes, 4), Some((records, found)));
}

#[test]
fn no_records_are_remembered_too() {
    let records = RecordsBuilder::new(4).finish().unwrap();
    let found = found(&records);
    let bytes = write(&records, &found, Vec::new()).unwrap();
    assert_eq!(read(&toy::entity(), bytes, 0), Some((records, found)));
}

#[test]
fn bytes_that_are_cut_off_or_of_another_definition_are_nothing() {
    let records = records();
    let whole = write(&records, &found(&records), Vec::new()).unwrap();
    // Behind the row stands only the mark of the stream's end.
    for length in (0..whole.len() - 8).step_by(97) {
        assert_eq!(read(&toy::entity(), whole[..length].to_vec(), 0), None, "{length} bytes");
    }
    assert_eq!(read(&toy::entity(), whole.clone(), whole.len() + 1), None);
    let mut other = toy::entity();
    other.attributes.pop();
    assert_eq!(read(&other, whole.clone(), 0), None);
    let mut other = toy::entity();
    other.blocks.clear();
    assert_eq!(read(&other, whole, 0), None);
}
