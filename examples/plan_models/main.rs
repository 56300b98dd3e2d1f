//! What DataFusion alone needs to parse, plan and analyse the models of `benches/check/generate.py`: the mark that
//! `tallyhouse check` is held against.
//!
//! In: the folder of a generated project, and a number of threads. Out: how many models were planned. Nothing is checked, nothing
//! is said about a mistake, headers are comments: a layer's models are planned in parallel, and each becomes an empty table.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::{
    catalog::MemorySchemaProvider,
    datasource::empty::EmptyTable,
    error::{DataFusionError, Result},
    prelude::{SessionConfig, SessionContext},
};

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(threads)) = (arguments.next(), arguments.next()) else {
        return Err("usage: plan_models FOLDER THREADS".into());
    };
    let threads: usize = threads.parse()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).build()?;
    let models = runtime.block_on(plan_all(PathBuf::from(folder), threads))?;
    let mut out = std::io::stdout();
    std::io::Write::write_all(&mut out, format!("{models} models\n").as_bytes())?;
    Ok(())
}

async fn plan_all(folder: PathBuf, threads: usize) -> Result<usize, Failure> {
    let config = SessionConfig::new().set_bool("datafusion.sql_parser.collect_spans", true);
    let context = SessionContext::new_with_config(config);
    register_sources(&context, &folder)?;
    let mut layers: BTreeMap<(usize, String), Vec<PathBuf>> = BTreeMap::new();
    for entry in std::fs::read_dir(folder.join("sql"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let files = std::fs::read_dir(folder.join("sql").join(&name))?;
        let files = files.map(|file| Ok(file?.path())).collect::<Result<_, std::io::Error>>()?;
        layers.insert((name.len(), name), files);
    }
    let mut models = 0;
    for ((_, name), files) in layers {
        let planned = plan_layer(&context, &files, threads).await?;
        models += planned.len();
        register(&context, &name, planned)?;
    }
    Ok(models)
}

fn register_sources(context: &SessionContext, folder: &Path) -> Result<(), Failure> {
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(folder.join("pipelines/sources"))? {
        let path = entry?.path();
        let text = std::fs::read_to_string(&path)?;
        let fields: Vec<Field> = text.lines().filter_map(field).collect();
        let table = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        sources.push((table, Arc::new(Schema::new(fields))));
    }
    Ok(register(context, "staged", sources)?)
}

/// Reads `  name: { type: … }` of a generated contract.
fn field(line: &str) -> Option<Field> {
    let (name, rest) = line.trim().split_once(": { type: ")?;
    let data_type = match rest.trim_end_matches(" }") {
        "bigint" => DataType::Int64,
        "double" => DataType::Float64,
        "date" => DataType::Date32,
        _ => DataType::Utf8,
    };
    Some(Field::new(name, data_type, true))
}

fn register(context: &SessionContext, schema: &str, tables: Vec<(String, SchemaRef)>) -> Result<()> {
    let missing = || DataFusionError::Plan("the session has no catalog".to_owned());
    let catalog = context.catalog("datafusion").ok_or_else(missing)?;
    let provider: Arc<MemorySchemaProvider> = Arc::default();
    catalog.register_schema(schema, Arc::<MemorySchemaProvider>::clone(&provider))?;
    for (table, columns) in tables {
        datafusion::catalog::SchemaProvider::register_table(
            provider.as_ref(),
            table,
            Arc::new(EmptyTable::new(columns)),
        )?;
    }
    Ok(())
}

async fn plan_layer(
    context: &SessionContext,
    files: &[PathBuf],
    threads: usize,
) -> Result<Vec<(String, SchemaRef)>, Failure> {
    let share = files.len().div_ceil(threads).max(1);
    let mut tasks = Vec::new();
    for part in files.chunks(share) {
        let (context, part) = (context.clone(), part.to_vec());
        tasks.push(tokio::spawn(async move { plan_files(&context, &part).await }));
    }
    let mut planned = Vec::with_capacity(files.len());
    for task in tasks {
        planned.extend(task.await??);
    }
    Ok(planned)
}

async fn plan_files(context: &SessionContext, files: &[PathBuf]) -> Result<Vec<(String, SchemaRef)>, Failure> {
    let state = context.state();
    let mut planned = Vec::with_capacity(files.len());
    for file in files {
        let text = std::fs::read_to_string(file)?;
        let plan = state.create_logical_plan(&text).await?;
        let plan = state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})?;
        let table = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        planned.push((table, Arc::new(plan.schema().as_arrow().clone())));
    }
    Ok(planned)
}
