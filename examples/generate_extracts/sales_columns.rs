//! Sales columns: the headers that each dealer uses, and the values of an order line under them.

use crate::orders::{Order, OrderLine, Period};
use crate::random::Dice;
use crate::spelling::{self, Mention};
use crate::style::{self, Value};
use crate::table::Column;
use crate::world::{World, habit, industry_word};

/// Name in the contract, Chinese header, English header.
const HEADERS: [(&str, &str, &str); 32] = [
    ("dealer_code", "经销商编码", "Dealer"),
    ("order_no", "订单号", "Order No"),
    ("line_no", "行号", "Line No"),
    ("line_kind", "行类型", "Line Kind"),
    ("order_kind", "订单类型", "Order Kind"),
    ("order_date", "订单日期", "Order Date"),
    ("promised_date", "承诺交期", "Promised Date"),
    ("checked_date", "核对日期", "Checked Date"),
    ("shipped_date", "发运日期", "Shipped Date"),
    ("accepted_date", "接收日期", "Accepted Date"),
    ("customer_code", "客户编码", "Customer Code"),
    ("customer_name", "客户名称", "Customer Name"),
    ("tax_id", "统一社会信用代码", "Tax ID"),
    ("phone", "联系电话", "Phone"),
    ("province", "省份", "Province"),
    ("city", "城市", "City"),
    ("country", "国家", "Country"),
    ("industry", "行业", "Industry"),
    ("working_condition", "工况", "Working Condition"),
    ("channel", "渠道", "Channel"),
    ("product_code", "产品编码", "Product Code"),
    ("serial_no", "出厂编号", "Serial No"),
    ("quantity", "数量", "Quantity"),
    ("unit_price", "单价", "Unit Price"),
    ("discount_amount", "折扣额", "Discount"),
    ("amount", "金额", "Amount"),
    ("unit_cost", "单位成本", "Unit Cost"),
    ("currency", "币种", "Currency"),
    ("payment_terms", "付款方式", "Payment Terms"),
    ("salesperson", "销售员", "Salesperson"),
    ("department", "部门", "Department"),
    ("remark", "备注", "Remark"),
];

/// Lists the columns of a dealer's files under its own headers.
pub fn columns(dealer: usize) -> Vec<Column> {
    let habit = habit(dealer);
    let is_chinese = style::of(habit).is_chinese;
    let kept = HEADERS.iter().filter(|(name, _, _)| !is_left_out(habit, name));
    kept.map(|(name, chinese, english)| (*name, header(habit, name, if is_chinese { chinese } else { english })))
        .collect()
}

/// Some dealers leave columns out; only one has a remark, which the contract does not know.
fn is_left_out(habit: usize, name: &str) -> bool {
    matches!((habit, name), (1, "unit_cost") | (11, "tax_id")) || (name == "remark" && habit != 6)
}

fn header(habit: usize, name: &str, header: &str) -> String {
    match (habit, name) {
        (3 | 9, "amount") => "金额(万元)".to_owned(),
        (0, "amount") => " 金额 ".to_owned(),
        (7, _) if name != "dealer_code" => name.to_uppercase(),
        _ => header.to_owned(),
    }
}

/// Gives the values of a line as the dealer holds them.
pub fn values(
    world: &World,
    period: &Period,
    dice: &mut Dice,
    line: (&Order, &OrderLine),
) -> Vec<(&'static str, Value)> {
    let mut values = order_values(world, period, line.0);
    values.extend(customer_values(world, period, dice, line.0));
    values.extend(line_values(period, line.1));
    values.push(("remark", remark(dice)));
    values
}

