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

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    mem,
    path::Path,
    sync::Arc,
};

use arrow::datatypes::SchemaRef;
use datafusion::prelude::SessionContext;

use super::{
    finding,
    kept::{self, Hashed, Judged, KeptOutline, Outline},
    ledger::Ledger,
    sight::{Key, Sight},
};
use crate::{
    Error, check,
    define::{
        self,
        project::{Dialect, Kind, Model},
    },
    engine::{Catalog, CatalogTable, Engine, Statement, parallel},
    record::{Diagnostic, TableName, Text},
    run::{load, prepare::Prepared, validate},
    transform::{
        Graph, PlannedModel,
        graph::{self, Layers},
        plan::Asked,
        survey::{self, Right, Survey, Wrong},
        views::PlannedView,
    },
};

/// Syntax trees that wait for their models to be planned, at most; others are parsed twice.
const MOST_PARSED: usize = 500;
/// Models that are planned before any of them is let go, at most.
const MOST_ASKED: usize = 500;

/// What is known of the texts of models before the project is put together.
pub(super) struct Outlines<'a> {
    sight: &'a Sight,
    context: blake3::Hash,
    /// By path.
    known: HashMap<String, KeptOutline>,
    dialect: Dialect,
}

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
    outline: Option<Outline>,
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

impl<'s> Outlines<'s> {
    /// Recalls what is known of the texts of models.
    pub fn recall(sight: &'s Sight, files: &load::Files, ledger: &Ledger, threads: usize) -> Self {
        let load::Files { pipeline, models, .. } = files;
        let mut context =
            Key::new("models").hash(Some(&sight.whose)).hash(sight.hash(&pipeline.models_place.text.path));
        // Both may ask the environment.
        context = context.text(&pipeline.models_dir.display().to_string()).text(&format!("{:?}", pipeline.dialect));
        for (text, _) in models.iter().filter(|(_, relative)| define::is_function(relative)) {
            context = context.text(&text.path).hash(sight.hash(&text.path));
        }
        let mut outlines = Self { sight, context: context.finish(), known: HashMap::new(), dialect: pipeline.dialect };
        let recalled = |(text, _): &(Arc<Text>, _)| {
            let kept: KeptOutline = serde_json::from_slice(ledger.recall(&outlines.text(&text.path))?).ok()?;
            Some((text.path.clone(), kept))
        };
        outlines.known = parallel::each(threads, models, recalled).into_iter().flatten().collect();
        outlines
    }

    /// Returns the key of what the text of a model says, with that of the rows beside it.
    fn text(&self, path: &str) -> blake3::Hash {
        let beside = path.strip_suffix(".sql").and_then(|stem| self.sight.hash(&format!("{stem}.csv")));
        Key::new("text").hash(Some(&self.context)).text(path).hash(self.sight.hash(path)).hash(beside).finish()
    }

    /// Returns a model of which all but its name and kind is known, with the warnings about its file.
    pub fn model(&self, text: &Arc<Text>, relative: &Path) -> Option<(Model, Vec<Diagnostic>)> {
        let KeptOutline { outline, warnings } = self.known.get(&text.path)?;
        let warnings = finding::diagnostics(warnings, std::slice::from_ref(text))?;
        Some((define::named_model(text, relative, outline.kind)?, warnings))
    }
}

