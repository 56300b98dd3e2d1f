//! Holidays: days that are free though no weekend, and weekend days that are worked to make up for them.
//!
//! Those of China follow the yearly notices up to 2026; 2027 is what is to be expected. Other countries: fixed days.

use std::fmt::Write;

use chrono::NaiveDate;

use crate::months;

/// Name, first and last day (month × 100 + day) of a holiday, and the days worked in exchange.
type Holiday = (&'static str, u32, u32, &'static [u32]);

const CHINA: [(i32, &[Holiday]); 7] = [
    (
        2021,
        &[
            ("元旦", 101, 103, &[]),
            ("春节", 211, 217, &[207, 220]),
            ("清明节", 403, 405, &[]),
            ("劳动节", 501, 505, &[425, 508]),
            ("端午节", 612, 614, &[]),
            ("中秋节", 919, 921, &[918]),
            ("国庆节", 1001, 1007, &[926, 1009]),
        ],
    ),
    (
        2022,
        &[
            ("元旦", 101, 103, &[]),
            ("春节", 131, 206, &[129, 130]),
            ("清明节", 403, 405, &[402]),
            ("劳动节", 430, 504, &[424, 507]),
            ("端午节", 603, 605, &[]),
            ("中秋节", 910, 912, &[]),
            ("国庆节", 1001, 1007, &[1008, 1009]),
            ("元旦", 1231, 1231, &[]),
        ],
    ),
    (
        2023,
        &[
            ("元旦", 101, 102, &[]),
            ("春节", 121, 127, &[128, 129]),
            ("清明节", 405, 405, &[]),
            ("劳动节", 429, 503, &[423, 506]),
            ("端午节", 622, 624, &[625]),
            ("中秋节、国庆节", 929, 1006, &[1007, 1008]),
        ],
    ),
    (
        2024,
        &[
            ("元旦", 101, 101, &[]),
            ("春节", 210, 217, &[204, 218]),
            ("清明节", 404, 406, &[407]),
            ("劳动节", 501, 505, &[428, 511]),
            ("端午节", 610, 610, &[]),
            ("中秋节", 915, 917, &[914]),
            ("国庆节", 1001, 1007, &[929, 1012]),
        ],
    ),
    (
        2025,
        &[
            ("元旦", 101, 101, &[]),
            ("春节", 128, 204, &[126, 208]),
            ("清明节", 404, 406, &[]),
            ("劳动节", 501, 505, &[427]),
            ("端午节", 531, 602, &[]),
            ("国庆节、中秋节", 1001, 1008, &[928, 1011]),
        ],
    ),
    (
        2026,
        &[
            ("元旦", 101, 103, &[104]),
            ("春节", 215, 223, &[214, 228]),
            ("清明节", 404, 406, &[]),
            ("劳动节", 501, 505, &[509]),
            ("端午节", 619, 621, &[]),
            ("中秋节", 925, 927, &[]),
            ("国庆节", 1001, 1007, &[920, 1010]),
        ],
    ),
    (
        2027,
        &[
            ("元旦", 101, 103, &[]),
            ("春节", 205, 211, &[213]),
            ("清明节", 403, 405, &[]),
            ("劳动节", 501, 505, &[508]),
            ("端午节", 609, 609, &[]),
            ("中秋节", 915, 915, &[]),
            ("国庆节", 1001, 1007, &[1009]),
        ],
    ),
];

const ABROAD: [(&str, &[(u32, &str)]); 2] = [
    (
        "DE",
        &[
            (101, "Neujahr"),
            (501, "Tag der Arbeit"),
            (1003, "Tag der Deutschen Einheit"),
            (1225, "Weihnachten"),
            (1226, "Weihnachten"),
        ],
    ),
    (
        "TH",
        &[
            (101, "New Year"),
            (413, "Songkran"),
            (414, "Songkran"),
            (415, "Songkran"),
            (501, "Labour Day"),
            (1205, "Father's Day"),
            (1231, "New Year's Eve"),
        ],
    ),
];

/// Writes `reference/holiday.csv`.
pub fn csv() -> String {
    let mut text = "country,day,is_working,name\n".to_owned();
    for (year, holidays) in CHINA {
        for holiday in holidays {
            chinese(&mut text, year, holiday);
        }
        for (country, days) in ABROAD {
            for (day, name) in days {
                writeln!(text, "{country},{},false,{name}", day_of(year, *day)).unwrap();
            }
        }
    }
    text
}

/// Lists the days before the holidays at home.
pub fn eves() -> Vec<NaiveDate> {
    let eve = |year, holiday: &Holiday| months::add_days(day_of(year, holiday.1), -1);
    CHINA.iter().flat_map(|(year, holidays)| holidays.iter().map(|holiday| eve(*year, holiday))).collect()
}

fn chinese(text: &mut String, year: i32, (name, first, last, worked): &Holiday) {
    let mut day = day_of(year, *first);
    while day <= day_of(year, *last) {
        writeln!(text, "CN,{day},false,{name}").unwrap();
        day = months::add_days(day, 1);
    }
    for day in *worked {
        writeln!(text, "CN,{},true,{name}调休", day_of(year, *day)).unwrap();
    }
}

fn day_of(year: i32, day: u32) -> NaiveDate {
    months::date(year, day / 100, day % 100)
}
