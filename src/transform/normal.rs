//! The normal form of an optimized plan: a hash of what it computes, and of nothing of how that was written.
//!
//! In: an optimized plan over the tables' columns, without data and without the as-of cut. Out: a hash, equal only for
//! plans that give the same rows from the same tables. Aliases do not count, because a column is its position in what a
//! node reads; nor does the order of the terms of an AND or OR. Of a table only the columns that the scan names count.
//!
//! Deliberately knows no plan that is rare: for one with such a node there is no hash, and the text of the SQL has to
//! stand for it.

use arrow::row::{RowConverter, SortField};
use datafusion::{
    common::{Column, DFSchema, ScalarValue},
    logical_expr::{
        Aggregate, Distinct, Expr, Join, LogicalPlan, Operator, SortExpr, TableScan, Unnest, expr,
        expr::WindowFunctionParams, utils::split_binary,
    },
};

use crate::{engine::Catalog, record::TableName};

/// Returns the hash of what a plan computes; `catalog` knows the cuts of the tables that it reads.
pub(super) fn hash(plan: &LogicalPlan, catalog: &Catalog) -> Option<blake3::Hash> {
    Normalizer { catalog }.plan(plan)
}

/// What is written of one node: pieces with their lengths, so that no two lists of pieces look the same.
struct Form(blake3::Hasher);

impl Form {
    fn new(kind: &str) -> Self {
        Self(blake3::Hasher::new()).text(kind)
    }

    fn text(mut self, text: &str) -> Self {
        self.0.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        self
    }

    /// Writes what a type of DataFusion or Arrow says about itself, which is all of it.
    fn debug(self, value: impl std::fmt::Debug) -> Self {
        self.text(&format!("{value:?}"))
    }

    fn hash(mut self, hash: blake3::Hash) -> Self {
        self.0.update(hash.as_bytes());
        self
    }

    fn all(self, hashes: Vec<blake3::Hash>) -> Self {
        let counted = self.debug(hashes.len());
        hashes.into_iter().fold(counted, Self::hash)
    }

    fn finish(self) -> blake3::Hash {
        self.0.finalize()
    }
}

/// What the columns of an expression are.
#[derive(Clone, Copy)]
enum Scope<'a> {
    /// Positions in what a node reads.
    Input(&'a DFSchema),
    /// Names in a table.
    Table,
}

struct Normalizer<'a> {
    catalog: &'a Catalog,
}

/// None: something that is not known here.
type Known = Option<blake3::Hash>;

