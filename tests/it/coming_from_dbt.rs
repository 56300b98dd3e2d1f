//! Someone who knows dbt follows `docs/coming-from-dbt.md`, block by block.

use std::fs;

use crate::project::{Project, repository};

/// Returns the block of code of the page whose fence has these words.
fn block(fence: &str) -> String {
    let text = fs::read_to_string(repository("docs/coming-from-dbt.md")).unwrap();
    let fence = format!("```{fence}");
    let mut lines = text.lines().skip_while(|line| line.trim() != fence);
    let indent = lines.next().unwrap_or_else(|| panic!("no {fence}")).find('`').unwrap();
    let body = lines.take_while(|line| line.trim() != "```").map(|line| line.get(indent..).unwrap_or_default());
    body.collect::<Vec<_>>().join("\n") + "\n"
}

fn shop() -> Project {
    let project = Project::new();
    project.file("pipelines/nightly.yaml", block("yaml"));
    project.file(
        "seeds/raw_orders.csv",
        "id,user_id,order_date,amount_cents\n1,7,2024-01-31,1050\n2,7,2024-02-01,250\n3,8,2024-02-29,99\n",
    );
    project.file("pipelines/sources/raw_orders.yaml", block("yaml contract"));
    project.model("main.raw_orders", &block("sql seed"));
    project
}

#[test]
fn compiled_sql_runs_as_the_docs_show_it() {
    let project = shop();
    project.model("main.customers", &block("sql compiled"));
    project.run();
    assert_eq!(
        project.rows("main.customers"),
        [
            "8f14e45fceea167a5a36dedd4bea2543|7|2.5|5.0|2024-02-01T00:00:00Z|2024-03-02T00:00:00Z",
            "c9f0f895fb98ab9159f51fd0297e236d|8|0.99|1.98|2024-02-01T00:00:00Z|2024-03-30T00:00:00Z",
        ]
    );
}

#[test]
fn the_same_model_is_written_for_here_as_the_docs_show_it() {
    let project = shop();
    project.model("shop.customer", &block("sql native"));
    project.run();
    assert_eq!(project.rows("shop.customer"), ["7|2.50|2024-02-01", "8|0.99|2024-02-29"]);
}

#[test]
fn views_histories_tests_and_freshness_are_as_the_docs_show_them() {
    let project = shop();
    project.model("shop.customer", &block("sql native"));
    project.model("shop.paid_order", &block("sql view"));
    project.model("shop.paid_day", "SELECT order_date, count(*) AS orders FROM shop.paid_order GROUP BY order_date\n");
    project.model("shop.customer_history", &block("sql history"));
    project.file("sql/shop/customer.test.yaml", block("yaml test"));
    let contract = block("yaml contract") + &block("yaml freshness");
    project.file("pipelines/sources/raw_orders.yaml", contract);
    let tested = project.tallyhouse(&["test"]).succeeds();
    assert!(tested.out.contains("1 passed, 0 failed"), "{}", tested.out);
    project.tallyhouse(&["run", "--run-date", "2026-06-30"]).ends(1);
    project.run_with(&["--run-date", "2024-03-01"]);
    assert_eq!(project.rows("shop.paid_day"), ["2024-01-31|1", "2024-02-01|1", "2024-02-29|1"]);
    assert_eq!(
        project.query("SELECT user_id, amount, valid_from, is_current FROM shop.customer_history ORDER BY user_id"),
        ["7|2.5|2024-03-01|true", "8|0.99|2024-03-01|true"]
    );
}
