//! Generates extracts of an invented market, messy as the real ones are, with the truth about them.
//!
//! Seed and size → extracts, reference tables and truth, always the same bytes. It shares no code and no list of words
//! with the reader in `src/`, so neither can hide the other's mistakes.
//!
//! ```text
//!  Plan ──► World ──► orders, complaints, surveys … ──► spelled rows ──► planted faults ──► files
//!                          │                                                  │
//!                          └──────────────── what is true ────────────────────┴──► truth/
//! ```

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a command line example: a write that fails ends it")]

mod random;

mod months;

mod names;

mod spelling;

mod places;

mod world;

mod orders;

mod style;

mod file;

mod truth;

mod table;

mod sales;

mod sales_draft;

mod sales_columns;

mod sales_faults;

mod stages;

mod accounts;

mod identity;

mod campaigns;

mod targets;

mod plans;

mod crm;

mod visits;

mod complaints;

mod corrective;

mod contacts;

mod surveys;

mod registration;

mod census;

mod intelligence;

mod sellers;

mod dealer_activity;

mod reference;

mod policy;

mod holidays;

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::{Parser, ValueEnum};

use sales::Acceptance;
use truth::Truth;
use world::{Plan, World};

/// Rows are many small texts that live for one file: with the system's allocator three quarters of the time go into it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Writes extracts of an invented market, and the truth about them.
///
/// The fixtures of the repository come from `--extracts fixtures/extracts --reference pipelines/reference --truth
/// fixtures/truth`; ten million order lines for benchmarks from `--size large --sales-only --out FOLDER`, a million
/// records of customers from `--identity-only --customers 550000 --out FOLDER`.
#[derive(Parser)]
struct Options {
    /// Seed of all choices: the same seed gives the same bytes
    #[arg(long, default_value_t = 2026)]
    seed: u64,
    /// How much is written; the counts below override it one by one
    #[arg(long, value_enum, default_value = "small")]
    size: Size,
    /// Dealers; each fourteenth works in the same way
    #[arg(long)]
    dealers: Option<i64>,
    /// Months of sales that end with the run date's; whole quarters
    #[arg(long)]
    months: Option<i64>,
    /// Order lines, roughly
    #[arg(long)]
    lines: Option<i64>,
    /// Customers
    #[arg(long)]
    customers: Option<i64>,
    /// Share of rows that are spoilt on purpose
    #[arg(long, default_value_t = 0.009)]
    dirt: f64,
    /// Run date: the last month of the extracts holds it
    #[arg(long, default_value = "2026-06-30")]
    end: NaiveDate,
    /// Writes order lines only, without stages and the other sources
    #[arg(long)]
    sales_only: bool,
    /// Writes flat records of customers and who stands behind them, and nothing else
    #[arg(long, conflicts_with = "sales_only")]
    identity_only: bool,
    /// Folder of everything
    #[arg(long, default_value = "generated")]
    out: PathBuf,
    /// Folder of the extracts [default: OUT/extracts]
    #[arg(long)]
    extracts: Option<PathBuf>,
    /// Folder of the reference tables [default: OUT/reference]
    #[arg(long)]
    reference: Option<PathBuf>,
    /// Folder of the truth [default: OUT/truth]
    #[arg(long)]
    truth: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Size {
    /// The fixtures: 14 dealers, 36 months, five thousand order lines
    Small,
    /// 56 dealers, 36 months, two hundred thousand order lines
    Medium,
    /// 900 dealers, 36 months, ten million order lines, a million customers
    Large,
}

impl Options {
    fn plan(&self) -> Plan {
        let (dealers, lines, customers) = match self.size {
            Size::Small => (14, 5_000, 280),
            Size::Medium => (56, 200_000, 5_000),
            Size::Large => (900, 10_000_000, 1_000_000),
        };
        Plan {
            seed: self.seed,
            run_date: self.end,
            months: self.months.unwrap_or(36).max(3) / 3 * 3,
            dealers: self.dealers.unwrap_or(dealers).max(1),
            lines: self.lines.unwrap_or(lines),
            customers: self.customers.unwrap_or(customers).max(20),
            dirt: self.dirt,
        }
    }
}

fn main() {
    let options = Options::parse();
    let folder = |given: &Option<PathBuf>, name| given.clone().unwrap_or_else(|| options.out.join(name));
    let extracts = folder(&options.extracts, "extracts");
    let world = World::new(options.plan());
    let mut truth = Truth::new(&folder(&options.truth, "truth"), world.plan.run_date);
    if options.identity_only {
        identity::send(&world, &extracts, &mut truth);
    } else {
        reference::send(&world, &folder(&options.reference, "reference"));
        let acceptances = sales::all(&world, &extracts, &mut truth, !options.sales_only);
        if !options.sales_only {
            send_others(&world, &acceptances, &extracts, &mut truth);
        }
    }
    truth.finish();
    println!("wrote {}", extracts.display());
}

/// Sends what does not come from dealers' order books.
fn send_others(world: &World, acceptances: &[Acceptance], extracts: &Path, truth: &mut Truth) {
    let (campaigns, complaints) = (campaigns::all(world), complaints::all(world));
    accounts::send(world, extracts, truth);
    crm::send(world, &crm::Around { campaigns: &campaigns, acceptances }, extracts, truth);
    targets::send(world, extracts, truth);
    plans::send(world, extracts, truth);
    campaigns::send(world, &campaigns, extracts, truth);
    complaints::send(world, &complaints, extracts, truth);
    corrective::send(world, &complaints, extracts, truth);
    contacts::send(world, &campaigns, acceptances, extracts, truth);
    surveys::send(world, extracts, truth);
    registration::send(world, extracts, truth);
    census::send(world, extracts, truth);
    intelligence::send(world, extracts, truth);
    sellers::send(world, extracts, truth);
    dealer_activity::send(world, extracts, truth);
}
