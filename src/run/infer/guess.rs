//! The type of a column: counts of its values and its name → a type of the contract, with what it rests on.
//!
//! Deliberately careful: what could lose a leading zero or a digit stays text, and a type is guessed only where at most one
//! value in fifty is none of it.

use super::{
    names::{self, Kind},
    profile::{Figures, Profile, largest},
};
use crate::{define, record::DecimalMark};

/// What a column is taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guess {
    /// The type as a contract writes it.
    pub data_type: String,
    /// Formats of dates besides ISO.
    pub formats: Vec<String>,
    /// How numbers are written, where a contract says it: the decimal mark, and whether currencies stand beside them.
    pub decimal_mark: Option<DecimalMark>,
    pub currency: bool,
    /// Values that are of that type.
    pub fits: u64,
    /// What a person should know.
    pub notes: Vec<String>,
    /// Cleaner and kind of personal data.
    pub clean: Option<&'static str>,
    pub pii: Option<&'static str>,
}

impl Guess {
    fn of(data_type: impl Into<String>, fits: u64) -> Self {
        let (data_type, formats, notes) = (data_type.into(), Vec::new(), Vec::new());
        Self { data_type, formats, decimal_mark: None, currency: false, fits, notes, clean: None, pii: None }
    }

    /// Returns the column as text.
    pub fn text(profile: &Profile) -> Self {
        Self::of("string", profile.values)
    }

    /// Returns whether it is counted with.
    pub fn is_number(&self) -> bool {
        matches!(self.data_type.as_str(), "int" | "bigint" | "double") || self.data_type.starts_with("decimal")
    }

    fn noted(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// Guesses what a column is.
pub(super) fn guess(name: &str, headers: &[String], profile: &Profile) -> Guess {
    if profile.values == 0 {
        return Guess::of("string", 0).noted("no value in the sample");
    }
    if let Some(guess) = personal(name, headers, profile) {
        return guess;
    }
    boolean(name, headers, profile)
        .or_else(|| date(name, profile))
        .or_else(|| number(name, headers, profile))
        .unwrap_or_else(|| text(name, headers, profile))
}

/// Returns whether so many values are all but a few.
pub(super) fn nearly_all(fits: u64, values: u64) -> bool {
    values > 0 && (values - fits.min(values)) * 50 <= values
}

fn personal(name: &str, headers: &[String], profile: &Profile) -> Option<Guess> {
    let says = |kind| names::says(kind, name, headers);
    let most = |count: u64| count * 5 >= profile.values * 4;
    let found = |clean, pii, count| Guess { clean, pii: Some(pii), ..Guess::of("string", count) };
    if most(profile.emails) || (says(Kind::Email) && profile.emails * 2 >= profile.values) {
        return Some(found(Some("email"), "email", profile.emails));
    }
    if most(profile.person_ids) {
        return Some(found(None, "id", profile.person_ids));
    }
    if (says(Kind::Phone) && profile.phones * 2 >= profile.values) || most(profile.mobiles) {
        return Some(found(Some("phone"), "phone", profile.phones));
    }
    if name.ends_with("tax_id") {
        return Some(Guess { clean: Some("tax_id"), ..Guess::text(profile) });
    }
    let pii = names::personal(name, headers)?;
    if pii == "birth_date" {
        return date(name, profile).map(|guess| Guess { pii: Some(pii), ..guess });
    }
    // Under the same word there may be the number of a customer.
    if pii == "name" && !most(profile.wordy) {
        return None;
    }
    Some(found(None, pii, profile.values).noted("personal by its name"))
}

fn boolean(name: &str, headers: &[String], profile: &Profile) -> Option<Guess> {
    let fits = profile.booleans + profile.bits;
    let is_named = names::is_question(name, headers);
    let is_boolean = nearly_all(fits, profile.values) && (profile.booleans > 0 || is_named);
    // A column of `n` alone is rather a unit or a grade.
    let has_both = profile.different.as_ref().is_some_and(|different| different.len() > 1) || is_named;
    (is_boolean && has_both).then(|| Guess::of("boolean", fits))
}

fn date(name: &str, profile: &Profile) -> Option<Guess> {
    // Dates read from workbooks as numbers stand beside others.
    let serials = if profile.dates > profile.serials { profile.serials } else { 0 };
    let fits = profile.dates + serials;
    let eight_digits = profile.formats.get("%Y%m%d").copied().unwrap_or(0);
    let is_number = eight_digits == profile.dates && !sounds_like_a_date(name);
    if !nearly_all(fits, profile.values) || is_number {
        return None;
    }
    let mut guess = Guess::of(if profile.times > 0 { "timestamp" } else { "date" }, fits);
    let mut formats: Vec<(&String, &u64)> = profile.formats.iter().collect();
    formats.sort_by_key(|(format, count)| (std::cmp::Reverse(**count), month_first(format), (*format).clone()));
    for (format, count) in formats {
        let taken = guess.formats.iter().find(|taken| define::reads_like(taken, format));
        match taken.map(|taken| profile.formats.get(taken)) {
            Some(read) if read == Some(count) => {
                guess.notes.push(format!("`{format}` reads all of them too: ask the sender which it is"));
            }
            Some(_) => {}
            None => guess.formats.push(format.clone()),
        }
    }
    if serials > 0 {
        guess.formats.push("excel_serial".to_owned());
    }
    Some(guess)
}

fn sounds_like_a_date(name: &str) -> bool {
    ["date", "day", "on", "at", "time", "from", "to"].iter().any(|word| name.split('_').any(|part| part == *word))
}

fn month_first(format: &str) -> bool {
    format.starts_with("%m")
}

/// Returns a format that reads all texts that another one reads, as other dates.
pub(super) fn rival<'a>(profile: &'a Profile, format: &str) -> Option<&'a str> {
    let read = profile.formats.get(format)?;
    let is_rival = |(other, count): &(&String, &u64)| *count >= read && define::reads_like(other, format);
    profile.formats.iter().find(is_rival).map(|(other, _)| other.as_str())
}

