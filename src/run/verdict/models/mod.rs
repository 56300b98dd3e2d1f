//! Models, wave by wave: those about which everything is known are told again, only the others are planned.
//!
//! ```text
//!  text ─► outline: what it names ─► layers ─► for each model of a layer:
//!                                               key of its text and of the faces of what it reads ─► known? ─► Judged
//!                                                        ▲                                             no        │
//!                                                        │                                              └─ plan ─┤
//!                                                        └───────────────────────────── face ◄───────────────────┘
//! ```
//!
//! In: a project of which known models are but names, and the ledger. Out: findings, and of each model that is right what others ask for
//! afterwards. A face is all that readers go by: a model whose face is what it was stops the wave. A model that is wrong is never known:
//! it is told anew each time, with the tables that hints name now. Deliberately keeps no plan and no syntax tree; one that is asked for
//! later is made again.

mod afterwards;
mod outlines;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    mem,
    path::Path,
    sync::Arc,
};

use arrow::datatypes::SchemaRef;

use super::{
    finding,
    kept::{self, Judged, Outline},
    ledger::Ledger,
    packed::{packed, unpacked},
    sight::Key,
};
use crate::{
    Error, check,
    define::{
        self,
        project::{Dialect, Kind, Model},
    },
    engine::{Catalog, CatalogTable, Engine, Statement, parallel},
    record::{Diagnostic, TableName},
    run::{outcome, prepare::Prepared, validate},
    transform::{
        PlannedModel,
        graph::{self, Layers},
        lint,
        plan::Asked,
        survey::{self, Right, Survey, Wrong},
    },
};
pub(super) use outlines::Outlines;

/// Models that are planned before any of them is let go, at most.
const MOST_ASKED: usize = 500;

/// All models of a project.
pub(super) struct Models<'a> {
    pub prepared: &'a Prepared,
    pub context: blake3::Hash,
    dialect: Dialect,
    parts: Vec<Part>,
    numbers: HashMap<&'a TableName, usize>,
    /// Faces of the tables that sources and entities make.
    staged: HashMap<&'a TableName, blake3::Hash>,
    survey: Survey<'a>,
    /// Numbers of models, each after those that it reads, and where each stands there.
    order: Vec<usize>,
    places: Vec<usize>,
    /// Models whose columns no hint knows yet.
    undescribed: VecDeque<usize>,
    schemas: HashMap<blake3::Hash, SchemaRef>,
    schema_keys: HashMap<SchemaRef, blake3::Hash>,
    threads: usize,
    /// Models that are compared with the served snapshot.
    pub compared: Vec<PlannedModel>,
    pub findings: Vec<Diagnostic>,
}

/// One model.
struct Part {
    /// Hash of its texts, and of all that decides what they mean.
    text: blake3::Hash,
    /// None for one that cannot be parsed.
    outline: Option<Arc<Outline>>,
    /// Whether its header was read.
    is_read: bool,
    /// Its SQL, where it was parsed and not yet planned.
    statement: Option<Statement>,
    standing: Standing,
}

/// How a model stands.
enum Standing {
    /// Nobody knows, or it is wrong and nothing is known of it.
    Unknown,
    /// It is wrong; its readers go by columns of this face.
    StoodIn(blake3::Hash),
    Right(Box<Stand>),
}

/// A model that is right.
struct Stand {
    key: blake3::Hash,
    judged: Judged,
    /// Whether the survey knows it.
    is_admitted: bool,
    /// Findings of [`Judged`], in words.
    findings: Vec<Diagnostic>,
}

