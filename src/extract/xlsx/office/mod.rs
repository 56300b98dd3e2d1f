//! .xlsx and .xlsm: our own reader, which streams a sheet's rows straight into text.
//!
//! In: a zip archive. Out: its worksheets. Formulas count by the values that were saved with them. What a workbook may
//! leave out (places of cells, styles, shared strings) is filled in as Excel does. Deliberately reads no charts, macros,
//! comments and hidden marks of rows.

mod parts;
mod sheet;

use std::{collections::HashMap, sync::Arc};

use self::parts::{Strings, Styles};
use super::{
    elements,
    grid::{Book, Label, Rows},
    markup::{Event, Scanner, attribute},
};
use crate::{
    extract::{
        Error, Limits,
        unpack::{Budget, Container, zip::Archive},
    },
    storage::content::Content,
};

/// The most bytes of a part that is read as a whole: the list of sheets, styles, relations.
const MOST_PART_BYTES: u64 = 256 << 20;

/// An opened workbook.
pub(super) struct Workbook {
    path: Arc<str>,
    archive: Archive,
    container: Container,
    budget: Budget,
    limits: Limits,
    labels: Vec<Label>,
    /// Names of the sheets' members.
    targets: Vec<String>,
    is_1904: bool,
    strings: Option<Arc<Strings>>,
    styles: Arc<Styles>,
    strings_target: Option<String>,
}

/// Where a document's parts lie: their kind and their member, by the name that other parts call them by.
type Relations = HashMap<String, (String, String)>;

impl Workbook {
    /// Reads the list of sheets.
    pub(super) fn open(path: &Arc<str>, content: &Content, archive: Archive, limits: &Limits) -> Result<Self, Error> {
        let mut book = Self {
            path: Arc::clone(path),
            archive,
            container: Container::new(content.len()),
            budget: Budget::new(limits),
            limits: *limits,
            labels: Vec::new(),
            targets: Vec::new(),
            is_1904: false,
            strings: None,
            styles: Arc::default(),
            strings_target: None,
        };
        let roots = book.relations("")?;
        let root = roots.into_values().find(|(kind, _)| kind == "officeDocument").map(|(_, target)| target);
        let root = root.unwrap_or_else(|| "xl/workbook.xml".to_owned());
        let Some(text) = book.text(&root)? else {
            return Err(Error::unreadable(path, "it is a zip archive with no workbook in it", "ask for it again"));
        };
        let relations = book.relations(&root)?;
        book.list(&text, &relations)?;
        let of_kind =
            |wanted: &str| relations.values().find(|(kind, _)| kind == wanted).map(|(_, target)| target.clone());
        book.strings_target = of_kind("sharedStrings");
        if let Some(text) = of_kind("styles").map(|target| book.text(&target)).transpose()?.flatten() {
            book.styles = Arc::new(Styles::read(&text));
        }
        Ok(book)
    }

    /// Reads the names of sheets and the epoch.
    fn list(&mut self, text: &str, relations: &Relations) -> Result<(), Error> {
        let mut is_workbook = false;
        for event in Scanner::new(text) {
            let Event::Open { name, attributes, .. } = event else { continue };
            match name {
                "workbook" => is_workbook = true,
                // Extensions have elements of this name, too, which say nothing about the epoch.
                "workbookPr" => {
                    if let Some(value) = attribute(attributes, "date1904") {
                        self.is_1904 = matches!(value.as_ref(), "1" | "true" | "on");
                    }
                }
                "sheet" => {
                    let sheet = attribute(attributes, "id").and_then(|id| relations.get(id.as_ref()));
                    let Some((kind, target)) = sheet.filter(|(kind, _)| kind == "worksheet") else { continue };
                    debug_assert_eq!(kind, "worksheet");
                    self.targets.push(target.clone());
                    self.labels.push(Label {
                        name: attribute(attributes, "name").unwrap_or_default().into_owned(),
                        is_visible: attribute(attributes, "state").is_none_or(|state| state == "visible"),
                    });
                }
                _ => {}
            }
        }
        if is_workbook {
            Ok(())
        } else {
            Err(Error::unreadable(&self.path, "it is no workbook but another document", "ask for a workbook"))
        }
    }

    /// Reads the relations of a part: its parts by their names in it.
    fn relations(&mut self, part: &str) -> Result<Relations, Error> {
        let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
        let slash = if folder.is_empty() { "" } else { "/" };
        let Some(text) = self.text(&format!("{folder}{slash}_rels/{name}.rels"))? else { return Ok(Relations::new()) };
        let relation = |event| {
            let Event::Open { name: "Relationship", attributes, .. } = event else { return None };
            let kind = attribute(attributes, "Type")?;
            let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
            let target = resolve(folder, &attribute(attributes, "Target")?);
            Some((attribute(attributes, "Id")?.into_owned(), (kind, target)))
        };
        Ok(Scanner::new(&text).filter_map(relation).collect())
    }

    /// Reads a part that is small; None where the workbook has none of this name.
    fn text(&mut self, name: &str) -> Result<Option<String>, Error> {
        let Some(content) = self.part(name)? else { return Ok(None) };
        if content.len() > MOST_PART_BYTES {
            let reason = format!("its part `{name}` is larger than {MOST_PART_BYTES} bytes");
            return Err(Error::unreadable(&self.path, reason, "open it in Excel and save it again"));
        }
        let bytes = content.bytes().map_err(|error| crate::extract::disk(&self.path, &error))?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn part(&mut self, name: &str) -> Result<Option<Content>, Error> {
        let Some(index) = self.archive.find(name) else { return Ok(None) };
        let content = self.archive.read(&self.path, index, &mut self.container, &mut self.budget)?;
        elements::as_utf8(content).map(Some).map_err(|error| crate::extract::disk(&self.path, &error))
    }

    fn strings(&mut self) -> Result<Arc<Strings>, Error> {
        if let Some(strings) = &self.strings {
            return Ok(Arc::clone(strings));
        }
        let target = self.strings_target.clone().unwrap_or_else(|| "xl/sharedStrings.xml".to_owned());
        let strings = match self.part(&target)? {
            Some(content) => Strings::read(&self.path, &content)?,
            None => Strings::default(),
        };
        Ok(Arc::clone(self.strings.insert(Arc::new(strings))))
    }
}

impl Book for Workbook {
    fn labels(&self) -> &[Label] {
        &self.labels
    }

    fn open(&mut self, index: usize) -> Result<Box<dyn Rows>, Error> {
        let target = self.targets[index].clone();
        let Some(content) = self.part(&target)? else {
            let reason = format!("not a whole workbook: `{target}` is missing");
            return Err(Error::unreadable(
                &self.path,
                reason,
                "open it in Excel and save it again, or ask for it again",
            ));
        };
        let around = sheet::Around {
            path: Arc::clone(&self.path),
            strings: self.strings()?,
            styles: Arc::clone(&self.styles),
            is_1904: self.is_1904,
            most_rows: self.limits.most_sheet_rows,
        };
        sheet::open(&content, around)
    }
}

/// Returns a relation's target as a member's name.
pub(super) fn resolve(folder: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => _ = steps.pop(),
            other => steps.push(other),
        }
    }
    steps.join("/")
}
