//! The live catalogue against the contract: fifteen tables with their columns, policies and indexes.

use std::collections::BTreeSet;

use serde::Deserialize;
use sqlx::{PgConnection, Row};

use crate::world::World;

#[derive(Deserialize)]
struct Table {
    name: String,
    columns: Vec<Column>,
    policies: Vec<Policy>,
    indexes: Vec<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Column {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    nullable: bool,
    default: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Policy {
    name: String,
    command: String,
    role: String,
}

fn contract() -> Vec<Table> {
    serde_json::from_str(include_str!("contract.json")).unwrap()
}

#[tokio::test]
async fn the_catalogue_keeps_the_contract() {
    let world = World::new().await;
    let mut superuser = world.scratch.superuser().await.unwrap();
    let contract = contract();
    let (mut columns, mut policies, mut indexes) = (0, 0, 0);
    for table in &contract {
        columns += check_columns(&mut superuser, table).await;
        policies += check_policies(&mut superuser, table).await;
        indexes += check_indexes(&mut superuser, table).await;
    }
    let found = (contract.len(), columns, policies, indexes);
    println!(
        "contract: {}/15 tables, {columns}/242 columns, {policies}/46 policies, {indexes}/57 indexes",
        found.0
    );
    assert_eq!(found, (15, 242, 46, 57));
}

async fn check_columns(superuser: &mut PgConnection, table: &Table) -> usize {
    let rows = sqlx::query(
        "select a.attname::text as name, not a.attnotnull as nullable, t.typname::text as base,
                format_type(a.atttypid, a.atttypmod) as full_type, pg_get_expr(d.adbin, d.adrelid) as default
         from pg_attribute a
         join pg_type t on t.oid = a.atttypid
         left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
         where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped",
    )
    .bind(format!("public.{}", table.name))
    .fetch_all(superuser)
    .await
    .unwrap();
    let live: Vec<Column> = rows
        .iter()
        .map(|row| Column {
            name: row.get("name"),
            kind: short_type(row.get("base"), row.get("full_type")),
            nullable: row.get("nullable"),
            default: row.get("default"),
        })
        .collect();
    for column in &table.columns {
        let found = live.iter().find(|live| live.name == column.name);
        assert_eq!(found, Some(column), "column of {}", table.name);
    }
    table.columns.len()
}

/// The contract writes `varchar(100)` where PostgreSQL says `character varying(100)`, and the short names else.
fn short_type(base: String, full: String) -> String {
    match full.strip_prefix("character varying") {
        Some(length) => format!("varchar{length}"),
        None => base,
    }
}

async fn check_policies(superuser: &mut PgConnection, table: &Table) -> usize {
    let live: Vec<(String, String, Vec<String>)> = sqlx::query_as(
        "select policyname::text, cmd, roles::text[] from pg_policies where schemaname = 'public' and tablename = $1",
    )
    .bind(&table.name)
    .fetch_all(superuser)
    .await
    .unwrap();
    let (ours, theirs): (Vec<_>, Vec<_>) =
        live.into_iter().partition(|(name, ..)| name.starts_with("keygate_"));
    assert!(ours.len() < 10, "{}: many policies of our own: {ours:?}", table.name);
    assert_eq!(theirs.len(), table.policies.len(), "{}: {theirs:?}", table.name);
    for policy in &table.policies {
        let wanted = (policy.name.clone(), policy.command.clone(), vec![policy.role.clone()]);
        assert!(theirs.contains(&wanted), "{}: {wanted:?} is not among {theirs:?}", table.name);
    }
    table.policies.len()
}

async fn check_indexes(superuser: &mut PgConnection, table: &Table) -> usize {
    let live: Vec<String> = sqlx::query_scalar(
        "select indexname::text from pg_indexes where schemaname = 'public' and tablename = $1",
    )
    .bind(&table.name)
    .fetch_all(superuser)
    .await
    .unwrap();
    let live: BTreeSet<&str> = live.iter().map(String::as_str).collect();
    for index in &table.indexes {
        assert!(live.contains(index.as_str()), "{}: {index} is not among {live:?}", table.name);
    }
    table.indexes.len()
}
