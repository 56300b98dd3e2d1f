//! Reference tables: what the house itself knows, as tidy UTF-8 CSV.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use chrono::NaiveDate;

use crate::file::quoted;
use crate::holidays;
use crate::months;
use crate::places::{self, BRANDS, INDUSTRIES, PLACES, PRODUCT_TYPES, mark};
use crate::policy;
use crate::truth::{decimal, money};
use crate::world::World;

/// Provinces in which nothing is sold yet, with their regions.
const OTHER_PROVINCES: [(&str, &str); 17] = [
    ("北京", "华北"),
    ("天津", "华北"),
    ("山西", "华北"),
    ("吉林", "东北"),
    ("黑龙江", "东北"),
    ("上海", "华东"),
    ("安徽", "华东"),
    ("福建", "华东"),
    ("江西", "华东"),
    ("湖南", "华中"),
    ("海南", "华南"),
    ("重庆", "西南"),
    ("贵州", "西南"),
    ("西藏", "西南"),
    ("甘肃", "西北"),
    ("青海", "西北"),
    ("宁夏", "西北"),
];

/// Writes all tables into a folder.
pub fn send(world: &World, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let tables = [
        ("policy", policy::POLICY.to_owned()),
        ("advice", policy::ADVICE.to_owned()),
        ("rfm_class", policy::RFM_CLASS.to_owned()),
        ("survey_weight", policy::SURVEY_WEIGHT.to_owned()),
        ("complaint_cost", policy::COMPLAINT_COST.to_owned()),
        ("value_proposition", policy::VALUE_PROPOSITION.to_owned()),
        ("holiday", holidays::csv()),
        ("product", products(world)),
        ("dealer", dealers(world)),
        ("outlet", outlets(world)),
        ("region", regions()),
        ("brand", brands()),
        ("benchmark", benchmarks()),
        ("industry", industries()),
        ("industry_alias", aliases()),
        ("segment_policy", segments()),
        ("fx_rate", rates(world)),
    ];
    for (name, text) in tables {
        fs::write(folder.join(format!("{name}.csv")), text).unwrap();
    }
}

fn products(world: &World) -> String {
    let mut text = "product_code,name,product_type,series,product_class,launch_date,standard_price\n".to_owned();
    for product in &world.products {
        let price = money(product.price);
        let words = format!("{},{},{}", product.kind, product.series, product.class);
        writeln!(text, "{},{},{words},{},{price}", product.code, product.name, product.launched_on).unwrap();
    }
    text
}

/// Dealers that left before the first order line.
const FORMER_DEALERS: &str = "\
D901,安徽昱峻机械销售有限公司,安徽,2009-04-01,2018-12-31,C,false,周立新,华东
D902,湖南砺畅工程销售有限公司,湖南,2011-09-15,2021-06-30,D,false,许春梅,华中
D903,江苏旌麟建设销售有限公司,江苏,2014-01-01,2022-12-31,B,true,韩思远,华东
";

fn dealers(world: &World) -> String {
    let header = "dealer_code,name,province,joined_on,left_on,credit_grade,is_backbone,coach,authorized_regions\n";
    let mut text = format!("{header}{FORMER_DEALERS}");
    for dealer in &world.dealers {
        let left = dealer.left_on.map_or(String::new(), |day| day.to_string());
        let name = quoted(&dealer.name, ',');
        let terms = format!("{},{left},{},{}", dealer.joined_on, dealer.grade, dealer.is_backbone);
        let regions = authorized(dealer.province);
        writeln!(text, "{},{name},{},{terms},{},{regions}", dealer.code, dealer.province, dealer.coach).unwrap();
    }
    text
}

/// The home region, and a neighbour of some, joined by semicolons.
fn authorized(province: &str) -> String {
    let home = PLACES.iter().find(|place| place.province == province).unwrap().region;
    match mark(&[province]) % 3 {
        0 if home != "华东" => format!("{home};华东"),
        _ => home.to_owned(),
    }
}