impl Normalizer<'_> {
    fn plan(&self, plan: &LogicalPlan) -> Known {
        let inputs = plan.inputs().into_iter().map(|input| self.plan(input)).collect::<Option<Vec<_>>>()?;
        let form = match plan {
            LogicalPlan::SubqueryAlias(_) => return inputs.first().copied(),
            LogicalPlan::TableScan(scan) => return self.scan(scan),
            LogicalPlan::Projection(node) => {
                Form::new("projection").all(self.exprs(&node.expr, Scope::Input(node.input.schema()))?)
            }
            LogicalPlan::Filter(node) => {
                Form::new("filter").hash(self.expr(&node.predicate, Scope::Input(node.input.schema()))?)
            }
            LogicalPlan::Window(node) => {
                Form::new("window").all(self.exprs(&node.window_expr, Scope::Input(node.input.schema()))?)
            }
            LogicalPlan::Aggregate(node) => self.aggregate(node)?,
            LogicalPlan::Sort(node) => {
                let keys = self.sort_keys(&node.expr, Scope::Input(node.input.schema()))?;
                Form::new("sort").all(keys).debug(node.fetch)
            }
            LogicalPlan::Join(node) => self.join(node)?,
            LogicalPlan::Union(_) => Form::new("union").debug(types(plan)),
            LogicalPlan::EmptyRelation(node) => Form::new("empty").debug(node.produce_one_row).debug(types(plan)),
            LogicalPlan::Limit(node) => {
                let scope = Scope::Input(node.input.schema());
                let count = |count: &Option<Box<Expr>>| count.iter().map(|count| self.expr(count, scope)).collect();
                let (skip, fetch): (Option<Vec<_>>, Option<Vec<_>>) = (count(&node.skip), count(&node.fetch));
                Form::new("limit").all(skip?).all(fetch?)
            }
            LogicalPlan::Values(node) => {
                let rows = node
                    .values
                    .iter()
                    .map(|row| Some(Form::new("row").all(self.exprs(row, Scope::Input(&node.schema))?).finish()));
                Form::new("values").debug(types(plan)).all(rows.collect::<Option<_>>()?)
            }
            LogicalPlan::Distinct(Distinct::All(_)) => Form::new("distinct"),
            LogicalPlan::Unnest(node) => unnest(node).debug(types(plan)),
            _ => return None,
        };
        Some(form.all(inputs).finish())
    }

    fn scan(&self, scan: &TableScan) -> Known {
        let name = TableName::new(scan.table_name.schema()?, scan.table_name.table());
        // What is no source is never cut.
        let cut = self.catalog.get(&name).and_then(|table| table.as_of.as_ref());
        let mut form = Form::new("scan").text(&name.to_string()).debug(scan.fetch);
        if let Some(cut) = cut {
            form = form.debug(&cut.event_date).text(cut.timezone.name());
        }
        let is_stage = |column: &String| cut.is_some_and(|cut| cut.stages.contains(column));
        for field in scan.projected_schema.fields() {
            form = form.text(field.name()).debug(field.data_type()).debug(is_stage(field.name()));
        }
        let mut filters = Vec::new();
        for filter in &scan.filters {
            let stages = filter.column_refs().into_iter().filter(|column| is_stage(&column.name)).count();
            filters.push(Form::new("filter").hash(self.expr(filter, Scope::Table)?).debug(stages).finish());
        }
        Some(form.all(sorted(filters)).finish())
    }

    fn aggregate(&self, node: &Aggregate) -> Option<Form> {
        let scope = Scope::Input(node.input.schema());
        let groups = self.exprs(&node.group_expr, scope)?;
        Some(Form::new("aggregate").all(groups).all(self.exprs(&node.aggr_expr, scope)?))
    }

    fn join(&self, node: &Join) -> Option<Form> {
        let (left, right) = (Scope::Input(node.left.schema()), Scope::Input(node.right.schema()));
        let both = node.left.schema().join(node.right.schema()).ok()?;
        let pair = |(one, other): &(Expr, Expr)| {
            Some(Form::new("pair").hash(self.expr(one, left)?).hash(self.expr(other, right)?).finish())
        };
        let on = node.on.iter().map(pair).collect::<Option<Vec<_>>>()?;
        let filter = node.filter.iter().map(|filter| self.expr(filter, Scope::Input(&both)));
        Some(
            Form::new("join")
                .debug(node.join_type)
                .debug(node.null_equality)
                .debug(node.null_aware)
                .all(sorted(on))
                .all(filter.collect::<Option<_>>()?),
        )
    }

    fn exprs(&self, exprs: &[Expr], scope: Scope<'_>) -> Option<Vec<blake3::Hash>> {
        exprs.iter().map(|expr| self.expr(expr, scope)).collect()
    }

    fn sort_keys(&self, keys: &[SortExpr], scope: Scope<'_>) -> Option<Vec<blake3::Hash>> {
        let key = |key: &SortExpr| {
            let form = Form::new("key").debug(key.asc).debug(key.nulls_first);
            Some(form.hash(self.expr(&key.expr, scope)?).finish())
        };
        keys.iter().map(key).collect()
    }

    fn expr(&self, expr: &Expr, scope: Scope<'_>) -> Known {
        let one = |kind: &str, inner: &Expr| Some(Form::new(kind).hash(self.expr(inner, scope)?));
        let form = match expr {
            Expr::Alias(alias) => return self.expr(&alias.expr, scope),
            Expr::Column(column) => column_form(column, scope)?,
            Expr::Literal(value, metadata) => return metadata.is_none().then(|| literal(value))?,
            Expr::BinaryExpr(binary) if matches!(binary.op, Operator::And | Operator::Or) => {
                let terms = split_binary(expr, binary.op).into_iter().map(|term| self.expr(term, scope));
                Form::new("terms").debug(binary.op).all(sorted(terms.collect::<Option<_>>()?))
            }
            Expr::BinaryExpr(binary) => {
                let sides = [self.expr(&binary.left, scope)?, self.expr(&binary.right, scope)?];
                Form::new("binary").debug(binary.op).all(sides.to_vec())
            }
            Expr::Like(like) => self.like("like", like, scope)?,
            Expr::SimilarTo(like) => self.like("similar", like, scope)?,
            Expr::Not(inner) => one("not", inner)?,
            Expr::IsNotNull(inner) => one("is not null", inner)?,
            Expr::IsNull(inner) => one("is null", inner)?,
            Expr::IsTrue(inner) => one("is true", inner)?,
            Expr::IsFalse(inner) => one("is false", inner)?,
            Expr::IsUnknown(inner) => one("is unknown", inner)?,
            Expr::IsNotTrue(inner) => one("is not true", inner)?,
            Expr::IsNotFalse(inner) => one("is not false", inner)?,
            Expr::IsNotUnknown(inner) => one("is not unknown", inner)?,
            Expr::Negative(inner) => one("negative", inner)?,
            Expr::Between(between) => {
                let bounds = [&between.low, &between.high].map(|bound| self.expr(bound, scope));
                one("between", &between.expr)?.debug(between.negated).hash(bounds[0]?).hash(bounds[1]?)
            }
            Expr::Case(case) => self.case(case, scope)?,
            Expr::Cast(cast) => one("cast", &cast.expr)?.debug(cast.field.data_type()),
            Expr::TryCast(cast) => one("try cast", &cast.expr)?.debug(cast.field.data_type()),
            Expr::InList(list) => {
                one("in", &list.expr)?.debug(list.negated).all(sorted(self.exprs(&list.list, scope)?))
            }
            Expr::ScalarFunction(call) => {
                Form::new("call").text(call.func.name()).debug(&call.func).all(self.exprs(&call.args, scope)?)
            }
            Expr::AggregateFunction(call) => self.aggregate_call(call, scope)?,
            Expr::WindowFunction(call) => self.window_call(call, scope)?,
            Expr::ScalarSubquery(subquery) => Form::new("scalar subquery").hash(self.subquery(subquery)?),
            Expr::Placeholder(placeholder) => Form::new("placeholder").text(&placeholder.id).debug(&placeholder.field),
            Expr::Exists(exists) => Form::new("exists").debug(exists.negated).hash(self.subquery(&exists.subquery)?),
            Expr::InSubquery(within) => {
                one("in subquery", &within.expr)?.debug(within.negated).hash(self.subquery(&within.subquery)?)
            }
            _ => return None,
        };
        Some(form.finish())
    }

    fn like(&self, kind: &str, like: &expr::Like, scope: Scope<'_>) -> Option<Form> {
        let form = Form::new(kind).debug((like.negated, like.case_insensitive, like.escape_char));
        Some(form.hash(self.expr(&like.expr, scope)?).hash(self.expr(&like.pattern, scope)?))
    }

    fn case(&self, case: &expr::Case, scope: Scope<'_>) -> Option<Form> {
        let optional =
            |expr: &Option<Box<Expr>>| expr.iter().map(|expr| self.expr(expr, scope)).collect::<Option<Vec<_>>>();
        let arms = case.when_then_expr.iter().flat_map(|(when, then)| [when, then]);
        let arms = arms.map(|arm| self.expr(arm, scope)).collect::<Option<Vec<_>>>()?;
        Some(Form::new("case").all(optional(&case.expr)?).all(arms).all(optional(&case.else_expr)?))
    }

    fn aggregate_call(&self, call: &expr::AggregateFunction, scope: Scope<'_>) -> Option<Form> {
        let params = &call.params;
        let filter = params.filter.iter().map(|filter| self.expr(filter, scope));
        Some(
            Form::new("aggregate call")
                .text(call.func.name())
                .debug(&call.func)
                .debug((params.distinct, params.null_treatment))
                .all(self.exprs(&params.args, scope)?)
                .all(filter.collect::<Option<_>>()?)
                .all(self.sort_keys(&params.order_by, scope)?),
        )
    }

    fn window_call(&self, call: &expr::WindowFunction, scope: Scope<'_>) -> Option<Form> {
        let WindowFunctionParams { args, partition_by, order_by, window_frame, filter, null_treatment, distinct } =
            &call.params;
        let filter = filter.iter().map(|filter| self.expr(filter, scope));
        Some(
            Form::new("window call")
                .debug(&call.fun)
                .debug((window_frame, null_treatment, distinct))
                .all(self.exprs(args, scope)?)
                .all(self.exprs(partition_by, scope)?)
                .all(self.sort_keys(order_by, scope)?)
                .all(filter.collect::<Option<_>>()?),
        )
    }

    /// Returns the form of a subquery that reads nothing of the query around it.
    fn subquery(&self, subquery: &datafusion::logical_expr::Subquery) -> Known {
        subquery.outer_ref_columns.is_empty().then(|| self.plan(&subquery.subquery))?
    }
}

