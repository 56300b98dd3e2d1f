//! The world behind the extracts: dealers, products and customers, each customer with one true identity.
//!
//! Options → `World`. It holds what is true; how each source spells it is decided where the source is written.

use std::collections::{BTreeMap, HashSet};

use chrono::NaiveDate;

use crate::months;
use crate::names;
use crate::places::{INDUSTRIES, PLACES, PRODUCT_TYPES, currency, mark};
use crate::random::Dice;

/// Sizes and dates of a run.
#[derive(Clone)]
pub struct Plan {
    pub seed: u64,
    pub run_date: NaiveDate,
    pub months: i64,
    pub dealers: i64,
    pub lines: i64,
    pub customers: i64,
    pub dirt: f64,
}

/// A dealer.
pub struct Dealer {
    pub code: String,
    pub name: String,
    pub province: &'static str,
    pub country: &'static str,
    pub currency: &'static str,
    pub joined_on: NaiveDate,
    pub left_on: Option<NaiveDate>,
    pub grade: &'static str,
    pub is_backbone: bool,
    pub coach: String,
    pub phone: String,
    pub sellers: Vec<String>,
}

/// A machine, part or service that can be ordered.
pub struct Product {
    pub code: String,
    pub name: String,
    /// Its product type.
    pub kind: &'static str,
    pub series: String,
    pub class: &'static str,
    pub launched_on: NaiveDate,
    /// Standard price in fen.
    pub price: i64,
}

/// A customer as it truly is.
pub struct Customer {
    pub id: String,
    pub name: String,
    pub province: &'static str,
    pub country: &'static str,
    pub city: &'static str,
    pub industry: usize,
    pub tax_id: Option<String>,
    pub phone: String,
    pub kind: &'static str,
    /// The dealer it buys from, and a second one of some.
    pub dealers: Vec<usize>,
    /// How much it buys, relative.
    pub weight: i64,
    pub joined_on: NaiveDate,
    /// The day after which it buys no more.
    pub left_on: Option<NaiveDate>,
    /// From when to when it buys nothing, as one that is lost and won back.
    pub pause: Option<(NaiveDate, NaiveDate)>,
    /// Whether it ever buys; those who do not are in the CRM alone.
    pub is_buyer: bool,
    /// Whether other customers of its group bear the same name but for the place.
    pub shares_name: bool,
    /// Whether the CRM knows it.
    pub has_account: bool,
}

/// Everything that is true.
pub struct World {
    pub plan: Plan,
    pub months: Vec<NaiveDate>,
    pub dealers: Vec<Dealer>,
    pub products: Vec<Product>,
    pub customers: Vec<Customer>,
    /// The customers of each dealer.
    pub clients: Vec<Vec<usize>>,
}

impl World {
    /// Invents the world of a plan.
    pub fn new(plan: Plan) -> Self {
        let months = months::ending(plan.run_date, plan.months);
        let mut dealers: Vec<_> = (0..plan.dealers).map(|i| dealer(&plan, i)).collect();
        tell_apart(&mut dealers);
        let products = products(&plan);
        let known = plan.customers + plan.customers / 8;
        let mut customers: Vec<_> = (0..known).map(|i| customer(&plan, &dealers, i)).collect();
        name_apart(&plan, &mut customers);
        name_groups(&mut customers);
        let clients = clients(dealers.len(), &customers);
        Self { plan, months, dealers, products, customers, clients }
    }

    /// Starts the dice of one part of the world.
    pub fn dice(&self, label: &str) -> Dice {
        Dice::new(self.plan.seed, label)
    }

    /// Lists the customers that the CRM knows.
    pub fn accounts(&self) -> Vec<usize> {
        (0..self.customers.len()).filter(|i| self.customers[*i].has_account).collect()
    }

    /// Says whether a customer is one of the few that buy most.
    pub fn is_big(&self, customer: usize) -> bool {
        self.customers[customer].weight >= 90
    }

    /// Finds the account above an account: blocks of customers of all dealers form groups of two levels.
    pub fn parent(&self, account: usize) -> Option<usize> {
        let head = match account % 40 {
            1..=5 => account / 40 * 40,
            6..=9 => account / 40 * 40 + 1,
            _ => return None,
        };
        self.customers[head].has_account.then_some(head)
    }

    /// Counts the contact persons of an account.
    pub fn person_count(&self, account: usize) -> usize {
        1 + usize::try_from(mark(&[&self.customers[account].id])).unwrap() % 3
    }

    /// Names a contact person of an account.
    pub fn person_id(account: usize, number: usize) -> String {
        format!("P{:05}{number}", 10_000 + account)
    }

    /// Names the account of a customer.
    pub fn account_id(customer: usize) -> String {
        format!("A{:05}", 10_000 + customer)
    }
}

fn clients(dealers: usize, customers: &[Customer]) -> Vec<Vec<usize>> {
    let mut clients = vec![Vec::new(); dealers];
    for (index, customer) in customers.iter().enumerate() {
        for dealer in customer.dealers.iter().filter(|_| customer.is_buyer) {
            clients[*dealer].push(index);
        }
    }
    clients
}