fn outlets(world: &World) -> String {
    let mut text = "province,kind,dealer\n".to_owned();
    for dealer in &world.dealers {
        for kind in ["sales", "service", "parts", "warehouse", "office"] {
            let is_kept = kind == "sales" || mark(&[&dealer.code, kind]) % 5 < 2;
            if is_kept {
                writeln!(text, "{},{kind},{}", dealer.province, dealer.code).unwrap();
            }
        }
    }
    text
}

fn regions() -> String {
    let mut text = "province,region,country,is_domestic\n".to_owned();
    for place in &PLACES {
        let (province, region, country) = (place.province, place.region, place.country);
        writeln!(text, "{province},{region},{country},{}", country == "CN").unwrap();
    }
    for (province, region) in OTHER_PROVINCES {
        writeln!(text, "{province},{region},CN,true").unwrap();
    }
    text
}

fn brands() -> String {
    let mut text = "brand,role,competition_level,strategic_intent\n".to_owned();
    for brand in &BRANDS {
        writeln!(text, "{},{},{},{}", brand.code, brand.role, brand.level, brand.intent).unwrap();
    }
    text
}

/// The dearest rival is the benchmark, another one for loaders.
fn benchmarks() -> String {
    let mut text = "product_type,brand\n".to_owned();
    for (product_type, _) in PRODUCT_TYPES {
        let brand = if product_type == "loader" { BRANDS[3].code } else { BRANDS[1].code };
        writeln!(text, "{product_type},{brand}").unwrap();
    }
    text
}

fn industries() -> String {
    let mut text = "industry,industry_group,is_core,is_served\n".to_owned();
    for industry in &INDUSTRIES {
        writeln!(text, "{},{},{},{}", industry.code, industry.group, industry.is_core, industry.is_served).unwrap();
    }
    text
}

fn aliases() -> String {
    let mut text = "alias,industry\n".to_owned();
    for industry in &INDUSTRIES {
        writeln!(text, "{0},{0}", industry.code).unwrap();
        for alias in industry.aliases {
            writeln!(text, "{alias},{}", industry.code).unwrap();
        }
    }
    text
}

/// Fit and target share of each segment; targets were raised in 2024 or 2025.
fn segments() -> String {
    let mut text = "region,product_type,industry,strategic_fit,target_share,valid_from\n".to_owned();
    for region in places::regions() {
        for (product_type, _) in PRODUCT_TYPES {
            for industry in &INDUSTRIES {
                segment(&mut text, region, product_type, industry);
            }
        }
    }
    text
}

fn segment(text: &mut String, region: &str, product_type: &str, industry: &places::Industry) {
    let mark = mark(&[region, product_type, industry.code]);
    let fit = if industry.is_core { 60 + mark % 41 } else { 10 + mark % 50 };
    let raised_from = ["2024-07-01", "2025-01-01"][usize::from(mark % 3 > 0)];
    for (raise, valid_from) in [(0, "2020-01-01"), (3, raised_from)] {
        if raise == 0 || industry.is_core {
            let share = decimal(15 + mark % 20 + raise, 2);
            let words = format!("{region},{product_type},{}", industry.code);
            writeln!(text, "{words},{},{share},{valid_from}", decimal(fit, 2)).unwrap();
        }
    }
}

/// Two rates are missing on purpose: the baht's of August 2024, the real's of November 2025.
fn rates(world: &World) -> String {
    let mut text = "month,currency,rate\n".to_owned();
    let begin = months::date(2021, 7, 1);
    let last = months::add(months::first_of(world.plan.run_date), 2);
    for count in 0..=months::between(begin, last) {
        let month = months::add(begin, count);
        for currency in ["CNY", "EUR", "USD", "THB", "BRL"] {
            if !is_missing(month, currency) {
                let rate = decimal(places::rate_micros(currency, count), 6);
                writeln!(text, "{month},{currency},{rate}").unwrap();
            }
        }
    }
    text
}

fn is_missing(month: NaiveDate, currency: &str) -> bool {
    (month, currency) == (months::date(2024, 8, 1), "THB") || (month, currency) == (months::date(2025, 11, 1), "BRL")
}
