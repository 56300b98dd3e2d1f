//! Names as DuckDB takes them: quoted or not, case does not count; the database before a schema is the one at hand.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::{
    ast::{ObjectName, Statement as Ast, VisitMut, VisitorMut},
    tokenizer::{Token, TokenWithSpan},
};

/// Puts quoted names into lower case, as the planner does with all others.
pub(super) fn lower_quoted(tokens: &mut [TokenWithSpan]) {
    for token in tokens {
        if let Token::Word(word) = &mut token.token
            && word.quote_style == Some('"')
        {
            word.value = word.value.to_lowercase();
        }
    }
}

/// Takes the database off `"database"."schema"."table"`: a pipeline has one.
pub(super) fn without_database(ast: &mut Ast) {
    let _ = ast.visit(&mut WithoutDatabase);
}

struct WithoutDatabase;

impl VisitorMut for WithoutDatabase {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<()> {
        if relation.0.len() == 3 {
            relation.0.remove(0);
        }
        ControlFlow::Continue(())
    }
}
