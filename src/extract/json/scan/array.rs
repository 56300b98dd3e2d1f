//! The records of an array, which may lie within objects.
//!
//! In: a scanner before or in such an array. Out: its elements. What stands where an element should, or is none, is a
//! faulty record; an array without its end is one more. Deliberately passes over everything beside the array.

use super::{Layout, Place, Record, Scanner, Wrong};
use crate::{
    extract::{Error, json::value::Framed},
    record::RawFault,
};

impl Scanner {
    pub(super) fn next_element(&mut self, is_held: bool) -> Result<Option<Record>, Error> {
        loop {
            match self.place {
                Place::Done => return Ok(None),
                Place::Outside | Place::Behind if is_held => return Ok(None),
                Place::Behind => self.leave()?,
                Place::Outside => {
                    if let Some(record) = self.enter()? {
                        return Ok(Some(record));
                    }
                }
                Place::Within { comma, first } => {
                    if let Some(record) = self.element(comma, first)? {
                        return Ok(Some(record));
                    }
                }
            }
        }
    }

    /// Goes into the next array; text that is none is a faulty record.
    fn enter(&mut self) -> Result<Option<Record>, Error> {
        self.skip_blanks(&[])?;
        let names = match &self.layout {
            Layout::Array(names) => names.clone(),
            _ => Vec::new(),
        };
        match (self.sign()?, names.is_empty()) {
            (None, _) => self.place = Place::Done,
            (Some(b'['), true) => self.begin_array(),
            (Some(b'{'), false) => {
                if !self.walk_to(&names)? {
                    return Ok(None);
                }
                if self.sign()? == Some(b'[') {
                    self.begin_array();
                } else {
                    self.found_array = true;
                    let end = self.whole_value()?;
                    self.place = Place::Behind;
                    return Ok(Some(self.record(end, None)));
                }
            }
            _ => {
                let end = self.line_end()?;
                return Ok(Some(self.record(end, Some(Wrong::Syntax))));
            }
        }
        Ok(None)
    }

    fn begin_array(&mut self) {
        self.found_array = true;
        self.pass_to(self.window.at() + 1);
        self.place = Place::Within { comma: false, first: true };
    }

    fn element(&mut self, comma: bool, first: bool) -> Result<Option<Record>, Error> {
        self.skip_blanks(&[])?;
        let at = self.window.at();
        match self.sign()? {
            None => {
                self.place = Place::Done;
                let line = self.tally.pass_missing();
                let fault = Some(Wrong::Raw(RawFault::Truncated));
                return Ok(Some(Record { start: at, end: at, line, fault }));
            }
            Some(b',') if comma || first => {
                self.place = Place::Within { comma: true, first: false };
                return Ok(Some(self.record(at + 1, Some(Wrong::Syntax))));
            }
            Some(b',') => {
                self.pass_to(at + 1);
                self.place = Place::Within { comma: true, first: false };
            }
            Some(b']') if comma => {
                // Nothing stands between the comma and the bracket: an element is missing.
                self.place = Place::Within { comma: false, first: false };
                let line = self.tally.pass_record("");
                return Ok(Some(Record { start: at, end: at, line, fault: Some(Wrong::Syntax) }));
            }
            Some(b']') => {
                self.pass_to(at + 1);
                self.place = Place::Behind;
            }
            Some(_) => {
                let framed = self.frame()?;
                self.place = Place::Within { comma: false, first: false };
                return match framed {
                    Framed::At(end) if end > at => Ok(Some(self.record(end, None))),
                    Framed::At(broken) | Framed::Broken(broken) => match self.next_at_indent(at)? {
                        Some(end) => Ok(Some(self.record(end, Some(Wrong::Syntax)))),
                        None => Err(self.broken(broken)),
                    },
                    Framed::Open => {
                        if let Some(end) = self.next_at_indent(at)? {
                            return Ok(Some(self.record(end, Some(Wrong::Syntax))));
                        }
                        self.place = Place::Done;
                        let end = self.window.text().trim_end().len().max(at);
                        Ok(Some(self.record(end, Some(Wrong::Raw(RawFault::Truncated)))))
                    }
                };
            }
        }
        Ok(None)
    }

    /// Goes out of the objects around an array.
    fn leave(&mut self) -> Result<(), Error> {
        let depth = match &self.layout {
            Layout::Array(names) => names.len(),
            _ => 0,
        };
        self.place = Place::Outside;
        let mut open = depth;
        while open > 0 {
            self.skip_blanks(b",:")?;
            match self.sign()? {
                None => return Ok(()),
                Some(b'}') => {
                    self.pass_to(self.window.at() + 1);
                    open -= 1;
                }
                Some(_) => self.skip_value()?,
            }
        }
        Ok(())
    }

    /// Walks into objects to the value under these names; false when it is not there, and then behind the object.
    fn walk_to(&mut self, names: &[String]) -> Result<bool, Error> {
        let mut depth = 0;
        self.pass_to(self.window.at() + 1);
        loop {
            self.skip_blanks(b",")?;
            match self.sign()? {
                None => return Ok(false),
                Some(b'}') => {
                    self.pass_to(self.window.at() + 1);
                    if depth == 0 {
                        return Ok(false);
                    }
                    depth -= 1;
                }
                Some(b'"') => {
                    let name = self.name()?;
                    let sign = self.sign()?;
                    if name != names[depth] {
                        self.skip_value()?;
                    } else if depth + 1 == names.len() {
                        return Ok(true);
                    } else if sign == Some(b'{') {
                        self.pass_to(self.window.at() + 1);
                        depth += 1;
                    } else {
                        self.skip_value()?;
                    }
                }
                Some(_) => return Err(self.broken(self.window.at())),
            }
        }
    }
}
