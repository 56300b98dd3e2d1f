//! How the cells of a column are written: keys of a column → words, numerals, scales, cleaners and limits.
//!
//! In: the keys as written and the column's type. Out: what normalization compiles, and findings about keys that have no
//! meaning for the type or contradict each other. Deliberately does not read dates: `normalize` compiles formats.

use arrow::datatypes::DataType;

use super::{
    file,
    findings::Findings,
    project::{BooleanWords, Clean, Numerals, Pattern, Scale},
    spans::{At, OneOrMany, Scalar},
    types,
};
use crate::record::Diagnostic;

/// The year from which on two digits are of the 20th century, as POSIX has it.
const YEAR_PIVOT: u8 = 69;

/// Formats that are a word and no pattern.
const FORMAT_WORDS: [&str; 4] = ["excel_serial", "excel_serial_1904", "unix_seconds", "unix_milliseconds"];

/// Letters that may follow `%` in a format.
const FORMAT_LETTERS: &str = "YymdebBhaAHIpMSfzZTRFD%E:";

/// Checks a format as far as it can be judged by its letters.
pub fn date_format(format: &At<String>, findings: &mut Findings) {
    let text = format.value.as_str();
    if FORMAT_WORDS.contains(&text) {
        return;
    }
    let letters: Vec<char> = text.split('%').skip(1).filter_map(|piece| piece.chars().next()).collect();
    let is_known = text.contains("%%") || letters.iter().all(|letter| FORMAT_LETTERS.contains(*letter));
    if letters.is_empty() || !is_known {
        let message = format!("`{text}` is not a format of dates");
        let words = FORMAT_WORDS.map(|word| format!("`{word}`")).join(", ");
        findings.error(
            &format.range,
            message,
            format!("write it as `%Y/%m/%d` or `%Y-%m-%d %H:%M:%S`, or one of {words}"),
        );
    }
}

/// Warns of two formats of a column that read one text as different dates.
pub fn formats_agree(formats: &[At<String>], findings: &mut Findings) {
    for (index, format) in formats.iter().enumerate() {
        let Some(other) = formats[..index].iter().find(|other| reads_like(&other.value, &format.value)) else {
            continue;
        };
        let message = format!("`{}` and `{}` can read one text as different dates", other.value, format.value);
        let hint =
            "the first that fits wins, row by row: keep one, and give the files of the other a contract of their own";
        let place = findings.place(&format.range);
        findings.push(Diagnostic::error(message, place).hint(hint).into_warning());
    }
}

/// Returns whether two formats differ only in the order of day, month and two-digit year, so that a text may fit both.
#[must_use]
pub fn reads_like(one: &str, other: &str) -> bool {
    let spelled = |format: &str| format.replace("%D", "%m/%d/%y").replace("%e", "%d");
    let (one, other) = (spelled(one), spelled(other));
    let shape =
        |format: &str| ["%d", "%m", "%y"].iter().fold(format.to_owned(), |text, piece| text.replace(piece, "%?"));
    one != other && shape(&one) == shape(&other)
}

/// Returns the first two-digit year of the 20th century.
pub fn year_pivot(written: &file::Column, findings: &mut Findings) -> u8 {
    let Some(pivot) = &written.year_pivot else { return YEAR_PIVOT };
    if !written.formats.iter().any(|format| format.value.contains("%y")) {
        let hint = "it is for formats with two-digit years (`%y`)";
        findings.error(&pivot.range, "`year_pivot` without a format that has `%y`", hint);
    }
    let year = u8::try_from(pivot.value).ok().filter(|year| *year <= 100);
    year.unwrap_or_else(|| {
        findings.error(&pivot.range, "`year_pivot` is more than 100", "write the first two-digit year of the 1900s");
        YEAR_PIVOT
    })
}