impl<'a> Models<'a> {
    /// Parses what is not known, and orders all models.
    ///
    /// # Errors
    /// When no session can be made, which is a fault of the program.
    pub fn new(
        outlines: &Outlines<'_>,
        prepared: &'a Prepared,
        warnings: &[Diagnostic],
        staged: &'a Catalog,
        ledger: &mut Ledger,
        engine: &Engine,
    ) -> Result<Self, Error> {
        let project = &prepared.project;
        let made = validate::made_tables(project);
        let survey = Survey::new(&project.models, &project.sources, staged, &made, engine)
            .map_err(|error| outcome::bug(&error))?;
        let face = |(name, table): (&'a TableName, &CatalogTable)| {
            let cut = table.as_of.as_ref().map(|cut| (&cut.event_date, &cut.stages, cut.timezone));
            let columns = Key::new("staged").text(&format!("{:?} {cut:?}", table.schema()));
            (name, columns.text(&survey.promises(name).unwrap_or_default()).finish())
        };
        let staged = staged.iter().map(face).collect();
        let (context, dialect) = (outlines.context(), outlines.dialect());
        let (parts, findings) = outlines.parts(prepared, warnings, ledger, engine.settings().threads);
        Ok(Self {
            prepared,
            context,
            dialect,
            places: vec![0; parts.len()],
            parts,
            threads: engine.settings().threads,
            numbers: project.models.iter().enumerate().map(|(at, model)| (&model.name, at)).collect(),
            staged,
            survey,
            order: Vec::new(),
            undescribed: VecDeque::new(),
            schemas: HashMap::new(),
            schema_keys: HashMap::new(),
            compared: Vec::new(),
            findings,
        })
    }

    /// Finds out how each model stands.
    ///
    /// # Errors
    /// A fault of the program.
    pub async fn judge(&mut self, ledger: &mut Ledger) -> Result<(), Error> {
        let Layers { layers, circles } = self.layers();
        for way in circles {
            let names: Vec<TableName> = way.iter().map(|at| self.name(*at).clone()).collect();
            if let Some(first) = way.first() {
                let model = self.model(*first)?;
                self.findings.push(graph::circle(&names, &model, &self.statement(&model)?));
            }
        }
        for layer in layers {
            for at in &layer {
                self.places[*at] = self.order.len();
                self.order.push(*at);
            }
            let unknown = self.recalled(layer, ledger);
            for some in unknown.chunks(MOST_ASKED) {
                Box::pin(self.planned(some, ledger)).await?;
            }
        }
        let waiting = self.survey.waiting();
        self.findings.extend(waiting);
        Ok(())
    }

    fn layers(&self) -> Layers {
        let parsed: Vec<usize> = (0..self.parts.len()).filter(|at| self.parts[*at].outline.is_some()).collect();
        let named = |at: &usize| {
            let named = self.parts[*at].outline.as_ref().map(|outline| outline.named.as_slice());
            (self.name(*at), named.unwrap_or_default())
        };
        let Layers { mut layers, mut circles } = graph::layers(&parsed.iter().map(named).collect::<Vec<_>>());
        layers.iter_mut().chain(&mut circles).flatten().for_each(|at| *at = parsed[*at]);
        Layers { layers, circles }
    }

    /// Recalls what is known of the models of a layer, and returns those that have to be planned, with whether one names what nobody
    /// makes.
    fn recalled(&mut self, layer: Vec<usize>, ledger: &Ledger) -> Vec<(usize, bool)> {
        let (mut unknown, mut open) = (Vec::new(), Vec::new());
        for at in layer {
            let Some(outline) = &self.parts[at].outline else { continue };
            if outline.is_unqualified || outline.named.iter().any(|table| !self.survey.holds(table)) {
                unknown.push((at, true));
            } else if let Some(failed) = outline.named.iter().find(|table| self.face(table).is_none()) {
                self.survey.wait(&self.prepared.project.models[at].name, failed);
            } else {
                open.push(at);
            }
        }
        let known = parallel::each(self.threads, &open, |at| self.known(*at, ledger));
        for (at, known) in open.into_iter().zip(known) {
            match known {
                Some(stand) => {
                    self.undescribed.push_back(at);
                    self.parts[at].standing = Standing::Right(stand);
                }
                None => unknown.push((at, false)),
            }
        }
        unknown.sort_unstable();
        unknown
    }

    /// Returns what is known of a model among the tables that it reads as they are.
    fn known(&self, at: usize, ledger: &Ledger) -> Option<Box<Stand>> {
        let key = self.key(at)?;
        let mut judged: Judged = unpacked(ledger.recall(&key)?)?;
        // Its columns lie elsewhere, and must be there too.
        ledger.recall(&judged.schema)?;
        let found = mem::take(&mut judged.findings);
        let findings = match found.is_empty() {
            true => Vec::new(),
            false => finding::diagnostics(&found, &kept::own_texts(self.written(at)))?,
        };
        Some(Box::new(Stand { key, judged, is_admitted: false, findings }))
    }

