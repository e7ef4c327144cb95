//! Who may do what with whose rows: every table, every operation, every kind of caller, against the expectations in
//! `matrix.txt`. A right too few fails as well as a right too many.
//!
//! Each cell is about one row of Alice. `1`: seen or changed. `0`: the statement ran and did not touch it. `x`: no
//! right. `c`: stopped by a constraint or trigger. The blind forms have no WHERE: a WHERE reads a column, so the
//! SELECT policy would hide a wide-open UPDATE or DELETE policy.

use std::fmt::Write;

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::context::mint;
use crate::fixture::{ALICE, BOB, TABLES, Table, run, seed, user_id};
use crate::world::World;

/// A caller: a role, and whose context.
pub struct Actor {
    pub name: &'static str,
    role: &'static str,
    user: Option<u8>,
}

pub const ACTORS: [Actor; 12] = [
    Actor { name: "owner", role: "authenticated", user: Some(ALICE) },
    Actor { name: "other", role: "authenticated", user: Some(BOB) },
    Actor { name: "unset", role: "authenticated", user: None },
    Actor { name: "anon", role: "anon", user: None },
    Actor { name: "service", role: "service_role", user: None },
    Actor { name: "signer", role: "keygate_signer", user: Some(ALICE) },
    Actor { name: "signer-other", role: "keygate_signer", user: Some(BOB) },
    Actor { name: "admin", role: "keygate_admin", user: Some(BOB) },
    Actor { name: "login", role: "keygate_app", user: Some(ALICE) },
    Actor { name: "table-owner", role: "keygate_owner", user: None },
    Actor { name: "keysmith", role: "keygate_keysmith", user: Some(BOB) },
    Actor { name: "backup", role: "keygate_backup", user: None },
];

const OPERATIONS: [&str; 13] = [
    "select",
    "select-all",
    "lock",
    "insert",
    "update",
    "update-blind",
    "delete",
    "delete-blind",
    "upsert",
    "give",
    "give-blind",
    "truncate",
    "copy",
];

#[tokio::test]
async fn every_caller_may_do_exactly_what_the_matrix_says() {
    let world = World::new().await;
    let mut superuser = world.scratch.superuser().await.unwrap();
    seed(&mut superuser).await;
    run(&mut superuser, "begin").await;
    let mut probes = 0;
    let mut found = String::new();
    for table in &TABLES {
        let mut outcomes = probe_table(&mut superuser, table).await;
        outcomes.push(copy_table(&world, table).await);
        assert_no_stranger(table, &outcomes);
        probes += outcomes.iter().flatten().filter(|&&outcome| outcome != '.').count();
        write_table(&mut found, table, &outcomes);
    }
    println!("matrix: {probes} probes");
    let expected = include_str!("matrix.txt");
    let start = expected.find("\ntable").unwrap() + 1;
    if std::env::var_os("WRITE_FILES").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/database/matrix.txt");
        std::fs::write(path, format!("{}{}\n", &expected[..start], found.trim_end())).unwrap();
        return;
    }
    let expected = &expected[start..];
    for (found, expected) in found.split("\n\n").zip(expected.split("\n\n")) {
        assert_eq!(found.trim(), expected.trim(), "\nfound:\n{found}\n\nexpected:\n{expected}\n");
    }
    assert_eq!(found.trim().len(), expected.trim().len(), "a table is missing from one side");
    assert!(probes > 2900, "only {probes} probes");
}

/// What no edit of the expectations can excuse: a stranger who reaches Alice's row.
pub fn assert_no_stranger(table: &Table, outcomes: &[Vec<char>]) {
    let strangers = ["other", "unset", "anon", "signer-other", "login"];
    for (operation, line) in OPERATIONS.iter().zip(outcomes) {
        for (actor, outcome) in ACTORS.iter().zip(line) {
            let stranger = strangers.contains(&actor.name) && table.give.is_some();
            assert!(!stranger || *outcome != '1', "{}: {} by {}", table.name, operation, actor.name);
        }
    }
}

/// One line per operation, one column per actor.
pub async fn probe_table(superuser: &mut PgConnection, table: &Table) -> Vec<Vec<char>> {
    let pid = pid(superuser).await;
    let mut outcomes = Vec::new();
    for operation in &OPERATIONS[..12] {
        let mut line = Vec::new();
        for actor in &ACTORS {
            line.push(probe(superuser, table, operation, &actor.switch(pid)).await);
        }
        outcomes.push(line);
    }
    outcomes
}

/// Each on a connection of its own, because sqlx loses step with the server when a COPY is refused.
async fn copy_table(world: &World, table: &Table) -> Vec<char> {
    let mut line = Vec::new();
    for actor in &ACTORS {
        let mut connection = world.scratch.superuser().await.unwrap();
        run(&mut connection, "begin").await;
        let switch = actor.switch(pid(&mut connection).await);
        run(&mut connection, &switch).await;
        let statement = format!("copy {} to stdout", table.name);
        line.push(match copy(&mut connection, &statement).await {
            Ok(text) => digit(match table.give {
                Some(_) => text.contains("0000a1"),
                None => !text.is_empty(),
            }),
            Err(error) => refusal(&error, &statement),
        });
    }
    line
}

