//! Orders: what a dealer sold in one period, as it truly was.
//!
//! World, dealer, months → orders with their lines. Amounts are in fen or cents of the order's currency.

use chrono::NaiveDate;

use crate::months;
use crate::places::{self, SEASON};
use crate::random::Dice;
use crate::world::{Customer, Product, World, habit};
use chrono::Datelike;

/// A line of an order.
#[derive(Clone)]
pub struct OrderLine {
    pub line_no: i64,
    pub kind: &'static str,
    pub product_code: String,
    pub serial_no: Option<String>,
    pub quantity: i64,
    pub unit_price: i64,
    pub discount: Option<i64>,
    pub unit_cost: i64,
    /// What is added to the amount by mistake.
    pub slip: i64,
}

impl OrderLine {
    /// Gives the amount in cents, net of discount and tax.
    pub fn amount(&self) -> i64 {
        self.quantity * self.unit_price - self.discount.unwrap_or(0) + self.slip
    }
}

/// An order with its dates.
#[derive(Clone)]
pub struct Order {
    pub number: String,
    pub kind: &'static str,
    pub customer: usize,
    pub customer_code: String,
    pub ordered_on: NaiveDate,
    pub promised_date: NaiveDate,
    pub checked_date: NaiveDate,
    pub shipped_date: NaiveDate,
    pub accepted_date: NaiveDate,
    pub currency: &'static str,
    pub channel: &'static str,
    pub terms: &'static str,
    pub working_condition: &'static str,
    pub seller: String,
    pub lines: Vec<OrderLine>,
}

/// A period of one dealer: a quarter, as a rule.
pub struct Period {
    pub dealer: usize,
    pub month: NaiveDate,
    pub months: i64,
}

/// Invents the orders of a period, in order of their dates.
pub fn of(world: &World, period: &Period) -> Vec<Order> {
    let dice = &mut world.dice(&format!("orders {} {}", period.dealer, period.month));
    let is_over = world.dealers[period.dealer].left_on.is_some_and(|left| left < period.month);
    let count = if is_over { 3 } else { order_count(world, period) };
    let mut days: Vec<_> = (0..count).map(|_| order_day(dice, world, period)).collect();
    days.sort_unstable();
    let buyers = buyers(world, period);
    (0..).zip(days).map(|(number, day)| order(world, period, dice, (number, day), &buyers)).collect()
}

/// Lines are two to an order; a dealer's share of them grows or falls from year to year.
pub fn order_count(world: &World, period: &Period) -> i64 {
    let periods = world.plan.months / period.months;
    let mean = world.plan.lines * 1000 / (world.plan.dealers * periods * 2);
    let trend = [6, 12, -9, 3, 15, -4, 8, 0, 20, -14, 10, 5, -20, 18][habit(period.dealer)];
    let age = months::between(world.months[0], period.month);
    let size = 70 + i64::try_from(period.dealer * 37 % 60).unwrap();
    (mean * size * (1000 + trend * age) / 100_000_000).max(1)
}

/// Busy months get more orders; a few dealers enter orders of the month after the last.
fn order_day(dice: &mut Dice, world: &World, period: &Period) -> NaiveDate {
    let is_last = months::add(period.month, period.months) > world.plan.run_date;
    if is_last && period.dealer.is_multiple_of(5) && dice.chance(0.12) {
        return months::add_days(world.plan.run_date, dice.between(1, 8));
    }
    let month = |i| months::add(period.month, i);
    let weights: Vec<_> = (0..period.months).map(|i| SEASON[usize::try_from(month(i).month0()).unwrap()]).collect();
    let chosen = i64::try_from(dice.weighted(&weights)).unwrap();
    months::day_within(dice, month(chosen), 1)
}

/// The customers of a dealer in a period with their weights; each dealer has at least one.
fn buyers(world: &World, period: &Period) -> Vec<(usize, i64)> {
    let buys = |customer: &Customer| {
        let stays = customer.left_on.is_none_or(|left| left >= period.month);
        let pauses = customer.pause.is_some_and(|(from, to)| from <= period.month && period.month < to);
        stays && !pauses && customer.joined_on <= period.month
    };
    let all = world.clients[period.dealer].iter().map(|index| (*index, &world.customers[*index]));
    let mut buyers: Vec<_> = all.filter(|(_, one)| buys(one)).map(|(index, one)| (index, one.weight)).collect();
    if buyers.is_empty() {
        buyers.push((period.dealer % world.customers.len(), 1));
    }
    buyers
}

fn order(world: &World, period: &Period, dice: &mut Dice, at: (i64, NaiveDate), buyers: &[(usize, i64)]) -> Order {
    let (number, ordered_on) = at;
    let weights: Vec<_> = buyers.iter().map(|(_, weight)| *weight).collect();
    let customer = if number == 0 { buyers[0].0 } else { buyers[dice.weighted(&weights)].0 };
    let checked_date = months::add_days(ordered_on, dice.between(0, 4));
    let shipped_date = months::add_days(checked_date, dice.between(4, 45));
    let mut order = Order {
        number: order_number(period, number),
        kind: if dice.chance(0.15) { "custom" } else { "standard" },
        customer,
        customer_code: customer_code(customer, ordered_on),
        ordered_on,
        promised_date: months::add_days(ordered_on, dice.between(20, 50)),
        checked_date,
        shipped_date,
        accepted_date: months::add_days(shipped_date, dice.between(1, 20)),
        currency: currency(world, period, dice),
        channel: CHANNELS[dice.weighted(&channels(customer))],
        terms: ["cash", "credit", "lease"][dice.weighted(&[6, 3, 1])],
        working_condition: ["normal", "high_temperature", "plateau", "dusty", "severe_cold"]
            [dice.weighted(&[9, 2, 2, 3, 2])],
        seller: world.dealers[period.dealer].sellers[dice.index(4)].clone(),
        lines: Vec::new(),
    };
    order.lines = lines(world, dice, &order);
    order
}

