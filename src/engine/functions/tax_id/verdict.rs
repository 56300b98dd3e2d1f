//! The verdict on a text that should be a tax id. Deliberately knows no engine: contracts are fuzzed without one.

/// The signs in the order of their values (GB 32100-2015): no I, O, S, V and Z.
const SIGNS: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// Signs of a 统一社会信用代码, the last of which checks the others.
const LENGTH: usize = 18;
/// Signs of an older registration, which has no check.
const OLD_LENGTH: usize = 15;

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A tax id, as far as it shows.
    Possible,
    /// It has so many signs, not 18 or 15.
    Length(usize),
    /// It has a sign that no tax id has.
    Sign,
    /// Its check digit should be this one.
    CheckDigit(char),
}

/// Judges a text of upper-case letters and digits.
#[must_use]
pub fn judge(text: &str) -> Verdict {
    let signs = text.as_bytes();
    match signs.len() {
        OLD_LENGTH => Verdict::Possible,
        LENGTH => match check_sign(&signs[..LENGTH - 1]) {
            None => Verdict::Sign,
            Some(expected) if expected == signs[LENGTH - 1] => Verdict::Possible,
            Some(expected) => Verdict::CheckDigit(char::from(expected)),
        },
        length => Verdict::Length(length),
    }
}

/// Returns the last sign: 31 − Σ value × 3^place mod 31, modulo 31.
fn check_sign(signs: &[u8]) -> Option<u8> {
    let (mut sum, mut weight) = (0, 1);
    for sign in signs {
        sum += SIGNS.iter().position(|known| known == sign)? * weight;
        weight = weight * 3 % 31;
    }
    SIGNS.get((31 - sum % 31) % 31).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tax_id_is_judged_by_its_length_its_signs_and_its_check_digit() {
        assert_eq!(judge("91350100M000100Y43"), Verdict::Possible);
        assert_eq!(judge("91350100M000100Y42"), Verdict::CheckDigit('3'));
        assert_eq!(judge("91350100M000100I43"), Verdict::Sign);
        assert_eq!(judge("370102123456789"), Verdict::Possible);
        assert_eq!(judge("9135"), Verdict::Length(4));
        assert_eq!(judge(""), Verdict::Length(0));
    }

    #[test]
    fn one_wrong_sign_is_always_found() {
        let valid = b"91350100M000100Y43";
        for place in 0..valid.len() {
            for sign in SIGNS.iter().filter(|sign| **sign != valid[place]) {
                let mut wrong = *valid;
                wrong[place] = *sign;
                assert_ne!(judge(&String::from_utf8_lossy(&wrong)), Verdict::Possible, "{place}");
            }
        }
    }
}
