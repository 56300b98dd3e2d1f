//! Columns over all files: which headers are one column.
//!
//! Headers are one column when they have the same name, when they have the same English name, or, in files of another
//! language, when they stand between the same neighbours and hold the same kind of values.

use std::collections::{BTreeMap, HashSet};

use super::{guess, names, profile::Profile, sample::Sampled};

/// A column of the draft.
#[derive(Debug)]
pub(super) struct Column {
    pub name: String,
    /// Names in headers, each with the scale of its numbers, in order of first sight.
    pub headers: Vec<(String, i64)>,
    pub profile: Profile,
    /// Its place in each part that has it.
    pub places: BTreeMap<usize, usize>,
    /// Headers that were joined because of where they stand.
    pub by_position: Vec<String>,
    /// The unit in a header's parentheses, unless the scale says it.
    pub unit: Option<String>,
}

/// All columns, and headers for which no contract can ask.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub all: Vec<Column>,
    pub unnamed: Vec<String>,
}

impl Columns {
    /// Joins the headers of all parts, those of the most rows first.
    pub fn of(parts: &[Sampled]) -> Self {
        let mut groups: BTreeMap<&[String], (u64, Vec<usize>)> = BTreeMap::new();
        for (index, part) in parts.iter().enumerate() {
            let group = groups.entry(part.shape.header.as_slice()).or_default();
            group.0 += part.rows;
            group.1.push(index);
        }
        let mut groups: Vec<(&[String], u64, Vec<usize>)> =
            groups.into_iter().map(|(header, (rows, members))| (header, rows, members)).collect();
        groups.sort_by_key(|(_, rows, members)| (std::cmp::Reverse(*rows), members.first().copied()));
        let mut columns = Self::default();
        for (header, _, members) in groups {
            columns.join(header, &members, parts);
        }
        columns
    }

    fn join(&mut self, header: &[String], members: &[usize], parts: &[Sampled]) {
        let profiles: Vec<Profile> = (0..header.len()).map(|place| profile(place, header, members, parts)).collect();
        let mut seen = HashSet::new();
        let is_new: Vec<bool> = header.iter().map(|name| seen.insert(names::folded(name))).collect();
        let usable = |place: usize| is_new[place] && !names::folded(&header[place]).is_empty();
        let mut matched: Vec<Option<usize>> = vec![None; header.len()];
        for place in (0..header.len()).filter(|place| usable(*place)) {
            matched[place] = self.find(&header[place]).filter(|found| !matched.contains(&Some(*found)));
        }
        let joined = self.by_neighbours(header, &profiles, &matched, &usable);
        for place in 0..header.len() {
            if !usable(place) {
                self.unnamed.push(format!("{} ({})", header[place], place + 1));
                continue;
            }
            let known = matched[place].or(joined[place]);
            let index = known.unwrap_or_else(|| self.add(&header[place], place));
            let column = &mut self.all[index];
            let (_, unit) = names::without_unit(&header[place]);
            let scale = unit.as_deref().map_or(1, names::scale_of);
            let folded = names::folded(&header[place]);
            if !column.headers.iter().any(|(known, _)| names::folded(known) == folded) {
                column.headers.push((header[place].trim().to_owned(), scale));
            }
            if scale == 1 {
                column.unit = column.unit.take().or(unit);
            }
            if matched[place].is_none() && joined[place].is_some() {
                column.by_position.push(header[place].trim().to_owned());
            }
            column.profile.merge(&profiles[place]);
            column.places.extend(members.iter().map(|member| (*member, place)));
        }
    }

    /// Finds the column of a header by its name.
    fn find(&self, header: &str) -> Option<usize> {
        let folded = names::folded(header);
        let same = |column: &Column| column.headers.iter().any(|(known, _)| names::folded(known) == folded);
        self.all.iter().position(same).or_else(|| {
            let name = names::name_of(header)?;
            self.all.iter().position(|column| column.name == name)
        })
    }

    /// Joins headers of another language that stand between the same neighbours.
    fn by_neighbours(
        &self,
        header: &[String],
        profiles: &[Profile],
        matched: &[Option<usize>],
        usable: &dyn Fn(usize) -> bool,
    ) -> Vec<Option<usize>> {
        let mut joined = vec![None; header.len()];
        let mut place = 0;
        while place < header.len() {
            if matched[place].is_some() {
                place += 1;
                continue;
            }
            let end = (place..header.len()).find(|next| matched[*next].is_some()).unwrap_or(header.len());
            let after = place.checked_sub(1).and_then(|left| matched[left]).map_or(0, |left| left + 1);
            let before = matched.get(end).copied().flatten().unwrap_or(self.all.len());
            let free: Vec<usize> = (after..before).filter(|column| !matched.contains(&Some(*column))).collect();
            if free.len() == end - place {
                for (place, column) in (place..end).zip(free) {
                    let is_twin = usable(place) && self.is_twin(column, &header[place], &profiles[place]);
                    joined[place] = is_twin.then_some(column);
                }
            }
            place = end;
        }
        joined
    }

    /// Returns whether a column is in another script and holds the same kind of values.
    fn is_twin(&self, column: usize, header: &str, profile: &Profile) -> bool {
        let known = &self.all[column];
        let other_script = known.headers.iter().all(|(name, _)| name.is_ascii() != header.is_ascii());
        let kind = |profile: &Profile| {
            let guess = guess::guess("", &[], profile);
            match guess.data_type.as_str() {
                "int" | "bigint" | "double" => "number".to_owned(),
                number if number.starts_with("decimal") => "number".to_owned(),
                "timestamp" => "date".to_owned(),
                other => other.to_owned(),
            }
        };
        other_script && (profile.values == 0 || known.profile.values == 0 || kind(&known.profile) == kind(profile))
    }

    fn add(&mut self, header: &str, place: usize) -> usize {
        let base = names::name_of(header).unwrap_or_else(|| format!("column_{}", place + 1));
        let name = self.free_name(&base);
        self.all.push(Column {
            name,
            headers: Vec::new(),
            profile: Profile::default(),
            places: BTreeMap::new(),
            by_position: Vec::new(),
            unit: None,
        });
        self.all.len() - 1
    }

    /// Returns a name that no column has yet.
    pub fn free_name(&self, base: &str) -> String {
        let numbered = |number: usize| if number == 1 { base.to_owned() } else { format!("{base}_{number}") };
        let is_free = |name: &String| self.all.iter().all(|column| column.name != *name);
        // One name more than are taken, so that one of them is free.
        (1..=self.all.len() + 1).map(numbered).find(is_free).unwrap_or_default()
    }
}

/// Adds up the counts of a place over parts with one header, in the column's unit.
fn profile(place: usize, header: &[String], members: &[usize], parts: &[Sampled]) -> Profile {
    let mut profile = Profile::default();
    for member in members {
        profile.merge(&parts[*member].profiles[place]);
    }
    let scale = names::without_unit(&header[place]).1.as_deref().map_or(1, names::scale_of);
    let zeros = usize::try_from(scale.ilog10()).unwrap_or_default();
    let shifted = |sizes: &BTreeMap<usize, u64>, shift: &dyn Fn(usize) -> usize| {
        let mut all: BTreeMap<usize, u64> = BTreeMap::new();
        for (size, count) in sizes {
            *all.entry(shift(*size)).or_default() += count;
        }
        all
    };
    for figures in [&mut profile.figures, &mut profile.comma_figures] {
        figures.decimals = shifted(&figures.decimals, &|size| size.saturating_sub(zeros));
        figures.whole_digits = shifted(&figures.whole_digits, &|size| size + zeros);
    }
    profile
}