/// Returns the true words and the false words.
pub fn boolean_words(
    written: &file::Column,
    null_words: &[String],
    data_type: Option<&DataType>,
    findings: &mut Findings,
) -> BooleanWords {
    let usual = BooleanWords::default();
    let mut words = |key: &str, list: &Option<At<Vec<Scalar>>>, usual: Vec<String>| {
        let Some(At { value, range }) = list else { return usual };
        only_for(key, range, data_type, &[DataType::Boolean], findings);
        if value.is_empty() {
            findings.error(range, format!("`{key}` is empty"), "name the words, or leave the key out");
        }
        for word in value.iter().filter(|word| null_words.contains(&word.0)) {
            let message = format!("`{}` is among `{key}` and means NULL", word.0);
            findings.error(range, message, "keep the word in one of `null_words` and the words of a boolean");
        }
        value.iter().map(|word| word.0.clone()).collect()
    };
    let mut yes = words("true_words", &written.true_words, usual.yes);
    let mut no = words("false_words", &written.false_words, usual.no);
    let is_in = |list: &[String], word: &String| list.iter().any(|other| other.to_lowercase() == word.to_lowercase());
    match (&written.true_words, &written.false_words) {
        // A word that is declared for one side is none of the usual words of the other.
        (Some(_), None) => no.retain(|word| !is_in(&yes, word)),
        (None, Some(_)) => yes.retain(|word| !is_in(&no, word)),
        (Some(_), Some(written)) => {
            if let Some(word) = no.iter().find(|word| is_in(&yes, word)) {
                let message = format!("`{word}` is a true word and a false word");
                findings.error(&written.range, message, "keep it in one of the two");
            }
        }
        (None, None) => {}
    }
    BooleanWords { yes, no }
}

/// Returns how numbers are written.
pub fn numerals(written: &file::Column, data_type: Option<&DataType>, findings: &mut Findings) -> Numerals {
    let ranges = [
        ("decimal_mark", written.decimal_mark.as_ref().map(|at| &at.range)),
        ("percent", written.percent.as_ref().map(|at| &at.range)),
        ("currency", written.currency.as_ref().map(|at| &at.range)),
        ("accounting", written.accounting.as_ref().map(|at| &at.range)),
        ("chinese_units", written.chinese_units.as_ref().map(|at| &at.range)),
    ];
    for (key, range) in ranges {
        if let (Some(range), Some(data_type)) = (range, data_type.filter(|data_type| !types::is_number(data_type))) {
            let message = format!("`{key}` on a column of type `{}`", types::name(data_type));
            findings.error(range, message, "only numbers are written so");
        }
    }
    let is_set = |flag: &Option<At<bool>>| flag.as_ref().map(|flag| flag.value);
    Numerals {
        decimal_mark: written.decimal_mark.as_ref().map(|mark| mark.value),
        percent: is_set(&written.percent).unwrap_or(false),
        currency: is_set(&written.currency),
        accounting: is_set(&written.accounting),
        chinese_units: is_set(&written.chinese_units).unwrap_or(false),
    }
}

/// The cleaners by name.
const CLEANERS: [(&str, Clean); 8] = [
    ("phone", Clean::Phone),
    ("tax_id", Clean::TaxId),
    ("email", Clean::Email),
    ("name", Clean::Name),
    ("nfkc", Clean::Nfkc),
    ("simplified", Clean::Simplified),
    ("upper", Clean::Upper),
    ("lower", Clean::Lower),
];

/// Returns the cleaners in their order.
pub fn cleaners(
    written: Option<At<OneOrMany<file::CleanWord>>>,
    validate: Option<&At<bool>>,
    findings: &mut Findings,
) -> Vec<Clean> {
    let mut list = Vec::new();
    if let Some(At { value: words, range }) = written {
        let is_empty = words.0.is_empty();
        list = words.0.into_iter().filter_map(|word| cleaner(&word.0, &range, findings)).collect();
        cleaners_agree(&list, is_empty, &range, findings);
    }
    let is_checked = |how: &Clean| matches!(how, Clean::Phone | Clean::TaxId | Clean::Email);
    if let Some(validate) = validate.filter(|validate| validate.value && !list.iter().any(is_checked)) {
        let hint = "add `clean: phone`, `tax_id` or `email`, or give a `pattern`";
        findings.error(&validate.range, "`validate` without a cleaner that knows what is valid", hint);
    }
    list
}

fn cleaner(word: &str, range: &std::ops::Range<usize>, findings: &mut Findings) -> Option<Clean> {
    let found = CLEANERS.iter().find(|(name, _)| *name == word).map(|(_, how)| *how);
    if found.is_none() {
        let names = CLEANERS.iter().map(|(name, _)| *name);
        findings.unknown(range, format!("unknown value `{word}`"), word, names);
    }
    found
}

fn cleaners_agree(list: &[Clean], is_empty: bool, range: &std::ops::Range<usize>, findings: &mut Findings) {
    if is_empty {
        findings.error(range, "`clean` is empty", "name a cleaner, or leave the key out");
    }
    if (1..list.len()).any(|at| list[..at].contains(&list[at])) {
        findings.error(range, "`clean` has a cleaner twice", "keep one");
    }
    let several = |kind: &[Clean]| list.iter().filter(|how| kind.contains(how)).count() > 1;
    if several(&[Clean::Upper, Clean::Lower]) {
        findings.error(range, "`upper` beside `lower`", "keep one of the two");
    }
    if several(&[Clean::Phone, Clean::TaxId, Clean::Email]) {
        let hint = "a column holds phone numbers, tax ids or e-mail addresses: keep one";
        findings.error(range, "cleaners of different things", hint);
    }
}