    /// Plans models, of which none reads another.
    async fn planned(&mut self, unknown: &[(usize, bool)], ledger: &mut Ledger) -> Result<(), Error> {
        let mut asked = Vec::with_capacity(unknown.len());
        let mut named = BTreeSet::new();
        for (at, _) in unknown {
            named.extend(self.parts[*at].outline.iter().flat_map(|outline| &outline.named).cloned());
        }
        self.admit(&named, ledger).await?;
        let read = parallel::each(self.threads, unknown, |(at, _)| {
            let model = self.model(*at)?;
            let is_parsed = self.parts[*at].statement.is_some();
            let statement = if is_parsed { None } else { Some(self.statement(&model)?) };
            Ok::<_, Error>((model, statement))
        });
        for ((at, names_nobody), read) in unknown.iter().zip(read) {
            let (model, statement) = read?;
            let parsed = statement.or_else(|| self.parts[*at].statement.take());
            let mut statement = parsed.ok_or_else(|| lost(&model.name))?;
            self.survey.expand(&mut statement);
            asked.push(Asked { model, statement, names_nobody: *names_nobody });
        }
        let outcomes = self.survey.look(&asked);
        for (((at, _), asked), outcome) in unknown.iter().zip(asked).zip(outcomes) {
            if !outcome.is_right() {
                self.describe_before(*at, ledger);
            }
            match self.survey.tell(&asked, outcome).map_err(|error| outcome::bug(&error))? {
                Ok(right) if self.prepared.project.wrong.models.contains(self.name(*at)) => {
                    self.survey.stand_in(&asked.model, &right.schema).map_err(|error| outcome::bug(&error))?;
                    self.findings.extend(right.findings.into_iter().filter(lint::holds_without_promises));
                    self.stand_in(*at, Some(&right.schema));
                }
                Ok(right) => self.learn(*at, asked, right, ledger).await?,
                Err(Wrong { findings, schema }) => {
                    self.findings.extend(findings);
                    self.stand_in(*at, schema.as_ref());
                }
            }
        }
        Ok(())
    }

    /// Notes that a model is wrong, and the columns by which its readers go nevertheless.
    fn stand_in(&mut self, at: usize, schema: Option<&SchemaRef>) {
        let face = |schema: &SchemaRef| Key::new("wrong").text(&format!("{schema:?}")).finish();
        self.parts[at].standing = schema.map_or(Standing::Unknown, |schema| Standing::StoodIn(face(schema)));
    }

    /// Notes what was found out of a model that is right.
    async fn learn(&mut self, at: usize, asked: Asked, right: Right, ledger: &mut Ledger) -> Result<(), Error> {
        let Asked { model, statement, .. } = asked;
        let Right { schema, definition, meanings, findings } = right;
        let (schema_key, schema) = self.interned(schema, ledger);
        let checks = check::of_model(&model, &self.prepared.project.sources);
        let checks_read = check::validity_reads(&checks, &schema, &self.prepared.parameters);
        let key = self.key(at).ok_or_else(|| lost(&model.name))?;
        let compared = survey::is_compared(&model);
        if compared && model.kind != Kind::View {
            let run_date = self.prepared.parameters.run_date;
            let (model, statement, schema) = (model.clone(), statement.clone(), Arc::clone(&schema));
            self.compared.push(PlannedModel { model, statement, schema, definition, meanings, run_date, before: None });
        }
        if model.kind == Kind::View {
            self.survey.admit_view(&model, &schema, Arc::new(statement)).await;
        } else {
            self.survey.admit(&model, &schema).map_err(|error| outcome::bug(&error))?;
        }
        let promises = self.survey.promises(&model.name).unwrap_or_default();
        let face = Key::new("model").hash(Some(&schema_key)).text(&promises);
        // What a view computes is computed by its readers.
        let face = if model.kind == Kind::View { face.hash(Some(&key)) } else { face };
        let (schema, face) = (schema_key, face.finish());
        let kept = finding::findings(&findings, &kept::own_texts(&model));
        let judged =
            Judged { schema, face, checks: checks.checks.len(), checks_read, findings: kept.unwrap_or_default() };
        let is_whole = judged.findings.len() == findings.len();
        if is_whole && !compared {
            ledger.learn(key, packed(&judged));
        }
        let judged = Judged { findings: Vec::new(), ..judged };
        self.parts[at].standing = Standing::Right(Box::new(Stand { key, judged, is_admitted: true, findings }));
        Ok(())
    }