/// Returns the numbers of a column under the decimal mark that a contract should name for it, where it should: a comma,
/// where files are written with one or where more values are numbers under it.
fn figures(profile: &Profile) -> (&Figures, Option<DecimalMark>) {
    let (own, comma) = (&profile.figures, &profile.comma_figures);
    let is_written = profile.comma_values == profile.values || comma.numbers > own.numbers;
    let is_comma = is_written && nearly_all(comma.numbers, profile.values);
    if is_comma { (comma, Some(DecimalMark::Comma)) } else { (own, None) }
}

fn number(name: &str, headers: &[String], profile: &Profile) -> Option<Guess> {
    let (figures, decimal_mark) = figures(profile);
    if !nearly_all(figures.numbers, profile.values) {
        return None;
    }
    let (whole, long) = largest(&figures.whole_digits);
    let (decimals, fine) = largest(&figures.decimals);
    // One zero in front is enough: it could not be brought back.
    let is_code = names::is_code(name, headers) && profile.fewest_digits >= 5;
    if figures.leading_zeros > 0 || (profile.digit_texts > 0 && whole >= 15 && figures.fractions == 0) || is_code {
        return None;
    }
    let fits = figures.numbers;
    let is_money = names::is_money(name, headers) || figures.currencies > 0;
    let mut guess = if figures.percents > 0 {
        Guess::of("double", fits).noted(format!("{} with a percent sign: 12.5% is 0.125", figures.percents))
    } else if figures.exponents > 0 || decimals > 6 {
        Guess::of("double", fits)
    } else if decimals > 0 || is_money {
        let scale = if is_money { decimals.max(2) } else { decimals };
        let precision = (whole + scale + 3).clamp(18, 38);
        Guess::of(format!("decimal({precision},{scale})"), fits)
    } else {
        Guess::of(if whole <= 7 { "int" } else { "bigint" }, fits)
    };
    (guess.decimal_mark, guess.currency) = (decimal_mark, figures.declared_currencies > 0);
    if figures.percents > 0 {
        return Some(guess);
    }
    let marked = [
        (long, "more digits, as strays"),
        (fine, "more decimals, as strays"),
        (figures.currencies, "a currency"),
        (figures.thousands, "thousands marks"),
    ];
    guess
        .notes
        .extend(marked.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} with {what}")));
    Some(guess)
}

