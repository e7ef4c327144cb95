//! What would have happened, rule by rule.

use serde_json::Value;

use crate::cli::{
    output::{Output, cell, out},
    remote::Remote,
};

pub fn show(remote: &Remote, report: &Value) {
    if remote.output != Output::Table {
        return remote.output.one(report, &[]);
    }
    let part = |name: &str| cell(report.get(name));
    out(&format!(
        "Of {} calls from {} to {}, {} would have been refused.\n",
        part("calls"),
        part("from"),
        part("to"),
        part("denied")
    ));
    if report["complete"] != true {
        out("There were more calls than can be gone through.\n");
    }
    for rule in list(report, "rules") {
        tell(rule);
    }
    if report["passes_now"] != 0 {
        out(&format!(
            "{} calls that were refused then would not be, by what can be judged.\n",
            part("passes_now")
        ));
    }
    if report["estimated"] != 0 {
        out(&format!("{} orders are valued at today's prices.\n", part("estimated")));
    }
    for own in list(report, "not_judged") {
        let part = |name: &str| cell(own.get(name));
        out(&format!("Not judged by {}: {} calls, {}.\n", part("rule"), part("calls"), part("reason")));
    }
}

fn tell(rule: &Value) {
    let part = |name: &str| cell(rule.get(name));
    out(&format!(
        "{}: {} calls, {} of them refused then as well\n",
        part("rule"),
        part("calls"),
        part("refused_then")
    ));
    for day in list(rule, "by_day") {
        out(&format!("  {}: {}\n", cell(day.get("day")), cell(day.get("calls"))));
    }
    for example in list(rule, "examples") {
        let part = |name: &str| cell(example.get(name));
        out(&format!("  {} {} {}: {}\n", part("at"), part("method"), part("path"), part("reason")));
    }
}

fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value[name].as_array().into_iter().flatten()
}
