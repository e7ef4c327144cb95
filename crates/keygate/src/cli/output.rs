//! Writing: data to standard output, words to standard error. A reader that closes the pipe has read
//! enough, which is success. Text from elsewhere cannot steer the terminal: control characters are replaced.

use std::io::{self, Write};

use clap::ValueEnum;
use comfy_table::{Table, presets};
use serde_json::Value;

/// The form of data on standard output. JSON is what the server answered, member by member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Aligned columns for people
    Table,
    /// One JSON document
    Json,
    /// One JSON object per line
    Jsonl,
}

/// A column of a table: its heading, and the JSON pointer of its value.
pub type Column = (&'static str, &'static str);

impl Output {
    /// Many things of one kind.
    pub fn list(self, items: &[Value], columns: &[Column]) {
        match self {
            Output::Table => out(&table(items, columns)),
            Output::Json => out(&format!("{:#}\n", Value::from(items.to_vec()))),
            Output::Jsonl => items.iter().for_each(|item| out(&format!("{item}\n"))),
        }
    }

    /// One thing, a line per member.
    pub fn one(self, item: &Value, columns: &[Column]) {
        match self {
            Output::Table => out(&members(item, columns)),
            Output::Json => out(&format!("{item:#}\n")),
            Output::Jsonl => out(&format!("{item}\n")),
        }
    }
}

/// Data, to standard output.
pub fn out(text: &str) {
    out_bytes(text.as_bytes());
}

/// Data as it came, to standard output.
pub fn out_bytes(bytes: &[u8]) {
    let mut stdout = anstream::stdout().lock();
    if let Err(error) = stdout.write_all(bytes).and_then(|()| stdout.flush())
        && error.kind() == io::ErrorKind::BrokenPipe
    {
        std::process::exit(0);
    }
}

/// Words for a person, to standard error.
pub fn say(text: &str) {
    let mut stderr = anstream::stderr().lock();
    // Nobody is left to tell when standard error is closed.
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// A value as one cell: `-` where there is none.
pub fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "-".to_owned(),
        Some(Value::String(text)) => printable(text),
        Some(Value::Bool(yes)) => if *yes { "yes" } else { "no" }.to_owned(),
        Some(Value::Array(items)) => items.iter().map(|item| cell(Some(item))).collect::<Vec<_>>().join(","),
        Some(other) => printable(&other.to_string()),
    }
}

/// Text from a server or an exchange, without what would move the cursor or colour the line.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn table(items: &[Value], columns: &[Column]) -> String {
    let mut table = blank_table();
    table.set_header(columns.iter().map(|(heading, _)| heading.to_uppercase()));
    for item in items {
        table.add_row(columns.iter().map(|(_, pointer)| cell(item.pointer(pointer))));
    }
    text_of(&table)
}

fn members(item: &Value, columns: &[Column]) -> String {
    let mut table = blank_table();
    for (heading, pointer) in columns {
        table.add_row([(*heading).to_owned(), cell(item.pointer(pointer))]);
    }
    text_of(&table)
}

fn blank_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}

fn text_of(table: &Table) -> String {
    let lines = table.lines().map(|line| format!("{}\n", line.trim()));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_from_elsewhere_cannot_steer_the_terminal() {
        assert_eq!(cell(Some(&json!("a\u{1b}[2Jb\n"))), "a\u{fffd}[2Jb\u{fffd}");
    }

    #[test]
    fn columns_line_up_and_missing_values_show() {
        let items = [json!({"a": "long one", "b": true}), json!({"a": "x", "b": null})];
        assert_eq!(table(&items, &[("a", "/a"), ("b", "/b")]), "A         B\nlong one  yes\nx         -\n");
    }
}