/// Returns the form of unnesting: columns of its input by their positions, since their names tell what they are made of.
fn unnest(node: &Unnest) -> Form {
    let lists = node.list_type_columns.iter().map(|(index, list)| (*index, list.depth)).collect::<Vec<_>>();
    let depths = node.options.recursions.iter().map(|recursion| recursion.depth).collect::<Vec<_>>();
    let form = Form::new("unnest").debug(lists).debug(&node.struct_type_columns).debug(&node.dependency_indices);
    form.debug(node.options.null_handling).debug(depths)
}

fn column_form(column: &Column, scope: Scope<'_>) -> Option<Form> {
    Some(match scope {
        Scope::Input(schema) => Form::new("position").debug(schema.maybe_index_of_column(column)?),
        Scope::Table => Form::new("column").text(&column.name),
    })
}

/// Returns the form of a literal: its type and all of its bytes.
fn literal(value: &ScalarValue) -> Known {
    let data_type = value.data_type();
    let form = Form::new("literal").debug(&data_type);
    if value.is_null() {
        return Some(form.text("null").finish());
    }
    let rows = RowConverter::new(vec![SortField::new(data_type)]).ok()?;
    let row = rows.convert_columns(&[value.to_array().ok()?]).ok()?;
    Some(form.debug(row.row(0).as_ref()).finish())
}

fn types(plan: &LogicalPlan) -> Vec<String> {
    plan.schema().fields().iter().map(|field| format!("{:?}", field.data_type())).collect()
}

fn sorted(mut hashes: Vec<blake3::Hash>) -> Vec<blake3::Hash> {
    hashes.sort_by_key(|hash| *hash.as_bytes());
    hashes
}