impl<'a> Models<'a> {
    /// Parses what is not known, and orders all models.
    ///
    /// # Errors
    /// When no session can be made, which is a fault of the program.
    pub fn new(
        outlines: Outlines<'_>,
        prepared: &'a Prepared,
        warnings: &[Diagnostic],
        staged: &'a Catalog,
        ledger: &mut Ledger,
        engine: &Engine,
    ) -> Result<Self, Error> {
        let project = &prepared.project;
        let made = validate::made_tables(project);
        let survey =
            Survey::new(&project.models, &project.sources, staged, &made, engine).map_err(|error| bug(&error))?;
        let face = |(name, table): (&'a TableName, &CatalogTable)| {
            let cut = table.as_of.as_ref().map(|cut| (&cut.event_date, &cut.stages, cut.timezone));
            let spelled = format!("{:?} {:?} {cut:?}", survey.spelled(name), table.files.partition_by());
            (name, Key::new("staged").text(&spelled).finish())
        };
        let staged = staged.iter().map(face).collect();
        let (context, dialect) = (outlines.context, outlines.dialect);
        let (parts, findings) = parts(&outlines, prepared, warnings, ledger, engine.settings().threads);
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
                    self.parts[at].standing = Standing::Right(Box::new(stand));
                }
                None => unknown.push((at, false)),
            }
        }
        unknown.sort_unstable();
        unknown
    }

    /// Returns what is known of a model among the tables that it reads as they are.
    fn known(&self, at: usize, ledger: &Ledger) -> Option<Stand> {
        let key = self.key(at)?;
        let mut judged: Judged = serde_json::from_slice(ledger.recall(&key)?).ok()?;
        // Its columns lie elsewhere, and must be there too.
        ledger.recall(&judged.schema.0)?;
        let found = mem::take(&mut judged.findings);
        let findings = match found.is_empty() {
            true => Vec::new(),
            false => finding::diagnostics(&found, &kept::own_texts(self.project(at)))?,
        };
        Some(Stand { key, judged, is_admitted: false, findings })
    }

    /// Plans models, of which none reads another.
    async fn planned(&mut self, unknown: &[(usize, bool)], ledger: &mut Ledger) -> Result<(), Error> {
        let mut asked = Vec::with_capacity(unknown.len());
        let mut named = BTreeSet::new();
        for (at, _) in unknown {
            named.extend(self.parts[*at].outline.iter().flat_map(|outline| &outline.named).cloned());
        }
        self.admit(&named, ledger).await?;
        for (at, names_nobody) in unknown {
            let model = self.model(*at)?;
            let mut statement = match self.parts[*at].statement.take() {
                Some(statement) => statement,
                None => self.statement(&model)?,
            };
            self.survey.expand(&mut statement);
            asked.push(Asked { model, statement, names_nobody: *names_nobody });
        }
        let outcomes = self.survey.look(&asked);
        for (((at, _), asked), outcome) in unknown.iter().zip(asked).zip(outcomes) {
            if !outcome.is_right() {
                self.describe_before(*at, ledger);
            }
            match self.survey.tell(&asked, outcome).map_err(|error| bug(&error))? {
                Ok(right) => self.learn(*at, asked, right, ledger).await?,
                Err(Wrong { findings, schema }) => {
                    self.findings.extend(findings);
                    self.parts[*at].standing = match schema {
                        Some(schema) => Standing::StoodIn(Key::new("wrong").text(&format!("{schema:?}")).finish()),
                        None => Standing::Unknown,
                    };
                }
            }
        }
        Ok(())
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
            self.survey.admit(&model, &schema).map_err(|error| bug(&error))?;
        }
        let spelled = self.survey.spelled(&model.name).unwrap_or_default();
        let face = Key::new("model").text(&spelled);
        // What a view computes is computed by its readers.
        let face = if model.kind == Kind::View { face.hash(Some(&key)) } else { face };
        let (schema, face) = (Hashed(schema_key), Hashed(face.finish()));
        let kept = finding::findings(&findings, &kept::own_texts(&model));
        let judged =
            Judged { schema, face, checks: checks.checks.len(), checks_read, findings: kept.unwrap_or_default() };
        let is_whole = judged.findings.len() == findings.len();
        if let Some(bytes) = serde_json::to_vec(&judged).ok().filter(|_| is_whole && !compared) {
            ledger.learn(key, bytes);
        }
        let judged = Judged { findings: Vec::new(), ..judged };
        self.parts[at].standing = Standing::Right(Box::new(Stand { key, judged, is_admitted: true, findings }));
        Ok(())
    }

    /// Lets the survey know the columns of all models before one, as hints name them.
    fn describe_before(&mut self, at: usize, ledger: &Ledger) {
        while let Some(other) = self.undescribed.pop_front_if(|other| self.places[*other] < self.places[at]) {
            if let Some(schema) = self.schema(other, ledger) {
                self.survey.describe(&self.prepared.project.models[other].name, &schema);
            }
        }
    }

    /// Lets models be read that are right, and the views among them with all that these read.
    ///
    /// # Errors
    /// A fault of the program.
    pub async fn admit(&mut self, names: &BTreeSet<TableName>, ledger: &Ledger) -> Result<(), Error> {
        let is_new = |at: &usize| matches!(&self.parts[*at].standing, Standing::Right(stand) if !stand.is_admitted);
        let wanted: BTreeSet<usize> = self.with_views(names).into_iter().filter(is_new).collect();
        for at in self.in_order(&wanted) {
            let model = self.model(at)?;
            let schema = self.schema(at, ledger).ok_or_else(|| lost(&model.name))?;
            if model.kind == Kind::View {
                let mut statement = self.statement(&model)?;
                self.survey.expand(&mut statement);
                self.survey.admit_view(&model, &schema, Arc::new(statement)).await;
            } else {
                self.survey.admit(&model, &schema).map_err(|error| bug(&error))?;
            }
            if let Standing::Right(stand) = &mut self.parts[at].standing {
                stand.is_admitted = true;
            }
        }
        Ok(())
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
            Standing::Right(stand) => Some(&stand.judged.face.0),
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
        self.schema_keys.insert(Arc::clone(&schema), key);
        self.schemas.insert(key, Arc::clone(&schema));
        (key, schema)
    }

    /// Returns the columns of a model that is right.
    fn schema(&mut self, at: usize, ledger: &Ledger) -> Option<SchemaRef> {
        let Standing::Right(stand) = &self.parts[at].standing else { return None };
        let key = stand.judged.schema.0;
        if let Some(known) = self.schemas.get(&key) {
            return Some(Arc::clone(known));
        }
        let schema = kept::read_schema(ledger.recall(&key)?)?;
        self.schemas.insert(key, Arc::clone(&schema));
        self.schema_keys.insert(Arc::clone(&schema), key);
        Some(schema)
    }

    /// Returns models in an order in which each stands after those that it reads.
    fn in_order(&self, wanted: &BTreeSet<usize>) -> Vec<usize> {
        let mut ordered: Vec<usize> = wanted.iter().copied().collect();
        ordered.sort_unstable_by_key(|at| self.places[*at]);
        ordered
    }

    /// Returns the right ones among models of some kinds, each after those that it reads.
    pub fn right(&self, is_wanted: fn(Kind) -> bool) -> Vec<usize> {
        let is_right = |at: &usize| matches!(self.parts[*at].standing, Standing::Right(_));
        self.order.iter().copied().filter(|at| is_right(at) && is_wanted(self.project(*at).kind)).collect()
    }

    /// Returns what was found out of a model that is right, and the key of that.
    pub fn judged(&self, at: usize) -> Option<(&blake3::Hash, &Judged)> {
        match &self.parts[at].standing {
            Standing::Right(stand) => Some((&stand.key, &stand.judged)),
            Standing::Unknown | Standing::StoodIn(_) => None,
        }
    }

    /// Returns the key of everything that decides what a table is; None for one that is not right.
    pub fn known_key(&self, name: &TableName) -> Option<&blake3::Hash> {
        match self.numbers.get(name) {
            Some(at) => self.judged(*at).map(|(key, _)| key),
            None => self.staged.get(name),
        }
    }

    /// Returns the face of a table that is right.
    pub fn present(&self, name: &TableName) -> Option<&blake3::Hash> {
        match self.numbers.get(name) {
            Some(at) => self.judged(*at).map(|(_, judged)| &judged.face.0),
            None => self.staged.get(name),
        }
    }

    /// Returns what is probably wrong with models, in their order.
    pub fn warnings(&mut self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for at in &self.order {
            if let Standing::Right(stand) = &mut self.parts[*at].standing {
                found.append(&mut stand.findings);
            }
        }
        found
    }

    /// Returns every name behind a `$` in a text of a model.
    pub fn mentions(&self) -> impl Iterator<Item = String> {
        let models = self.parts.iter().zip(&self.prepared.project.models);
        models.flat_map(|(part, model)| match &part.outline {
            Some(outline) => outline.mentions.clone(),
            None => kept::mentions(&model.text.body),
        })
    }

    /// Returns a session over all tables that were admitted.
    pub const fn session(&self) -> &SessionContext {
        self.survey.session()
    }

    /// Returns these tables and all that are read on the way to them.
    pub fn upstream(&self, names: &BTreeSet<TableName>) -> BTreeSet<TableName> {
        let mut found = names.clone();
        let mut waiting: Vec<&TableName> = names.iter().collect();
        while let Some(name) = waiting.pop() {
            waiting.extend(self.named(name).iter().filter(|read| found.insert((*read).clone())));
        }
        found
    }

    /// Returns these tables and those that they read, also through views.
    pub fn with_reads(&self, names: &BTreeSet<TableName>) -> BTreeSet<TableName> {
        let mut found = names.clone();
        let mut waiting: Vec<&TableName> = names.iter().collect();
        while let Some(name) = waiting.pop() {
            for read in self.named(name) {
                let is_view = self.numbers.get(read).is_some_and(|at| self.project(*at).kind == Kind::View);
                if found.insert(read.clone()) && is_view {
                    waiting.push(read);
                }
            }
        }
        found
    }

    /// Returns the tables that a model names.
    fn named(&self, name: &TableName) -> &[TableName] {
        let outline = self.numbers.get(name).and_then(|at| self.parts[*at].outline.as_ref());
        outline.map_or(&[], |outline| &outline.named)
    }

    /// Makes the models and views among these tables that are right again, with the views that they read; these must have been admitted.
    ///
    /// # Errors
    /// A fault of the program.
    pub fn graph(&mut self, names: &BTreeSet<TableName>, ledger: &Ledger) -> Result<Graph, Error> {
        let wanted: BTreeSet<usize> =
            self.with_views(names).into_iter().filter(|at| self.judged(*at).is_some()).collect();
        let mut graph = Graph::default();
        for at in self.in_order(&wanted) {
            let model = self.model(at)?;
            let schema = self.schema(at, ledger).ok_or_else(|| lost(&model.name))?;
            let (definition, run_date) = (String::new(), self.prepared.parameters.run_date);
            let mut statement = self.statement(&model)?;
            self.survey.expand(&mut statement);
            if model.kind == Kind::View {
                graph.views.push(PlannedView { model, schema, statement: Arc::new(statement), definition });
            } else {
                let meanings = BTreeMap::new();
                graph.models.push(PlannedModel {
                    model,
                    statement,
                    schema,
                    definition,
                    meanings,
                    run_date,
                    before: None,
                });
            }
        }
        Ok(graph)
    }

    /// Returns models by their names, with the views that they read and all that these read.
    fn with_views(&self, names: &BTreeSet<TableName>) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut waiting: Vec<&usize> = names.iter().filter_map(|name| self.numbers.get(name)).collect();
        while let Some(at) = waiting.pop() {
            if found.insert(*at) {
                let read = self.named(self.name(*at)).iter().filter_map(|name| self.numbers.get(name));
                let is_view = self.project(*at).kind == Kind::View;
                waiting.extend(read.filter(|read| is_view || self.project(**read).kind == Kind::View));
            }
        }
        found
    }

    fn project(&self, at: usize) -> &'a Model {
        &self.prepared.project.models[at]
    }

    fn name(&self, at: usize) -> &'a TableName {
        &self.prepared.project.models[at].name
    }

    /// Returns a model with its header.
    pub fn model(&self, at: usize) -> Result<Model, Error> {
        let model = self.project(at);
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

/// What was found in a text that was not known.
type Fresh = Result<(Outline, Option<Vec<u8>>, Option<Statement>), Vec<Diagnostic>>;

/// Returns what is known of each model before it is planned, and what is wrong with those that cannot be parsed.
fn parts(
    outlines: &Outlines<'_>,
    prepared: &Prepared,
    warnings: &[Diagnostic],
    ledger: &mut Ledger,
    threads: usize,
) -> (Vec<Part>, Vec<Diagnostic>) {
    let models = &prepared.project.models;
    let unknown: Vec<&Model> = models.iter().filter(|model| !outlines.known.contains_key(&model.text.path)).collect();
    let is_few = unknown.len() <= MOST_PARSED;
    let is_told = warnings.iter().all(|warning| warning.place.is_some());
    let parse = |model: &&Model| -> Fresh {
        let statement = graph::statement(model, &prepared.parameters)?;
        let outline = Outline::of(model, &statement);
        let own =
            |warning: &&Diagnostic| warning.place.as_ref().is_some_and(|place| place.text.path == model.text.path);
        let own: Vec<Diagnostic> = warnings.iter().filter(own).cloned().collect();
        // A model that is compared has to be read each time.
        let is_kept = is_told && !survey::is_compared(model);
        let bytes = is_kept.then(|| outline.write(&own, &kept::own_texts(model))).flatten();
        Ok((outline, bytes, is_few.then_some(statement)))
    };
    let mut fresh = parallel::each(threads, &unknown, parse).into_iter();
    let (mut parts, mut findings) = (Vec::with_capacity(models.len()), Vec::new());
    for model in models {
        let text = outlines.text(&model.text.path);
        let mut part = Part { text, outline: None, is_read: true, statement: None, standing: Standing::Unknown };
        match outlines.known.get(&model.text.path) {
            Some(known) => {
                part.outline = Some(known.outline.clone());
                part.is_read = model.text.path.ends_with(".csv");
            }
            None => match fresh.next() {
                Some(Ok((outline, bytes, statement))) => {
                    bytes.into_iter().for_each(|bytes| ledger.learn(text, bytes));
                    (part.outline, part.statement) = (Some(outline), statement);
                }
                Some(Err(found)) => findings.extend(found),
                None => {}
            },
        }
        parts.push(part);
    }
    (parts, findings)
}

/// Says what the engine could not do, which is a fault of the program.
pub(super) fn bug(error: &datafusion::error::DataFusionError) -> Error {
    Error::Bug { message: error.strip_backtrace() }
}

fn lost(name: &TableName) -> Error {
    Error::Bug { message: format!("what is known of `{name}` is lost") }
}