const CHANNELS: [&str; 4] = ["direct", "dealer", "online", "tender"];

/// Each customer has a channel that it prefers; half of them that of the dealer.
fn channels(customer: usize) -> [i64; 4] {
    let mut weights = [3, 3, 2, 2];
    weights[[1, 0, 1, 2, 1, 3][customer % 6]] += 8;
    weights
}

/// One dealer's numbers hold slashes, another's quotes: both are legal keys.
fn order_number(period: &Period, number: i64) -> String {
    let quarter = months::quarter(period.month);
    match habit(period.dealer) {
        1 => format!("{}/{:02}/{number:04}", &quarter[..4], period.month.month()),
        6 if number % 9 == 0 => format!("SO\"{quarter}\"-{number:04}"),
        other => format!("SO{other:02}-{quarter}-{number:04}"),
    }
}

/// Gives the dealer's own code; some customers were entered a second time in 2025.
fn customer_code(customer: usize, day: NaiveDate) -> String {
    let second = customer % 20 == 7 && day.year() >= 2025;
    format!("K{customer:05}{}", if second { "B" } else { "" })
}

fn currency(world: &World, period: &Period, dice: &mut Dice) -> &'static str {
    let home = world.dealers[period.dealer].currency;
    if home != "CNY" && dice.chance(0.15) { "USD" } else { home }
}

fn lines(world: &World, dice: &mut Dice, order: &Order) -> Vec<OrderLine> {
    let count = 1 + i64::try_from(dice.weighted(&[4, 4, 2, 1])).unwrap();
    let favourite = places::mark(&[&world.customers[order.customer].id]);
    (1..=count).map(|number| line(world, dice, order, (number, favourite))).collect()
}

fn line(world: &World, dice: &mut Dice, order: &Order, which: (i64, i64)) -> OrderLine {
    let (line_no, favourite) = which;
    let classes: &[i64] = if line_no == 1 { &[7, 2, 1, 0] } else { &[1, 6, 2, 1] };
    let kind = ["machine", "part", "service", "return"][dice.weighted(classes)];
    let product = choose(world, dice, kind, (favourite, order.ordered_on));
    let price = price(dice, product, order);
    let quantity = quantity(dice, kind);
    let is_known = !dice.chance(0.004);
    OrderLine {
        line_no,
        kind,
        product_code: if is_known { product.code.clone() } else { format!("OLD-{}", dice.between(10, 99)) },
        serial_no: (product.class == "machine")
            .then(|| format!("{}{:07}", &product.code[..2], dice.between(0, 9_999_999))),
        quantity,
        unit_price: price,
        discount: discount(dice, kind, price * quantity),
        unit_cost: price * dice.between(62, 84) / 100,
        slip: 0,
    }
}

/// A customer mostly stays with one type of product; nothing is sold before its launch.
fn choose<'a>(world: &'a World, dice: &mut Dice, kind: &str, (favourite, day): (i64, NaiveDate)) -> &'a Product {
    let class = if kind == "return" { dice.pick(&["part", "part", "machine"]) } else { kind };
    let types = places::PRODUCT_TYPES;
    let at =
        if dice.chance(0.75) { usize::try_from(favourite).unwrap() % types.len() } else { dice.index(types.len()) };
    let fits = |product: &&Product| product.class == class && product.kind == types[at].0;
    let fitting: Vec<_> = world.products.iter().filter(fits).collect();
    let launched: Vec<_> = fitting.iter().filter(|product| product.launched_on <= day).collect();
    if launched.is_empty() { fitting[0] } else { launched[dice.index(launched.len())] }
}

/// Converts the standard price, rising by a point each half-year, at the month's rate.
fn price(dice: &mut Dice, product: &Product, order: &Order) -> i64 {
    let month = months::between(months::date(2021, 7, 1), months::first_of(order.ordered_on));
    let rate = places::rate_micros(order.currency, month);
    let yuan = product.price / 1000 * (dice.between(900, 1080) + month / 6 * 10 - 50);
    (yuan * 1000 / (rate / 1000)).max(100)
}

fn quantity(dice: &mut Dice, kind: &str) -> i64 {
    match kind {
        "machine" => 1 + i64::try_from(dice.weighted(&[12, 4, 2, 1, 1])).unwrap(),
        "return" => -dice.between(1, 3),
        "part" => dice.between(1, 60),
        _ => dice.between(1, 8),
    }
}

fn discount(dice: &mut Dice, kind: &str, gross: i64) -> Option<i64> {
    match kind {
        "return" => dice.chance(0.5).then_some(0),
        _ if dice.chance(0.35) => None,
        _ => Some(gross * dice.between(0, 90) / 1000),
    }
}
