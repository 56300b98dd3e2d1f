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

fn written(records: &Records, found: &Identified, head: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    write(records, found, head.to_vec(), &mut |piece| pieces.push(piece)).unwrap();
    pieces
}

#[test]
fn what_was_written_comes_back() {
    let records = records();
    let found = found(&records);
    let pieces = written(&records, &found, b"seal");
    assert!(pieces.len() > 3, "pieces and chunks are small in tests: {}", pieces.len());
    assert!(pieces.iter().all(|piece| piece.starts_with(b"seal")));
    assert_eq!(read(&toy::entity(), &mut pieces.into_iter(), 4), Some((records, found)));
}

#[test]
fn no_records_are_remembered_too() {
    let records = RecordsBuilder::new(4).finish().unwrap();
    let found = found(&records);
    let pieces = written(&records, &found, b"");
    assert_eq!(read(&toy::entity(), &mut pieces.into_iter(), 0), Some((records, found)));
}

#[test]
fn pieces_that_are_cut_off_or_missing_or_of_another_definition_are_nothing() {
    let records = records();
    let whole = written(&records, &found(&records), b"");
    for cut in 0..whole.len() {
        // Behind the row stands only the mark of the stream's end.
        for length in (0..whole[cut].len() - 8).step_by(397) {
            let mut pieces = whole.clone();
            pieces[cut].truncate(length);
            assert_eq!(read(&toy::entity(), &mut pieces.into_iter(), 0), None, "{length} bytes of piece {cut}");
        }
        let mut pieces = whole.clone();
        pieces.remove(cut);
        assert_eq!(read(&toy::entity(), &mut pieces.into_iter(), 0), None, "without piece {cut}");
    }
    assert_eq!(read(&toy::entity(), &mut whole.clone().into_iter(), 1 << 20), None);
    let mut other = toy::entity();
    other.attributes.pop();
    assert_eq!(read(&other, &mut whole.clone().into_iter(), 0), None);
    let mut other = toy::entity();
    other.blocks.clear();
    assert_eq!(read(&other, &mut whole.into_iter(), 0), None);
}