async fn copy(connection: &mut PgConnection, statement: &str) -> sqlx::Result<String> {
    let parts: Vec<_> = connection.copy_out_raw(statement).await?.try_collect().await?;
    Ok(String::from_utf8(parts.concat()).unwrap())
}

fn write_table(text: &mut String, table: &Table, outcomes: &[Vec<char>]) {
    writeln!(text, "table {}", table.name).unwrap();
    for (operation, line) in OPERATIONS.iter().zip(outcomes) {
        write!(text, "{operation:<14}").unwrap();
        for (actor, outcome) in ACTORS.iter().zip(line) {
            write!(text, "{outcome:>width$}", width = actor.name.len() + 2).unwrap();
        }
        text.push('\n');
    }
    text.push('\n');
}

async fn probe(superuser: &mut PgConnection, table: &Table, operation: &str, switch: &str) -> char {
    let Some(statement) = statement(table, operation) else { return '.' };
    let before = version(superuser, table).await;
    run(superuser, switch).await;
    let seen = perform(superuser, operation, &statement).await;
    let outcome = match seen {
        Ok(Some(seen)) => digit(seen),
        Ok(None) => {
            run(superuser, "reset session authorization; reset role").await;
            digit(version(superuser, table).await != before)
        }
        Err(error) => refusal(&error, &statement),
    };
    run(superuser, "rollback to savepoint probe; release savepoint probe").await;
    outcome
}

fn digit(yes: bool) -> char {
    if yes { '1' } else { '0' }
}

fn refusal(error: &sqlx::Error, statement: &str) -> char {
    let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned();
    match code.as_str() {
        "42501" => 'x',
        code if code.starts_with("23") => 'c',
        _ => panic!("{error:?}\n{statement}"),
    }
}

/// The statement of an operation, or none where the table has no such thing.
fn statement(table: &Table, operation: &str) -> Option<String> {
    let Table { name, conflict, column, value, give, .. } = table;
    let row = table.fill(table.row, ALICE, 1);
    let give = give.map(|give| table.fill(give, ALICE, 1));
    Some(match operation {
        "select" => format!("select {conflict} from {name} where {row}"),
        "select-all" => format!("select {row} as hit from {name}"),
        "lock" => format!("select {conflict} from {name} where {row} for update"),
        "insert" => table.insertion(ALICE, 2),
        "update" => format!("update {name} set {column} = {value} where {row}"),
        "update-blind" => format!("update {name} set {column} = {value}"),
        "delete" => format!("delete from {name} where {row}"),
        "delete-blind" => format!("delete from {name}"),
        "upsert" => {
            let insertion = table.upsertion(ALICE, 1);
            format!("{insertion} on conflict ({conflict}) do update set {column} = {value}")
        }
        "give" => format!("update {name} set {} where {row}", give?),
        "give-blind" => format!("update {name} set {}", give?),
        "truncate" => format!("truncate {name} cascade"),
        _ => unreachable!(),
    })
}

/// For reading operations, whether Alice's row was among the answers.
async fn perform(
    connection: &mut PgConnection,
    operation: &str,
    statement: &str,
) -> sqlx::Result<Option<bool>> {
    match operation {
        "select" | "lock" => {
            Ok(Some(!sqlx::query(AssertSqlSafe(statement)).fetch_all(connection).await?.is_empty()))
        }
        "select-all" => {
            let rows = sqlx::query(AssertSqlSafe(statement)).fetch_all(connection).await?;
            Ok(Some(rows.iter().any(|row| row.get("hit"))))
        }
        _ => {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await?;
            Ok(None)
        }
    }
}

/// The version of Alice's rows: an update, a deletion and an insertion all change it.
async fn version(superuser: &mut PgConnection, table: &Table) -> Vec<String> {
    let rows = format!("({}) or ({})", table.fill(table.row, ALICE, 1), table.fill(table.row, ALICE, 2));
    let select = format!("select ctid::text from {} where {rows} order by 1", table.name);
    sqlx::query_scalar(AssertSqlSafe(select)).fetch_all(superuser).await.unwrap()
}

async fn pid(connection: &mut PgConnection) -> i32 {
    sqlx::query_scalar("select pg_backend_pid()").fetch_one(connection).await.unwrap()
}

impl Actor {
    /// What turns a superuser's transaction into this caller's, until the savepoint is rolled back.
    fn switch(&self, pid: i32) -> String {
        let context = self.user.map(|user| mint(&user_id(user), pid)).unwrap_or_default();
        // a login is a session of its own, the others are roles taken by one
        let kind = if self.role == "keygate_app" { "session authorization" } else { "role" };
        format!("savepoint probe; set local keygate.ctx = '{context}'; set local {kind} {}", self.role)
    }
}