fn text(name: &str, headers: &[String], profile: &Profile) -> Guess {
    let guess = Guess::text(profile);
    if profile.chinese_units > 0 {
        let note =
            format!("{} numbers in front of 万 or 亿, which a number column has to be told of", profile.chinese_units);
        return guess.noted(note);
    }
    let (figures, _) = figures(profile);
    if !nearly_all(figures.numbers, profile.values) {
        return guess;
    }
    guess.noted(if figures.leading_zeros > 0 {
        format!("digits, {} with a zero in front, which a number would lose", figures.leading_zeros)
    } else if names::is_code(name, headers) {
        "digits that identify something".to_owned()
    } else {
        format!("digits, {} of them: too many for a number that is counted with", largest(&figures.whole_digits).0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::DecimalMark;

    fn guessed(header: &str, values: &[&str], mark: DecimalMark) -> Guess {
        let mut profile = Profile::default();
        for value in values {
            profile.add(Some(value), mark);
        }
        let name = names::name_of(header).unwrap_or_default();
        guess(&name, &[header.to_owned()], &profile)
    }

    fn type_of(header: &str, values: &[&str]) -> String {
        let guess = guessed(header, values, DecimalMark::Point);
        [vec![guess.data_type], guess.formats].concat().join(" ")
    }

    #[test]
    fn what_would_lose_a_digit_stays_text() {
        assert_eq!(type_of("邮编", &["010010", "250000"]), "string");
        assert_eq!(type_of("x", &["123456789012345678"]), "string");
        assert_eq!(type_of("order_no", &["4500012345"]), "string");
        assert_eq!(type_of("行号", &["1", "2"]), "int");
    }

    #[test]
    fn numbers_get_room() {
        assert_eq!(type_of("quantity", &["1", "250"]), "int");
        assert_eq!(type_of("employees", &["12345678"]), "bigint");
        assert_eq!(type_of("金额", &["12", "13"]), "decimal(18,2)");
        assert_eq!(type_of("weight", &["1.5", "2.125"]), "decimal(18,3)");
        assert_eq!(type_of("x", &["1e5", "2"]), "double");
        assert_eq!(type_of("税率", &["13%", "6%"]), "double");
    }

    #[test]
    fn dates_come_with_their_formats() {
        assert_eq!(type_of("日期", &["2024-01-05", "2024年1月5日"]), "date %Y年%m月%d日");
        assert_eq!(type_of("d", &["13.01.2024", "03.01.2024"]), "date %d.%m.%Y");
        assert_eq!(type_of("d", &["2024/1/5", "2024/1/6", "45292"]), "date %Y/%m/%d excel_serial");
        assert_eq!(type_of("t", &["2024-01-05 10:30"]), "timestamp");
        assert_eq!(type_of("amount", &["20240105"]), "decimal(18,2)");
        assert_eq!(type_of("amount_cents", &["20240"]), "int");
        assert_eq!(type_of("日期", &["20240105"]), "date %Y%m%d");
    }

    #[test]
    fn what_leaves_the_order_of_a_date_open_is_no_proof_of_it() {
        let notes = |values: &[&str]| guessed("d", values, DecimalMark::Point).notes;
        let open = ["`%m/%d/%Y` reads all of them too: ask the sender which it is"];
        assert_eq!(notes(&["04/01/2026", "04/04/2026", "04/09/2026"]), open);
        assert_eq!(notes(&["04/04/2026"]), open);
        assert_eq!(notes(&["04/04/2026", "13/04/2026"]), Vec::<String>::new());
        assert_eq!(type_of("d", &["07.01.26", "21.01.26"]), "date %d.%m.%y");
        assert_eq!(type_of("d", &["04-May-2026", "15/05/2026"]), "date %d-%b-%Y %d/%m/%Y");
    }

    #[test]
    fn a_decimal_comma_is_written_down() {
        let read = |header: &str, values: &[&str], mark| {
            let guess = guessed(header, values, mark);
            (guess.data_type, guess.decimal_mark)
        };
        let comma = Some(DecimalMark::Comma);
        let price = ["5.546,13", "44.369,04", "€ 26.147,75"];
        assert_eq!(read("Preis", &price, DecimalMark::Point), ("decimal(18,2)".to_owned(), comma));
        assert_eq!(read("Menge", &["1.234", "7"], DecimalMark::Comma), ("int".to_owned(), comma));
        assert_eq!(read("Menge", &["1234", "7"], DecimalMark::Point), ("int".to_owned(), None));
        assert_eq!(read("price", &["1,234.50", "7"], DecimalMark::Point), ("decimal(18,2)".to_owned(), None));
    }

    #[test]
    fn a_currency_is_declared_where_it_must_be() {
        let currency = |values: &[&str]| guessed("Price", values, DecimalMark::Point).currency;
        assert!(currency(&["£4,303.06", "(£12,909.18)"]));
        assert!(!currency(&["$4,303.06"]));
        assert_eq!(type_of("Betrag", &["100.5", "101.5"]), "decimal(18,2)");
    }

    #[test]
    fn personal_data_is_known_in_many_languages() {
        let pii = |header: &str, value: &str| guessed(header, &[value], DecimalMark::Point).pii;
        assert_eq!(pii("Telefon", "+49 221 4700728"), Some("phone"));
        assert_eq!(pii("電話番号", "+81 6 6217 2117"), Some("phone"));
        assert_eq!(pii("E-Mail-Adresse", "a@b.de"), Some("email"));
        assert_eq!(pii("Kunde", "Jäger Bau GmbH"), Some("name"));
        assert_eq!(pii("Kunde", "088765"), None);
    }

    #[test]
    fn one_wrong_value_in_fifty_is_tolerated_and_in_ten_is_not() {
        let many: Vec<&str> = std::iter::repeat_n("7", 60).chain(["many"]).collect();
        assert_eq!(type_of("x", &many), "int");
        assert_eq!(type_of("x", &["1", "2", "many"]), "string");
    }

    #[test]
    fn yes_and_no_are_booleans() {
        assert_eq!(type_of("是否国内", &["是", "否"]), "boolean");
        assert_eq!(type_of("x", &["yes", "no"]), "boolean");
        assert_eq!(type_of("x", &["0", "1"]), "int");
        assert_eq!(type_of("is_new", &["0", "1"]), "boolean");
        assert_eq!(type_of("grade", &["n", "n"]), "string");
    }
}