fn order_values(world: &World, period: &Period, order: &Order) -> Vec<(&'static str, Value)> {
    vec![
        ("dealer_code", Value::text(&world.dealers[period.dealer].code)),
        ("order_no", Value::text(&order.number)),
        ("order_kind", Value::Code(order.kind)),
        ("order_date", Value::Date(order.ordered_on)),
        ("promised_date", Value::Date(order.promised_date)),
        ("checked_date", Value::Date(order.checked_date)),
        ("shipped_date", Value::Date(order.shipped_date)),
        ("accepted_date", Value::Date(order.accepted_date)),
        ("channel", Value::Code(order.channel)),
        ("currency", Value::text(order.currency)),
        ("payment_terms", Value::Code(order.terms)),
        ("working_condition", Value::Code(order.working_condition)),
        ("salesperson", Value::text(&order.seller)),
        ("department", department(world, period, order)),
    ]
}

/// One dealer leaves the column empty throughout.
fn department(world: &World, period: &Period, order: &Order) -> Value {
    let is_home = world.dealers[period.dealer].country == "CN";
    let names =
        if is_home { ["销售一部", "销售二部", "大客户部"] } else { ["North", "South", "Key Accounts"] };
    let place = order.seller.len() + order.customer % 2;
    if habit(period.dealer) == 5 { Value::Null } else { Value::text(names[place % 3]) }
}

fn customer_values(world: &World, period: &Period, dice: &mut Dice, order: &Order) -> Vec<(&'static str, Value)> {
    let customer = &world.customers[order.customer];
    let is_chinese = style::of(habit(period.dealer)).is_chinese;
    let mut values = vec![
        ("customer_code", Value::text(&order.customer_code)),
        ("province", province(dice, customer.province)),
        ("city", Value::text(customer.city)),
        ("country", if dice.chance(0.3) { Value::Null } else { Value::Code(customer.country) }),
        ("industry", Value::Text(industry(dice, customer.industry, is_chinese))),
    ];
    values.extend(mention(world, period, dice, order).values());
    values
}

/// The dealer entered the customer once under each code; one line in twelve was typed anew.
fn mention(world: &World, period: &Period, dice: &mut Dice, order: &Order) -> Mention {
    let customer = &world.customers[order.customer];
    let master = &mut world.dice(&format!("clerk {} {}", period.dealer, order.customer_code));
    let master = if dice.chance(0.08) { dice } else { master };
    let mut mention = spelling::mention(world, master, customer, 0.75);
    if master.chance(0.01) && customer.country == "CN" {
        mention.name = format!("{}\n({}分公司)", mention.name, customer.province);
    }
    mention
}

fn province(dice: &mut Dice, province: &str) -> Value {
    match dice.index(200) {
        0 => Value::text("火星基地"),
        1..=12 => Value::Null,
        _ => Value::text(province),
    }
}

fn industry(dice: &mut Dice, industry: usize, is_chinese: bool) -> String {
    if dice.chance(0.01) { "其他行业".to_owned() } else { industry_word(dice, industry, is_chinese) }
}

fn line_values(period: &Period, line: &OrderLine) -> Vec<(&'static str, Value)> {
    let scale = if matches!(habit(period.dealer), 3 | 9) { 6 } else { 2 };
    vec![
        ("line_no", Value::Number(line.line_no, 0)),
        ("line_kind", Value::Code(line.kind)),
        ("product_code", Value::text(&line.product_code)),
        ("serial_no", Value::maybe(line.serial_no.as_deref())),
        ("quantity", Value::Number(line.quantity, 0)),
        ("unit_price", Value::Number(line.unit_price, 2)),
        ("discount_amount", line.discount.map_or(Value::Null, |cents| Value::Number(cents, 2))),
        ("amount", Value::Number(line.amount(), scale)),
        ("unit_cost", Value::Number(line.unit_cost, 2)),
    ]
}

fn remark(dice: &mut Dice) -> Value {
    match dice.index(12) {
        0 => Value::text("first line\nsecond line, with a comma"),
        1 => Value::text("said \"urgent\""),
        2 => Value::text("a; b / c"),
        _ => Value::Null,
    }
}
