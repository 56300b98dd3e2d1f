//! Functions that a project writes in SQL: `CREATE FUNCTION margin_rate(revenue DOUBLE, cost DOUBLE) RETURNS DOUBLE RETURN …`.
//!
//! ```text
//!  text ─ Definition::parse ─► names and types as written ─ compile ─► UserFunction: an expression over its parameters
//!                                                                            │
//!  plan with calls ─────────────────────── Inline, the first analyzer rule ──┴─► plan as if the body were written there
//! ```
//!
//! A call is replaced by the body before anything else looks at the plan, so proofs, lineage and definitions see what would
//! stand there without the function. Arguments are cast to the declared types and the result to the declared one; names in
//! an argument cannot meet names in the body, because the body knows nothing but its parameters. Deliberately not run by
//! itself: a call that is still there when a query runs is a fault of the program.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    sync::Arc,
};

use arrow::{compute::can_cast_types, datatypes::DataType};
use datafusion::{
    common::{
        DFSchema, Result,
        config::ConfigOptions,
        internal_err, plan_err,
        tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion},
    },
    error::DataFusionError,
    execution::{FunctionRegistry, SessionState},
    logical_expr::{
        ColumnarValue, Expr, ExprSchemable, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
        Volatility, cast, expr_rewriter::NamePreserver,
    },
    optimizer::AnalyzerRule,
    sql::{
        parser::{DFParserBuilder, Statement as Parsed},
        sqlparser::ast::{
            CreateFunction, CreateFunctionBody, DataType as SqlType, Expr as SqlExpr, ExprWithAlias, FunctionBehavior,
            FunctionReturnType, OperateFunctionArg, Query, Statement as Ast, Value, Visit, Visitor,
        },
    },
};

use super::{Problem, clash, expression, guards, types};

/// How a function is written.
const FORM: &str = "write `CREATE FUNCTION name(parameter TYPE, …) RETURNS TYPE RETURN expression;`";

/// A function as written.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Functions that its body calls.
    pub calls: BTreeSet<String>,
    parameters: Vec<(String, SqlType)>,
    returns: SqlType,
    body: SqlExpr,
}

/// A function that can be called.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserFunction {
    name: String,
    parameters: Vec<(String, DataType)>,
    returns: DataType,
    /// Over columns that are named as the parameters; calls of other functions of the project are replaced.
    body: Expr,
    signature: Signature,
}

