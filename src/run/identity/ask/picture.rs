//! An explained id as a page of charts: its records, how they hang together, how the evidence for each link adds up.
//!
//! In: [`IdExplained`]. Out: a [`FilledReport`], drawn by the same scripts as a report. A link that a rule or a person made is named
//! and has no waterfall, since nothing was weighed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::explained::{IdExplained, MemberShown, TieShown};
use crate::{
    define::project::{
        Title,
        report::{ChartKind, Format, How, Order},
    },
    run::{
        identity::reasons::{PRIOR, RARITY},
        report::{FilledChart, FilledReport, FilledSection, Measured, Shown},
    },
};

impl IdExplained {
    /// Returns the page that shows it.
    #[must_use]
    pub fn page(&self) -> FilledReport {
        let section = |title: Title, charts: Vec<Option<FilledChart>>| FilledSection {
            title,
            charts: charts.into_iter().flatten().collect(),
        };
        let sections = vec![
            section(title("是谁", "Who it is"), vec![Some(self.members())]),
            section(title("怎么连在一起", "What holds it together"), vec![self.ties(), self.evidence(), self.apart()]),
            section(title("经过", "What happened"), vec![self.happened()]),
        ];
        FilledReport {
            name: "identity".to_owned(),
            title: title(
                &format!("{}：为什么是同一个", self.id),
                &format!("{}: why it is one {}", self.id, self.entity),
            ),
            description: None,
            snapshot: self.snapshot.clone(),
            run_date: self.run_date.to_string(),
            currency: Title::default(),
            filters: Vec::new(),
            words: self.words(),
            sections: sections.into_iter().filter(|section| !section.charts.is_empty()).collect(),
        }
    }