/// Numbers sellers of one name, for diaries and assessments know them by name alone.
fn tell_apart(dealers: &mut [Dealer]) {
    let mut seen = BTreeMap::new();
    for seller in dealers.iter_mut().flat_map(|dealer| &mut dealer.sellers) {
        let count = seen.entry(seller.clone()).and_modify(|count| *count += 1).or_insert(1);
        if *count > 1 {
            *seller = format!("{seller}{count}");
        }
    }
}

/// Which of the fourteen ways of working a dealer follows; see `style.rs`.
pub fn habit(dealer: usize) -> usize {
    dealer % 14
}

fn dealer(plan: &Plan, number: i64) -> Dealer {
    let dice = &mut Dice::new(plan.seed, &format!("dealer {number}"));
    let habit = habit(usize::try_from(number).unwrap());
    let place = match habit {
        10 => &PLACES[14],
        11 => &PLACES[15],
        12 => &PLACES[16],
        other => &PLACES[other],
    };
    let (joined_on, left_on) = tenure(dice, number);
    Dealer {
        code: format!("D{:03}", number + 1),
        name: dealer_name(dice, place.province, place.country),
        province: place.province,
        country: place.country,
        currency: currency(place.country),
        joined_on,
        left_on,
        grade: ["A", "B", "C", "D"][dice.weighted(&[4, 4, 2, 1])],
        is_backbone: dice.chance(0.4),
        coach: names::person(dice, true),
        sellers: (0..4).map(|_| names::person(dice, place.country == "CN")).collect(),
        phone: names::phone(dice, place.country),
    }
}

fn dealer_name(dice: &mut Dice, province: &str, country: &str) -> String {
    let name = names::company(dice, province, country == "CN");
    name.replace("有限公司", "销售有限公司")
}

/// All but two dealers work over the whole time: the thirteenth leaves, the fourteenth joins late.
fn tenure(dice: &mut Dice, number: i64) -> (NaiveDate, Option<NaiveDate>) {
    let joined_on = months::date(2012, 1, 1);
    match number {
        12 => (joined_on, Some(months::date(2025, 3, 31))),
        13 => (months::date(2024, 7, 1), None),
        _ => (months::add_days(joined_on, dice.between(0, 3200)), None),
    }
}

fn products(plan: &Plan) -> Vec<Product> {
    let dice = &mut Dice::new(plan.seed, "products");
    let mut all = Vec::new();
    for (product_type, price) in PRODUCT_TYPES {
        let letter = product_type[..1].to_uppercase();
        for (rank, percent) in [(1, 55), (2, 80), (3, 105), (4, 160)] {
            let code = format!("T{letter}-{}00{}", rank, ["A", "B"][dice.index(2)]);
            let series = format!("T{letter}{}", (rank + 1) / 2);
            all.push(product(dice, (code, product_type, series, "machine"), price * percent));
        }
        for (class, percent, count) in [("part", 1, 3), ("service", 2, 1)] {
            for number in 0..count {
                let code = format!("{}{letter}-{:04}", &class[..1].to_uppercase(), 1001 + number);
                let share = percent * dice.between(30, 160);
                all.push(product(dice, (code, product_type, format!("T{letter}0"), class), price * share / 100));
            }
        }
    }
    all
}

fn product(dice: &mut Dice, words: (String, &'static str, String, &'static str), price: i64) -> Product {
    let (code, kind, series, class) = words;
    let launched_on = months::add(months::date(2016, 1, 1), dice.between(0, 110));
    let name = format!("{} {code}", kind.replace('_', " "));
    Product { name, kind, series, class, launched_on, price: price / 1000 * 1000, code }
}

const KINDS: [&str; 8] =
    ["power_utility", "industrial", "industrial", "construction", "rental", "industrial", "oem", "other"];

fn customer(plan: &Plan, dealers: &[Dealer], number: i64) -> Customer {
    let dice = &mut Dice::new(plan.seed, &format!("customer {number}"));
    let home = usize::try_from(number).unwrap() % dealers.len();
    let place = dwelling(dice, &dealers[home]);
    let industry = dice.weighted(&[18, 8, 16, 22, 14, 9, 9, 4]);
    let is_domestic = place.country == "CN";
    let (joined_on, left_on) = lifetime(dice, plan);
    let mut customer = Customer {
        id: format!("C{:06}", number + 1),
        name: names::company(dice, place.province, is_domestic),
        province: place.province,
        country: place.country,
        city: city(dice, place.province),
        industry,
        tax_id: (is_domestic && !dice.chance(0.06)).then(|| names::tax_id(dice)),
        phone: names::phone(dice, place.country),
        kind: if dice.chance(0.15) { dice.pick(&["design_institute", "government", "other"]) } else { KINDS[industry] },
        dealers: vec![home],
        weight: 3 + 900 / (1 + dice.between(0, 60)),
        joined_on,
        left_on,
        pause: pause(plan, number),
        is_buyer: number < plan.customers,
        shares_name: false,
        has_account: dice.chance(0.55) || number >= plan.customers,
    };
    customer.has_account |= number % 40 < 2 || number % 80 < 10;
    let second = dice.index(dealers.len());
    if dice.chance(0.15) && second != home {
        customer.dealers.push(second);
    }
    settle(plan, &mut customer, number);
    christen(&mut customer, number, dealers.len());
    customer
}