impl Definition {
    /// Parses a file with one function.
    ///
    /// # Errors
    /// A syntax error, anything else than one function, and what a function cannot have.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let told = |error: DataFusionError| Problem::new(&error, text);
        let parsed =
            DFParserBuilder::new(text).build().and_then(|mut parser| parser.parse_statements()).map_err(told)?;
        let mut statements = parsed.into_iter();
        let function = match (statements.next(), statements.next()) {
            (Some(Parsed::Statement(statement)), None) => match *statement {
                Ast::CreateFunction(function) => function,
                _ => return Err(formless("the file defines no function")),
            },
            (_, Some(_)) => return Err(formless("the file has more than one statement")),
            _ => return Err(formless("the file defines no function")),
        };
        Self::checked(function)
    }

    fn checked(function: CreateFunction) -> Result<Self, Problem> {
        let name = function.name.to_string();
        if let Some(word) = surplus(&function) {
            return Err(formless(&format!("`{word}` means nothing to a function here")));
        }
        let parameters = function.args.unwrap_or_default().into_iter().map(parameter).collect::<Result<Vec<_>, _>>()?;
        if let Some((index, (twice, _))) = parameters
            .iter()
            .enumerate()
            .find(|(index, (name, _))| parameters[..*index].iter().any(|(other, _)| other == name))
        {
            return Err(formless(&format!("parameter {} of `{name}` has the name of another, `{twice}`", index + 1)));
        }
        let Some(FunctionReturnType::DataType(returns)) = function.return_type else {
            return Err(formless(&format!("`{name}` does not say what it returns")));
        };
        let Some(CreateFunctionBody::Return(body)) = function.function_body else {
            return Err(formless(&format!("`{name}` has no `RETURN expression`")));
        };
        let mut names = Names::default();
        if let ControlFlow::Break(problem) = body.visit(&mut names) {
            return Err(problem);
        }
        Ok(Self { name, calls: names.calls, parameters, returns, body })
    }

    /// Compiles it over a session that knows the functions which it calls.
    ///
    /// # Errors
    /// Unknown names, wrong types, and what is no expression over its parameters alone.
    pub fn compile(&self, text: &str, state: &SessionState) -> Result<UserFunction, Problem> {
        let told = |error: DataFusionError| Problem::new(&error, text);
        let data_type = |sql: &SqlType| data_type(sql, state).map_err(told)?.ok_or_else(|| untyped(sql));
        let typed = |(name, sql): &(String, SqlType)| Ok((name.clone(), data_type(sql)?));
        let parameters = self.parameters.iter().map(typed).collect::<Result<Vec<_>, Problem>>()?;
        let returns = data_type(&self.returns)?;
        let schema = schema(&parameters).map_err(told)?;
        let body = planned(&self.body, &schema, state).map_err(|error| self.told(&error, text))?;
        check_types(&body, &schema, state).map_err(|error| self.told(&error, text))?;
        if let Some(problem) = self.other_result(&body, &returns, &schema) {
            return Err(problem);
        }
        let body = cast_to(body, &returns, &schema);
        check_types(&body, &schema, state).map_err(|error| self.told(&error, text))?;
        let signature = Signature::user_defined(Volatility::Immutable);
        Ok(UserFunction { name: self.name.clone(), parameters, returns, body, signature })
    }

    /// Says of a body that gives what cannot become the declared result.
    fn other_result(&self, body: &Expr, returns: &DataType, schema: &DFSchema) -> Option<Problem> {
        let clashes = |given: &DataType| *returns != DataType::Utf8 && clash::clashes(given, returns);
        let is_other = |given: &DataType| !can_cast_types(given, returns) || clashes(given);
        let is_literal = matches!(body, Expr::Literal(..));
        let given = body.get_type(schema).ok().filter(|given| !is_literal && is_other(given))?;
        let (returns, given) = (types::spelled(returns), types::spelled(&given));
        let message = format!("`{}` returns {returns} and its expression gives {given}", self.name);
        let hint = "write the type of the expression behind RETURNS, or cast the expression".to_owned();
        Some(Problem { message, range: None, hint: Some(hint) })
    }

    /// Says of an unknown column what it is here: no parameter.
    fn told(&self, error: &DataFusionError, text: &str) -> Problem {
        let problem = Problem::new(error, text);
        match problem.message.strip_prefix("unknown column ") {
            Some(column) => Problem { message: format!("{column} is no parameter of `{}`", self.name), ..problem },
            None => problem,
        }
    }
}

fn formless(message: &str) -> Problem {
    Problem { message: message.to_owned(), range: None, hint: Some(FORM.to_owned()) }
}

fn untyped(sql: &SqlType) -> Problem {
    let hint = "write a type that a table can hold, such as DOUBLE, BIGINT, DECIMAL(18, 2), VARCHAR, DATE or TIMESTAMP";
    Problem { message: format!("no parameter or result can be {sql}"), range: None, hint: Some(hint.to_owned()) }
}

/// Returns the first word of a definition that would be ignored.
fn surplus(function: &CreateFunction) -> Option<&'static str> {
    let is_immutable = matches!(function.behavior, None | Some(FunctionBehavior::Immutable));
    [
        ("OR REPLACE", function.or_replace || function.or_alter),
        ("TEMPORARY", function.temporary),
        ("IF NOT EXISTS", function.if_not_exists),
        ("STABLE or VOLATILE", !is_immutable),
        ("LANGUAGE", function.language.is_some()),
        ("NULL ON NULL INPUT", function.called_on_null.is_some()),
        ("PARALLEL", function.parallel.is_some()),
        ("SECURITY", function.security.is_some()),
        ("SET", !function.set_params.is_empty()),
        ("USING", function.using.is_some() || function.options.is_some() || function.remote_connection.is_some()),
        ("DETERMINISTIC", function.determinism_specifier.is_some()),
    ]
    .into_iter()
    .find_map(|(word, is_there)| is_there.then_some(word))
}

