//! What a page is made of.

use serde_json::{Value, json};

use super::*;

/// Returns the data that a page carries, as its script reads it.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(data).unwrap()
}

#[test]
fn a_page_carries_its_data_unchanged() {
    let given = json!({ "rows": [["a", 1.5, null, "小松 \"北\" & Söhne"]] });
    assert_eq!(data(&html("Title", &given).unwrap()), given);
}

#[test]
fn names_cannot_become_markup_or_code() {
    let names = [
        "</script><script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "{{script}}",
        "a\u{2028}b\u{2029}c",
        "]]>",
        "<!--",
    ];
    let page = html("Who </title><script>x", &json!(names)).unwrap();
    assert_eq!(data(&page), json!(names));
    // The charting library has words of its own; a name must add none to them.
    let bare = html("", &json!([])).unwrap();
    for word in ["<script", "<img", "\u{2028}", "\u{2029}"] {
        assert_eq!(page.matches(word).count(), bare.matches(word).count(), "{word:?}");
    }
    assert!(page.contains("<title>Who &lt;/title&gt;&lt;script&gt;x</title>"));
}

#[test]
fn the_same_data_gives_the_same_bytes() {
    let given = json!({ "b": 1, "a": [true] });
    assert_eq!(html("T", &given).unwrap(), html("T", &given).unwrap());
}

#[test]
fn no_part_ends_the_element_that_holds_it() {
    for part in SCRIPTS.iter().chain([&CHARTS]) {
        assert!(!part.contains("</script") && !part.contains("<!--"));
    }
    assert!(!STYLE.contains("</style"));
}

#[test]
fn the_page_names_no_address_that_a_browser_would_fetch() {
    let own = [FRAME, STYLE].into_iter().chain(SCRIPTS);
    for part in own {
        for word in ["http://", "https://", "src=", "@import", "url(", "fetch(", "XMLHttpRequest", "innerHTML"] {
            assert!(!part.contains(word), "{word}");
        }
    }
    assert!(FRAME.contains("default-src 'none'"));
}