/// Returns whether cells are trimmed.
pub fn trim(written: Option<&At<bool>>, data_type: Option<&DataType>, findings: &mut Findings) -> bool {
    let Some(trim) = written else { return true };
    only_for("trim", &trim.range, data_type, &[DataType::Utf8], findings);
    trim.value
}

/// Returns how many characters a string may have.
pub fn max_length(written: Option<&At<u64>>, data_type: Option<&DataType>, findings: &mut Findings) -> Option<usize> {
    let limit = written?;
    only_for("max_length", &limit.range, data_type, &[DataType::Utf8], findings);
    if limit.value == 0 {
        findings.error(&limit.range, "`max_length` is 0", "write how many characters a value may have");
    }
    usize::try_from(limit.value).ok()
}

/// Returns what a whole string must match.
pub fn pattern(written: Option<At<String>>, data_type: Option<&DataType>, findings: &mut Findings) -> Option<Pattern> {
    let At { value: text, range } = written?;
    only_for("pattern", &range, data_type, &[DataType::Utf8], findings);
    match regex::Regex::new(&format!("^(?:{text})$")) {
        Ok(expression) => Some(Pattern { text, expression }),
        Err(error) => {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            findings.error(&range, format!("`{text}` is not a regular expression"), why);
            None
        }
    }
}

/// Returns a regular expression over paths that has the group `group`; `example` is what may stand in it.
pub fn path_pattern(written: &At<String>, group: &str, example: &str, findings: &mut Findings) -> Option<regex::Regex> {
    match regex::Regex::new(&written.value) {
        Ok(pattern) if pattern.capture_names().flatten().any(|name| name == group) => return Some(pattern),
        Ok(_) => findings.error(
            &written.range,
            format!("the regular expression has no group `{group}`"),
            format!("write the {group}'s part as `(?<{group}>{example})`"),
        ),
        Err(error) => {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            findings.error(
                &written.range,
                format!("the regular expression cannot be read: {reason}"),
                "in double quotes YAML wants every `\\` twice",
            );
        }
    }
    None
}

fn only_for(
    key: &str,
    range: &std::ops::Range<usize>,
    actual: Option<&DataType>,
    wanted: &[DataType],
    findings: &mut Findings,
) {
    let Some(actual) = actual.filter(|actual| !wanted.contains(actual)) else { return };
    let message = format!("`{key}` on a column of type `{}`", types::name(actual));
    let wanted: Vec<String> = wanted.iter().map(|data_type| format!("`{}`", types::name(data_type))).collect();
    findings.error(range, message, format!("only a {} has it", wanted.join(" or ")));
}

/// Returns the factor of an alias.
pub fn scale(by: Option<&At<Scalar>>, divide: Option<&At<Scalar>>, findings: &mut Findings) -> Scale {
    let multiply = by.map_or(Some((1, 1)), |text| factor("scale_by", text, findings));
    let divide = divide.map_or(Some((1, 1)), |text| factor("divide_by", text, findings));
    let (Some((up, down)), Some((divisor, scale))) = (multiply, divide) else { return Scale::ONE };
    let (multiply, divide) = (i128::from(up) * i128::from(scale), i128::from(down) * i128::from(divisor));
    let common = gcd(multiply, divide);
    let narrow = |value: i128| i64::try_from(value / common).ok();
    if let (Some(multiply), Some(divide)) = (narrow(multiply), narrow(divide)) {
        return Scale { multiply, divide };
    }
    if let Some(by) = by {
        findings.error(&by.range, "the factor has more than 18 digits", "write a smaller factor");
    }
    Scale::ONE
}

/// Reads a positive decimal as a fraction: `0.01` is 1/100.
fn factor(key: &str, written: &At<Scalar>, findings: &mut Findings) -> Option<(i64, i64)> {
    let text = written.value.0.trim();
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{decimals}");
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.is_empty() && digits.len() <= 18;
    let value = digits.parse::<i64>().ok().filter(|value| is_plain && *value > 0);
    let unit = u32::try_from(decimals.len()).ok().and_then(|places| 10_i64.checked_pow(places));
    if let (Some(value), Some(unit)) = (value, unit) {
        return Some((value, unit));
    }
    let does = if key == "scale_by" { "multiplied" } else { "divided" };
    let hint = format!("write what the file's number is {does} by, a positive number of at most 18 digits");
    findings.error(&written.range, format!("`{key}` is no positive number"), hint);
    None
}

fn gcd(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
