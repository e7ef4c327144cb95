//! The folders of the exchanges, and the tables that tests find in them. They take the folder of all exchanges as an
//! argument, so that a test can show that one more folder is enough.

use std::{
    fs,
    path::{Path, PathBuf},
};

use exchange::{Definition, Method};
use serde_json::Value;

/// One exchange: what it is, and the files beside it.
pub struct Folder {
    pub definition: Definition,
    path: PathBuf,
}

/// A line of `endpoints.txt`.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub class: String,
    pub method: Method,
    pub path: String,
}

/// A line of `harmless.txt`: endpoints that begin like this, and why their names say more than they do.
#[derive(Clone, Debug)]
pub struct Excuse {
    pub method: String,
    pub start: String,
    pub why: String,
}

/// Where the exchanges of this crate are.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("exchanges")
}

/// Every folder there, by name.
pub fn folders(root: &Path) -> Vec<Folder> {
    let mut paths: Vec<_> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(Folder::read).collect()
}

/// A folder of exchanges with one that no file knows: a copy of `of` under the name `newcomer`. Each test has its own.
pub fn newcomer(test: &str, of: &str) -> PathBuf {
    let there = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("newcomer-{test}-{of}"));
    let folder = there.join(NEWCOMER);
    let _ = fs::remove_dir_all(&there);
    fs::create_dir_all(&folder).unwrap();
    for file in fs::read_dir(root().join(of)).unwrap() {
        let file = file.unwrap();
        let text = fs::read_to_string(file.path()).unwrap();
        let renamed = text
            .replace(&format!("id = \"{of}\""), &format!("id = \"{NEWCOMER}\""))
            .replace(&format!("\"exchange\": \"{of}\""), &format!("\"exchange\": \"{NEWCOMER}\""));
        fs::write(folder.join(file.file_name()), renamed).unwrap();
    }
    there
}

/// What [`newcomer`] is called.
pub const NEWCOMER: &str = "newcomer";

impl Folder {
    fn read(path: PathBuf) -> Folder {
        let text = fs::read_to_string(path.join("exchange.toml")).unwrap();
        let definition =
            Definition::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Folder { definition, path }
    }

    pub fn id(&self) -> &str {
        self.definition.id()
    }

    /// A file's text; empty without the file.
    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path.join(name)).unwrap_or_default()
    }

    /// A file's JSON; null without the file.
    pub fn json(&self, name: &str) -> Value {
        let text = self.text(name);
        match text.is_empty() {
            true => Value::Null,
            false => {
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{} {name}: {error}", self.id()))
            }
        }
    }

    /// `endpoints.txt`: what a client library knows.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        let row = |line: &str| {
            let [class, method, path] = line.split_whitespace().collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            let method = Method::parse(method).unwrap();
            Endpoint { class: class.to_owned(), method, path: path.to_owned() }
        };
        self.text("endpoints.txt").lines().map(row).collect()
    }

    /// `harmless.txt`: method, how the path begins, and behind them the reason.
    pub fn excuses(&self) -> Vec<Excuse> {
        let row = |line: &str| {
            let mut words = line.splitn(3, ' ').map(|word| word.trim().to_owned());
            let mut next = || words.next().filter(|word| !word.is_empty());
            let (Some(method), Some(start), Some(why)) = (next(), next(), next()) else {
                panic!("{} harmless.txt: {line}", self.id())
            };
            Excuse { method, start, why }
        };
        self.text("harmless.txt").lines().map(row).collect()
    }

    /// `bypasses.json`: requests that must be refused.
    pub fn bypasses(&self) -> Vec<Value> {
        self.json("bypasses.json").as_array().cloned().unwrap_or_default()
    }
}
