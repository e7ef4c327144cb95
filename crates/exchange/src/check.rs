//! Whether the files of an exchange fit together: for whoever adds one, before it is built in.

mod orders;
mod words;

use serde_json::{Map, Value};

use crate::{
    Class, Definition, DefinitionError, Exchanges, Method,
    conformance::{self, Message},
};

/// The files of one exchange, as texts.
#[derive(Clone, Copy, Default)]
pub struct Folder<'a> {
    /// `exchange.toml`
    pub definition: &'a str,
    /// `vectors.json`: requests unsigned, as a client signs them, and as they must leave.
    pub vectors: &'a str,
    /// `endpoints.txt`: class, method and path of endpoints; empty without the file.
    pub endpoints: &'a str,
    /// `orders.json`: what is known about markets, client ids, the fate of orders, panics and leverage; empty without
    /// the file.
    pub orders: &'a str,
}

/// What was checked, and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// The exchange's id.
    pub id: String,
    /// How many signatures were made and compared.
    pub signatures: usize,
    /// How many requests were verified as a client's.
    pub verified: usize,
    /// How many endpoints were classified.
    pub endpoints: usize,
    /// How many cases of `orders.json` were tried.
    pub orders: usize,
    /// What does not fit.
    pub problems: Vec<Problem>,
}

/// One thing that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file's name.
    pub file: &'static str,
    /// The vector's id and flow, or the line.
    pub place: String,
    /// What is wrong.
    pub reason: String,
}

const VECTORS: &str = "vectors.json";
const ENDPOINTS: &str = "endpoints.txt";
const ORDERS: &str = "orders.json";

/// Reads a definition and tries it on its vectors, in every flow and as client requests, and on its endpoints.
///
/// Errors: the definition itself cannot be read.
pub fn check(folder: &Folder<'_>) -> Result<Checked, DefinitionError> {
    let definition = Definition::parse(folder.definition)?;
    let mut checked = Checked { id: definition.id().to_owned(), ..Checked::default() };
    checked.endpoints(&definition, folder.endpoints);
    checked.orders(&definition, folder.orders);
    match serde_json::from_str::<Vec<Value>>(folder.vectors) {
        Ok(vectors) => checked.vectors(&Exchanges::of(definition), &vectors),
        Err(error) => {
            checked.problem(VECTORS, format!("line {}", error.line()), "is not an array of vectors")
        }
    }
    Ok(checked)
}

impl Checked {
    fn problem(&mut self, file: &'static str, place: String, reason: impl Into<String>) {
        self.problems.push(Problem { file, place, reason: reason.into() });
    }

    fn vectors(&mut self, exchanges: &Exchanges, vectors: &[Value]) {
        for vector in vectors {
            let id = vector["id"].as_str().unwrap_or("(a vector without an id)");
            for flow in vector["flows"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                self.signatures += 1;
                if let Err(reason) = signs(exchanges, vector, flow) {
                    self.problem(VECTORS, format!("{id} by {flow}"), reason);
                }
            }
            self.verified += 1;
            if let Err(reason) = verifies(exchanges, vector) {
                self.problem(VECTORS, format!("{id} as a client's request"), reason);
            }
        }
        if self.signatures == 0 {
            self.problem(
                VECTORS,
                "the whole file".to_owned(),
                "has no vector: a definition without one is a guess",
            );
        }
    }

    /// Without the file nothing may be said that it would have to show.
    fn orders(&mut self, definition: &Definition, text: &str) {
        let says = !definition.order_status.is_empty() || definition.open_orders.is_some();
        if text.is_empty() && says {
            self.problem(
                ORDERS,
                "the whole file".to_owned(),
                "is missing: what the definition says is a guess",
            );
        }
        if !text.is_empty() {
            let (count, wrong) = orders::check(definition, text);
            self.orders = count;
            wrong.into_iter().for_each(|(place, reason)| self.problem(ORDERS, place, reason));
        }
    }

    fn endpoints(&mut self, definition: &Definition, text: &str) {
        for (at, line) in text.lines().enumerate() {
            self.endpoints += 1;
            let words: Vec<&str> = line.split_whitespace().collect();
            let place = format!("line {}", at + 1);
            let [expected, method, path] = words[..] else {
                self.problem(ENDPOINTS, place, "is not class, method and path");
                continue;
            };
            let class = Method::parse(method).and_then(|method| definition.classify(method, path));
            let class = class.map_or("refused", Class::as_str);
            if class != expected {
                self.problem(ENDPOINTS, place, format!("{method} {path} is {class}, not {expected}"));
            }
        }
    }
}

/// The request of one flow, signed, must be what must leave.
fn signs(exchanges: &Exchanges, vector: &Value, flow: &str) -> Result<(), String> {
    let mut line = vector.clone();
    if let Some(members) = line.as_object_mut() {
        members.retain(|name, _| {
            name == flow || !["request", "dummy_signed", "signed"].contains(&name.as_str())
        });
    }
    let random = vector["compare"] == "jwt_es256";
    let ours = conformance::answer(exchanges, line)?;
    let expected = vector["signed"].as_object().ok_or("there is no signed request to compare with")?;
    for part in ["method", "url", "body", "headers"] {
        if comparable(&ours, part, random) != comparable(expected, part, random) {
            return Err(format!("the {part} is not the expected one"));
        }
    }
    Ok(())
}

/// Header names have no case, no body is an empty one, and of a token with a random signature only the rest counts.
fn comparable(message: &Map<String, Value>, part: &str, random: bool) -> Value {
    let value = message.get(part).cloned().unwrap_or_default();
    let Value::Object(headers) = value else {
        return if value == "" { Value::Null } else { value };
    };
    let lower = headers.into_iter().map(|(name, value)| {
        let token = value
            .as_str()
            .and_then(|text| text.rsplit_once('.'))
            .filter(|_| random && name.eq_ignore_ascii_case("authorization"));
        let value = token.map_or(value.clone(), |(unsigned, _)| unsigned.into());
        (name.to_ascii_lowercase(), value)
    });
    Value::Object(lower.collect::<std::collections::BTreeMap<_, _>>().into_iter().collect())
}

/// What must leave is what a client with the same pair would send.
fn verifies(exchanges: &Exchanges, vector: &Value) -> Result<(), String> {
    let line = conformance::Line::read(vector.clone())?;
    let definition = exchanges.get(&line.exchange).ok_or("is of another exchange")?;
    let message: Message =
        serde_json::from_value(vector["signed"].clone()).map_err(|error| error.to_string())?;
    let pair = line.credentials(definition)?;
    let (_, request) = conformance::read(definition, &message)?;
    definition.verify(&request, &pair, line.now_ms).map(drop).map_err(|error| error.to_string())
}