    fn members(&self) -> FilledChart {
        let values = |of: fn(&MemberShown) -> &[(String, String)]| {
            let mut names: Vec<&str> = Vec::new();
            for (name, _) in self.members.iter().flat_map(of) {
                if !names.contains(&name.as_str()) {
                    names.push(name);
                }
            }
            names
        };
        let (written, compared) = (values(|member| &member.record.values), values(|member| &member.compared_as));
        let mut by = vec![
            text("source", title("来源", "Source")),
            text("key", title("键", "Key")),
            Shown { format: Format::Date, ..text("date", title("首次出现", "First seen")) },
        ];
        by.extend(written.iter().map(|name| text(&format!("value {name}"), self.title_of(name))));
        by.extend(compared.iter().map(|name| {
            let Title { zh, en } = self.title_of(name);
            let (zh, en) = (zh.unwrap_or_default(), en.unwrap_or_default());
            text(&format!("compared {name}"), title(&format!("{zh}（比较用）"), &format!("{en}, as compared")))
        }));
        by.push(text("rule", title("依据", "Tied by")));
        by.push(text("reason", title("理由", "Reason")));
        by.push(text("to", title("连到", "To")));
        let find = |values: &[(String, String)], name: &str| {
            values.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        let row = |member: &MemberShown| {
            let tie = member.tie.as_ref();
            let record = &member.record;
            let mut row = vec![json!(record.source), json!(record.key), json!(member.date)];
            row.extend(written.iter().map(|name| json!(find(&record.values, name))));
            row.extend(compared.iter().map(|name| json!(find(&member.compared_as, name))));
            row.push(json!(tie.map(|tie| &tie.rule)));
            row.push(json!(tie.and_then(|tie| tie.reason.as_ref())));
            row.push(json!(tie.map(TieShown::other)));
            row.push(json!(tie.and_then(|tie| tie.score)));
            row
        };
        let note = title(
            "第一行是奠基记录，标识由它而来。“比较用”是预处理后的值，只列出与原值不同的。",
            "The first record is the founder, whose own id it is. As compared: the value after preparation, where it differs.",
        );
        let rows = self.members.iter().map(row).collect();
        chart("members", title("记录", "Records"), note, ChartKind::Table, by, vec![probability()], rows)
    }

    fn ties(&self) -> Option<FilledChart> {
        let named = |member: &MemberShown| format!("{} {}", member.record.source, member.record.key);
        let row = |member: &MemberShown| {
            let tie = member.tie.as_ref();
            vec![
                json!(named(member)),
                json!(tie.map(TieShown::other)),
                json!(tie.map(|tie| &tie.rule)),
                json!(tie.and_then(|tie| tie.score)),
            ]
        };
        let by = vec![
            text("record", title("记录", "Record")),
            text("to", title("连到", "To")),
            text("rule", title("依据", "Tied by")),
        ];
        let note = title(
            "每条记录沿最强的连接通向奠基记录。实线是规则或人的决定，虚线是证据及其概率。",
            "Each record leads to the founder by its strongest links. Solid: a rule or a person; dashed: evidence, with its probability.",
        );
        let rows: Vec<_> = self.members.iter().map(row).collect();
        let is_worth_drawing = rows.len() > 1;
        is_worth_drawing
            .then(|| chart("ties", title("连接", "Links"), note, ChartKind::Tree, by, vec![probability()], rows))
    }

    fn evidence(&self) -> Option<FilledChart> {
        let mut rows = Vec::new();
        for member in &self.members {
            let Some(tie) = member.tie.as_ref() else { continue };
            let pair = format!("{} {} ~ {}", member.record.source, member.record.key, tie.other());
            rows.extend(tie.steps.iter().map(|(what, level, bits)| {
                vec![json!(pair), json!(tie.score), json!(step(what, level.as_deref())), json!(bits)]
            }));
        }
        let by = vec![
            text("pair", title("两条记录", "Records")),
            Shown { format: Format::Share, ..text("probability", title("概率", "Probability")) },
            text("step", title("比较", "Comparison")),
        ];
        let bits = Measured {
            how: How::Sum,
            columns: vec!["bits".to_owned()],
            title: title("比特", "Bits"),
            format: Format::Signed,
            has_bars: false,
        };
        let note = title(
            "每一步加减多少比特（以2为底的几率对数）：起点是任意两条记录，向右是同一个的证据，向左相反。结果为0时概率是50%，每多1比特几率翻倍。",
            "What each comparison adds, in bits (log2 of the odds): it begins with any two records; right speaks for one thing, left against. A result of 0 is a probability of 50 %, and each bit more doubles the odds.",
        );
        let title = title("证据瀑布", "How the evidence adds up");
        (!rows.is_empty()).then(|| chart("evidence", title, note, ChartKind::Waterfalls, by, vec![bits], rows))
    }

    fn apart(&self) -> Option<FilledChart> {
        let row = |apart: &super::Apart| {
            vec![
                json!(format!("{} {}", apart.source, apart.key)),
                json!(format!("{} {}", apart.other_source, apart.other_key)),
                json!(apart.other_id),
                json!(apart.why),
                json!(apart.reason),
            ]
        };
        let by = vec![
            text("record", title("记录", "Record")),
            text("other", title("另一条记录", "Other record")),
            text("other_id", title("它的标识", "Its id")),
            text("why", title("因为", "Because of")),
            text("reason", title("理由", "Reason")),
        ];
        let note = title(
            "本可相连、但被否决或人的决定分开，或连接太弱、撑不住两边的记录。",
            "Records that would be linked, but for a veto, a person's decision, or a link too weak to hold both groups together.",
        );
        let rows: Vec<_> = self.kept_apart.iter().map(row).collect();
        (!rows.is_empty())
            .then(|| chart("apart", title("分开的", "Kept apart"), note, ChartKind::Table, by, Vec::new(), rows))
    }

    fn happened(&self) -> Option<FilledChart> {
        let rows: Vec<_> = self.events.iter().map(|event| vec![json!(event)]).collect();
        let by = vec![text("event", title("事件", "Event"))];
        let title = title("事件", "Events");
        (!rows.is_empty()).then(|| chart("events", title, Title::default(), ChartKind::Table, by, Vec::new(), rows))
    }

    /// Returns what readers call an attribute.
    fn title_of(&self, attribute: &str) -> Title {
        let known = self.titles.get(attribute).cloned().unwrap_or_default();
        let en = known.en.unwrap_or_else(|| attribute.to_owned());
        Title { zh: known.zh.or_else(|| Some(en.clone())), en: Some(en) }
    }

    /// Returns what readers see in place of the words of rules and steps.
    fn words(&self) -> BTreeMap<String, Title> {
        let built_in = [
            ("evidence", title("证据", "evidence")),
            ("reference", title("记录指明", "named by the record")),
            ("override", title("人工决定", "a person's decision")),
            ("cohesion", title("连接太弱", "the link is too weak")),
        ];
        let mut words: BTreeMap<String, Title> =
            built_in.into_iter().map(|(word, title)| (word.to_owned(), title)).collect();
        let ties = self.members.iter().filter_map(|member| member.tie.as_ref());
        for (what, level, _) in ties.flat_map(|tie| &tie.steps) {
            words.insert(step(what, level.as_deref()), self.step_title(what, level.as_deref()));
        }
        words
    }

    fn step_title(&self, what: &str, level: Option<&str>) -> Title {
        let Title { zh, en } = self.title_of(what);
        let (zh, en) = (zh.unwrap_or_default(), en.unwrap_or_default());
        match level {
            None if what == PRIOR => title("起点：任意两条记录", "Any two records"),
            None => title(&format!("{zh}：无可比较"), &format!("{en}: nothing to compare")),
            Some(RARITY) => title(&format!("{zh}：罕见程度"), &format!("{en}: how rare it is")),
            Some(level) => title(&format!("{zh}：{level}"), &format!("{en}: {level}")),
        }
    }
}

impl TieShown {
    /// Returns the record that the tie leads to.
    fn other(&self) -> String {
        format!("{} {}", self.source, self.key)
    }
}

/// Returns the code of a step.
fn step(what: &str, level: Option<&str>) -> String {
    level.map_or_else(|| what.to_owned(), |level| format!("{what}: {level}"))
}

fn title(zh: &str, en: &str) -> Title {
    Title { zh: Some(zh.to_owned()), en: Some(en.to_owned()) }
}

fn text(column: &str, title: Title) -> Shown {
    Shown { column: column.to_owned(), title, format: Format::Text, values: Vec::new() }
}

fn probability() -> Measured {
    Measured {
        how: How::Value,
        columns: vec!["score".to_owned()],
        title: title("概率", "Probability"),
        format: Format::Share,
        has_bars: false,
    }
}

/// Makes a chart whose rows have the columns of `by` and then those of `show`.
fn chart(
    name: &str,
    title: Title,
    note: Title,
    kind: ChartKind,
    by: Vec<Shown>,
    show: Vec<Measured>,
    rows: Vec<Vec<Value>>,
) -> FilledChart {
    let columns = by.iter().map(|shown| &shown.column).chain(show.iter().flat_map(|measure| &measure.columns));
    FilledChart {
        columns: columns.cloned().collect(),
        name: name.to_owned(),
        title,
        note,
        kind,
        by,
        show,
        order: Order::Rows,
        limit: None,
        is_stacked: false,
        is_horizontal: false,
        rows,
    }
}
