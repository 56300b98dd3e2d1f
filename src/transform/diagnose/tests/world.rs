//! A few tables, and models planned over them as `check` does it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use chrono::NaiveDate;

use crate::{
    define::{self, project::Model},
    engine::{Catalog, CatalogTable, Engine, Parameters, Settings},
    record::{Diagnostic, TableName, Text},
    transform::plan::{self, Purpose},
};

/// Tables that a model may read, and what plans it.
pub struct World {
    pub tables: Catalog,
    pub parameters: Parameters,
    pub engine: Engine,
}

impl World {
    /// Two tables of sales and customers, one of them with a Chinese column.
    pub fn small() -> Self {
        let sales = [
            ("order_no", DataType::Utf8),
            ("customer", DataType::Utf8),
            ("region", DataType::Utf8),
            ("day", DataType::Date32),
            ("sold_at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
            ("units", DataType::Int64),
            ("amount", DataType::Decimal128(18, 2)),
            ("price", DataType::Float64),
            ("is_return", DataType::Boolean),
        ];
        let customer = [
            ("customer", DataType::Utf8),
            ("name", DataType::Utf8),
            ("region", DataType::Utf8),
            ("since", DataType::Date32),
            ("level", DataType::Int32),
            ("客户等级", DataType::Utf8),
        ];
        let product = [("product_code", DataType::Utf8), ("weight", DataType::Float64)];
        let tables = [table("core.sale", &sales), table("core.customer", &customer), table("core.product", &product)];
        Self { tables: tables.into_iter().collect(), parameters: parameters(), engine: engine() }
    }

    /// Returns what is wrong with a model.
    pub async fn findings(&self, name: &str, sql: &str) -> Vec<Diagnostic> {
        self.findings_of(&[read(name, sql)]).await
    }

    /// Returns what is wrong with models of which each may read the others.
    pub async fn findings_of(&self, models: &[Model]) -> Vec<Diagnostic> {
        let own: BTreeSet<&TableName> = models.iter().map(|model| &model.name).collect();
        let others: Catalog = self
            .tables
            .iter()
            .filter(|(name, _)| !own.contains(name))
            .map(|(name, table)| (name.clone(), table.clone()))
            .collect();
        let names = others.keys().cloned().collect();
        let found = plan::plan(models, &others, &names, &self.parameters, &self.engine).await.unwrap().1;
        // Planning no further than it must finds the same.
        let checking = plan::plan_for(Purpose::Check, models, &others, &names, &self.parameters, &self.engine);
        assert_eq!(checking.await.unwrap().findings, found);
        found
    }
}

pub fn engine() -> Engine {
    Engine::new(Settings { threads: 2, memory_limit_bytes: 256 << 20, spill_folder: None }).unwrap()
}

/// Reads a model whose header must be right.
pub fn read(name: &str, sql: &str) -> Model {
    let path = format!("{}.sql", name.replace('.', "/"));
    let text = Arc::new(Text { path: path.clone(), body: sql.to_owned() });
    define::read_model(&text, Path::new(&path), crate::define::project::Dialect::default())
        .unwrap_or_else(|findings| panic!("{findings:#?}"))
        .0
}

fn parameters() -> Parameters {
    let variables = BTreeMap::from([("churn_days".to_owned(), define::project::Variable::Integer(365))]);
    let run_date = NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();
    Parameters { run_date, timezone: chrono_tz::Asia::Shanghai, variables }
}

fn table(name: &str, columns: &[(&str, DataType)]) -> (TableName, CatalogTable) {
    let field = |(name, data_type): &(&str, DataType)| Field::new(*name, data_type.clone(), true);
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    (TableName::try_from(name.to_owned()).unwrap(), CatalogTable::empty(&schema, Vec::new(), None))
}

/// Returns a text with the change of a finding carried out.
pub fn mended(sql: &str, finding: &Diagnostic) -> Option<String> {
    let fix = finding.fix.as_ref()?;
    let range = fix.place.range.clone();
    Some(format!("{}{}{}", &sql[..range.start], fix.text, &sql[range.end..]))
}

/// SQL whose `«…»` must be underlined, what is said, and what the hint holds; with `!` before it the change of the hint must mend it.
pub type Case = (&'static str, &'static str, &'static str);

/// Asserts that each text has one finding, at its place; and that a change that it proposes leaves none.
pub async fn assert_told(cases: &[Case]) {
    let world = World::small();
    let mut wrong = Vec::new();
    for (marked, said, hint) in cases {
        let sql = marked.replace(['«', '»'], "");
        let underlined = marked.split(['«', '»']).nth(1).unwrap();
        let start = marked.find('«').unwrap();
        let findings = world.findings("core.it", &sql).await;
        let [only] = findings.as_slice() else {
            wrong.push(format!("{marked}\n  {findings:#?}"));
            continue;
        };
        let range = only.place.clone().unwrap().range;
        let (given, wanted) = (only.hint.clone().unwrap_or_default(), hint.trim_start_matches('!'));
        if range != (start..start + underlined.len()) || !only.message.starts_with(said) || !given.contains(wanted) {
            wrong.push(format!("{marked}\n  `{}`: {} ({given})", &sql[range], only.message));
        }
        match mended(&sql, only) {
            Some(mended) => {
                let left = world.findings("core.it", &mended).await;
                if !left.is_empty() {
                    wrong.push(format!("not mended: {mended}\n  {left:#?}"));
                }
            }
            None if hint.starts_with('!') => wrong.push(format!("no change: {marked}")),
            None => {}
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Runs a test where planning may nest as deeply as it does in the binary.
pub fn on_a_deep_stack<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    let run = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test());
    std::thread::Builder::new().stack_size(64 << 20).spawn(run).unwrap().join().unwrap();
}