fn parameter(written: OperateFunctionArg) -> Result<(String, SqlType), Problem> {
    let Some(name) = written.name else {
        return Err(formless(&format!("a parameter of type {} has no name", written.data_type)));
    };
    if written.mode.is_some() || written.default_expr.is_some() {
        return Err(formless(&format!("the parameter `{name}` has a mode or a default")));
    }
    if name.value.starts_with('"') {
        return Err(formless(&format!("the parameter {name} is quoted")));
    }
    Ok((name.value.to_lowercase(), written.data_type))
}

/// What a body names.
#[derive(Default)]
struct Names {
    calls: BTreeSet<String>,
}

impl Visitor for Names {
    type Break = Problem;

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<Problem> {
        let hint = "a function is an expression over its parameters; what reads tables is a model or a view";
        let message = "a query within a function".to_owned();
        ControlFlow::Break(Problem { message, range: None, hint: Some(hint.to_owned()) })
    }

    fn pre_visit_expr(&mut self, expr: &SqlExpr) -> ControlFlow<Problem> {
        match expr {
            SqlExpr::Function(call) => {
                self.calls.insert(call.name.to_string().to_lowercase());
            }
            SqlExpr::Value(value) => {
                if let Value::Placeholder(name) = &value.value {
                    let hint = "give it to the function as an argument".to_owned();
                    let message = format!("`{name}` within a function");
                    return ControlFlow::Break(Problem { message, range: None, hint: Some(hint) });
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Returns the published type that SQL calls so; None for one that no table may hold.
fn data_type(sql: &SqlType, state: &SessionState) -> Result<Option<DataType>> {
    let text = format!("CAST(NULL AS {sql})");
    let tree = DFParserBuilder::new(text.as_str()).build()?.parse_expr()?;
    let empty = DFSchema::empty();
    let expr = state.create_logical_expr_from_sql_expr(tree, &empty)?;
    Ok(types::published(&expr.get_type(&empty)?))
}

fn schema(parameters: &[(String, DataType)]) -> Result<DFSchema> {
    let field = |(name, data_type): &(String, DataType)| arrow::datatypes::Field::new(name, data_type.clone(), true);
    DFSchema::try_from(arrow::datatypes::Schema::new(parameters.iter().map(field).collect::<Vec<_>>()))
}

/// Plans a body, with the calls of other functions replaced.
fn planned(body: &SqlExpr, schema: &DFSchema, state: &SessionState) -> Result<Expr> {
    let tree = ExprWithAlias { expr: body.clone(), alias: None };
    let expr = state.create_logical_expr_from_sql_expr(tree, schema)?;
    expr.apply(|inner| match inner {
        Expr::AggregateFunction(call) => {
            plan_err!("`{}` needs a group of rows, which a function has not", call.func.name())
        }
        Expr::WindowFunction(call) => {
            plan_err!("`{}` needs the rows around, which a function has not", call.fun.name())
        }
        _ => Ok(TreeNodeRecursion::Continue),
    })?;
    expression::refuse_clocks(&expr)?;
    clash::refuse_in(&expr, schema)?;
    inlined(expr, schema).data()
}

/// Finds clashes of types, which show when the expression is prepared to run.
fn check_types(body: &Expr, schema: &DFSchema, state: &SessionState) -> Result<()> {
    state.create_physical_expr(expression::simplified(body.clone(), schema, state)?, schema).map(drop)
}

fn cast_to(expr: Expr, data_type: &DataType, schema: &DFSchema) -> Expr {
    match expr.get_type(schema) {
        Ok(own) if own == *data_type => expr,
        _ => cast(expr, data_type.clone()),
    }
}

impl UserFunction {
    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns how it is called and what it returns.
    #[must_use]
    pub fn spelled(&self) -> String {
        let parameter = |(name, data_type): &(String, DataType)| format!("{name} {}", types::spelled(data_type));
        let parameters: Vec<String> = self.parameters.iter().map(parameter).collect();
        format!("{}({}) → {}", self.name, parameters.join(", "), types::spelled(&self.returns))
    }

    /// Returns all that decides its value.
    #[must_use]
    pub fn meaning(&self) -> String {
        let parameter = |(name, data_type): &(String, DataType)| format!("{name} {data_type}");
        let parameters: Vec<String> = self.parameters.iter().map(parameter).collect();
        format!("{}({}) → {} = {:?}", self.name, parameters.join(", "), self.returns, self.body)
    }

    /// Adds it to a session.
    ///
    /// # Errors
    /// Never with a session that takes functions.
    pub fn register(&self, state: &mut SessionState) -> Result<()> {
        state.register_udf(Arc::new(ScalarUDF::new_from_impl(self.clone()))).map(drop)
    }

    /// Returns the body with arguments for parameters.
    fn applied(&self, arguments: Vec<Expr>, schema: &DFSchema) -> Result<Expr> {
        let typed = self.parameters.iter().zip(arguments);
        let values: BTreeMap<&str, Expr> =
            typed.map(|((name, data_type), argument)| (name.as_str(), cast_to(argument, data_type, schema))).collect();
        let replace = |expr: Expr| match &expr {
            // The argument must not be searched for parameters in its turn.
            Expr::Column(column) => Ok(match values.get(column.name.as_str()) {
                Some(value) => Transformed::new(value.clone(), true, TreeNodeRecursion::Jump),
                None => Transformed::no(expr),
            }),
            _ => Ok(Transformed::no(expr)),
        };
        self.body.clone().transform_down(replace).data()
    }

    fn accepts(&self, types: &[DataType]) -> bool {
        types.len() == self.parameters.len() && self.misfits(types).next().is_none()
    }

    /// Returns the arguments of other types than can be used, each by its position with the type that its parameter has.
    pub fn misfits(&self, types: &[DataType]) -> impl Iterator<Item = (usize, &DataType)> {
        let pairs = types.iter().zip(&self.parameters).enumerate();
        pairs.filter(|(_, (given, (_, wanted)))| !fits(given, wanted)).map(|(at, (_, (_, wanted)))| (at, wanted))
    }
}

/// Returns whether a value can be used for a parameter without losing digits unseen.
fn fits(given: &DataType, wanted: &DataType) -> bool {
    let own = types::published(given);
    let own = own.as_ref().unwrap_or(given);
    match (own, wanted) {
        (DataType::Int32 | DataType::Int64, wanted) => wanted.is_numeric(),
        (DataType::Decimal128(_, scale), DataType::Decimal128(_, wanted)) => scale <= wanted,
        (DataType::Null, _)
        | (DataType::Decimal128(_, _), DataType::Float64)
        | (DataType::Date32, DataType::Timestamp(_, _)) => true,
        (own, wanted) => own == wanted,
    }
}

impl ScalarUDFImpl for UserFunction {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if self.accepts(types) {
            return Ok(self.parameters.iter().map(|(_, data_type)| data_type.clone()).collect());
        }
        let given: Vec<String> = types.iter().map(types::spelled).collect();
        plan_err!("{} cannot be called with ({})", self.spelled(), given.join(", "))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("the call of `{}` was not replaced by its body", self.name)
    }
}

/// Replaces calls by bodies.
#[derive(Debug)]
pub(super) struct Inline;

impl AnalyzerRule for Inline {
    fn name(&self) -> &'static str {
        "inline_user_functions"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|node| {
            let schema = guards::schema_of_inputs(&node);
            let names = NamePreserver::new(&node);
            node.map_expressions(|expr| {
                let name = names.save(&expr);
                Ok(inlined(expr, &schema)?.update_data(|expr| name.restore(expr)))
            })
        })
        .data()
    }
}

fn inlined(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    expr.transform_up(|expr| {
        let Expr::ScalarFunction(call) = expr else { return Ok(Transformed::no(expr)) };
        let Some(function) = call.func.inner().downcast_ref::<UserFunction>().cloned() else {
            return Ok(Transformed::no(Expr::ScalarFunction(call)));
        };
        Ok(Transformed::yes(function.applied(call.args, schema)?))
    })
}
