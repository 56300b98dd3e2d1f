//! Any text as a source's contract: findings at places of the text, or a contract that compiles or says why not.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use tallyhouse_fuzz::{define, engine::Parameters, normalize::Contract, record::Text};

fuzz_target!(|body: &str| {
    let text = Arc::new(Text { path: "sources/a.yaml".to_owned(), body: body.to_owned() });
    let findings = match define::read_source(text, &|_| None) {
        Ok((source, findings)) => {
            let parameters = Parameters { timezone: chrono_tz::Asia::Shanghai };
            let compiled = Contract::compile(&source, &parameters).err().unwrap_or_default();
            [findings, compiled].concat()
        }
        Err(findings) => findings,
    };
    for finding in findings {
        let range = finding.place.map_or(0..0, |place| place.range);
        assert!(body.get(range.clone()).is_some(), "{}: {range:?} is no part of the text", finding.message);
    }
});