/// In a large market no two customers have one name, though many names are close.
fn name_apart(plan: &Plan, customers: &mut [Customer]) {
    let mut taken = HashSet::new();
    for customer in customers.iter_mut().filter(|_| plan.customers > 10_000) {
        let dice = &mut Dice::new(plan.seed, &format!("name {}", customer.id));
        let mut name = customer.name.clone();
        while name == customer.name || !taken.insert(name.clone()) {
            name = names::one_of_many(dice, customer.province, customer.country == "CN");
        }
        customer.name = name;
    }
}

/// The first members of a group bear its name behind that of their own province.
fn name_groups(customers: &mut [Customer]) {
    for index in 0..customers.len() {
        let (head, province) = (index / 40 * 40, customers[index].province);
        let is_alone = customers[head..index].iter().all(|other| other.province != province);
        let is_member = (1..=5).contains(&(index % 40)) && customers[index].country == "CN" && is_alone;
        if let Some(stem) = customers[head].name.strip_prefix(customers[head].province).filter(|_| is_member) {
            customers[index].name = format!("{province}{stem}");
            customers[index].shares_name = true;
            customers[head].shares_name = true;
        }
    }
}

/// Customers that come back are regular ones; every third prospect is of an industry that is not served.
fn settle(plan: &Plan, customer: &mut Customer, number: i64) {
    if customer.pause.is_some() {
        customer.weight = customer.weight.max(70);
        customer.left_on = None;
        customer.joined_on = months::add(months::first_of(plan.run_date), -plan.months - 24);
    }
    if !customer.is_buyer && number % 3 == 0 {
        customer.industry = INDUSTRIES.len() - 1;
    }
}

/// Every seventeenth customer buys nothing for a year or more.
fn pause(plan: &Plan, number: i64) -> Option<(NaiveDate, NaiveDate)> {
    let begin = months::add(months::first_of(plan.run_date), 1 - plan.months);
    let span = match number % 34 {
        4 => (6, 18),
        21 => (15, 30),
        _ => return None,
    };
    Some((months::add(begin, span.0), months::add(begin, span.1)))
}

/// The first customer is truly called 合计, "total", and buys from a dealer of each form of file.
fn christen(customer: &mut Customer, number: i64, dealers: usize) {
    if number == 0 {
        "合计".clone_into(&mut customer.name);
        customer.dealers = vec![2 % dealers, 8 % dealers];
        customer.left_on = None;
    }
}

fn dwelling(dice: &mut Dice, dealer: &Dealer) -> &'static crate::places::Place {
    let home = PLACES.iter().find(|place| place.province == dealer.province).unwrap();
    if dealer.country != "CN" || dice.chance(0.7) {
        return if dealer.country == "DE" && dice.chance(0.2) { &PLACES[17] } else { home };
    }
    let weights: Vec<_> = PLACES[..14].iter().map(|place| place.weight).collect();
    &PLACES[dice.weighted(&weights)]
}

fn lifetime(dice: &mut Dice, plan: &Plan) -> (NaiveDate, Option<NaiveDate>) {
    let begin = months::add(months::first_of(plan.run_date), -plan.months);
    let joined_on =
        if dice.chance(0.7) { months::add(begin, -24) } else { months::add(begin, dice.between(1, plan.months)) };
    let left_on = dice.chance(0.22).then(|| months::add_days(begin, dice.between(60, plan.months * 30)));
    (joined_on, left_on)
}

fn city(dice: &mut Dice, province: &str) -> &'static str {
    match province {
        "江苏" => dice.pick(&["南京", "苏州", "徐州"]),
        "广东" => dice.pick(&["广州", "深圳", "佛山"]),
        "山东" => dice.pick(&["济南", "青岛"]),
        "DE" => dice.pick(&["Berlin", "Hamburg"]),
        "TH" => "Bangkok",
        "BR" => "São Paulo",
        "KZ" => "Almaty",
        _ => dice.pick(&["省会", "开发区"]),
    }
}

/// Names the industry of a customer as a clerk writes it.
pub fn industry_word(dice: &mut Dice, industry: usize, is_chinese: bool) -> String {
    let fits: Vec<_> = INDUSTRIES[industry].aliases.iter().filter(|word| word.is_ascii() != is_chinese).collect();
    if fits.is_empty() { INDUSTRIES[industry].code.to_owned() } else { (*fits[dice.index(fits.len())]).to_owned() }
}