    /// Lets the survey know the columns of all models before one, as hints name them.
    fn describe_before(&mut self, at: usize, ledger: &Ledger) {
        while let Some(other) = self.undescribed.pop_front_if(|other| self.places[*other] < self.places[at]) {
            if let Some(schema) = self.schema(other, ledger) {
                self.survey.describe(self.name(other), &schema);
            }
        }
    }

    /// Returns the key of everything that decides what is found out of a model; None where something that it reads is not known.
    fn key(&self, at: usize) -> Option<blake3::Hash> {
        let Part { text, outline, .. } = &self.parts[at];
        let outline = outline.as_ref()?;
        let mut key = Key::new("judged").hash(Some(&self.context)).hash(Some(text));
        key = kept::with_values(key, outline, &self.prepared.parameters);
        for name in &outline.named {
            key = key.hash(Some(self.face(name)?));
        }
        Some(key.finish())
    }

    /// Returns the hash of what readers of a table go by.
    pub fn face(&self, name: &TableName) -> Option<&blake3::Hash> {
        let Some(at) = self.numbers.get(name) else { return self.staged.get(name) };
        match &self.parts[*at].standing {
            Standing::Unknown => None,
            Standing::StoodIn(face) => Some(face),
            Standing::Right(stand) => Some(&stand.judged.face),
        }
    }

    /// Returns one copy of columns that many models share, with its key.
    fn interned(&mut self, schema: SchemaRef, ledger: &mut Ledger) -> (blake3::Hash, SchemaRef) {
        if let Some((known, key)) = self.schema_keys.get_key_value(&schema) {
            return (*key, Arc::clone(known));
        }
        let bytes = kept::write_schema(&schema);
        let key = Key::new("schema").hash(Some(&blake3::hash(&bytes))).finish();
        ledger.learn(key, bytes);
        self.share(key, &schema);
        (key, schema)
    }

    fn share(&mut self, key: blake3::Hash, schema: &SchemaRef) {
        self.schema_keys.insert(Arc::clone(schema), key);
        self.schemas.insert(key, Arc::clone(schema));
    }

    /// Returns the columns of a model that is right.
    fn schema(&mut self, at: usize, ledger: &Ledger) -> Option<SchemaRef> {
        let Standing::Right(stand) = &self.parts[at].standing else { return None };
        let key = stand.judged.schema;
        if let Some(known) = self.schemas.get(&key) {
            return Some(Arc::clone(known));
        }
        let schema = kept::read_schema(ledger.recall(&key)?)?;
        self.share(key, &schema);
        Some(schema)
    }

    /// Returns models in an order in which each stands after those that it reads.
    fn in_order(&self, wanted: &BTreeSet<usize>) -> Vec<usize> {
        let mut ordered: Vec<usize> = wanted.iter().copied().collect();
        ordered.sort_unstable_by_key(|at| self.places[*at]);
        ordered
    }

    /// Returns a model as it was written, of which nothing but its name and kind may have been read.
    fn written(&self, at: usize) -> &'a Model {
        &self.prepared.project.models[at]
    }

    fn name(&self, at: usize) -> &'a TableName {
        &self.written(at).name
    }

    /// Returns a model with its header.
    pub fn model(&self, at: usize) -> Result<Model, Error> {
        let model = self.written(at);
        if self.parts[at].is_read {
            return Ok(model.clone());
        }
        let relative = format!("{}/{}.sql", model.name.schema, model.name.table);
        let read = define::read_model(&model.text, Path::new(&relative), self.dialect).map_err(Error::Definition)?;
        Ok(Model { rows: model.rows.clone(), ..read.0 })
    }

    fn statement(&self, model: &Model) -> Result<Statement, Error> {
        graph::statement(model, &self.prepared.parameters).map_err(Error::Definition)
    }
}

fn lost(name: &TableName) -> Error {
    Error::Bug { message: format!("what is known of `{name}` is lost") }
}
