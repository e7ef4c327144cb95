//! Many random single changes, each by somebody who may do everything in the database: all are seen, where they were made.
//! `PROOF_TAMPER_ROUNDS` and `PROOF_TAMPER_SEED` choose how many and which.

use keygate::audit::Finding;
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use super::Recorded;

const LOGS: [&str; 2] = ["api_key_usage_audit", "exchange_api_calls"];

/// A change, and the places of which at least one must be named.
struct Change {
    statement: String,
    rows: Vec<Uuid>,
    seqs: Vec<i64>,
}

#[tokio::test]
async fn any_single_change_is_seen_where_it_was_made() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let rounds = number("PROOF_TAMPER_ROUNDS").unwrap_or(400);
    let seed = number("PROOF_TAMPER_SEED").unwrap_or_else(|| u64::from_be_bytes(seal::random::array()));
    println!("PROOF_TAMPER_SEED={seed} PROOF_TAMPER_ROUNDS={rounds}");
    let mut recorded = Recorded::new(50).await;
    unlock(&mut recorded).await;
    recorded.save().await;
    recorded.restore().await;
    Recorded::clean(&recorded.report(keygate::audit::Scope::default()).await);
    let mut dice = Dice(seed | 1);
    for round in 0..rounds {
        let change = draw(&mut recorded, &mut dice).await;
        recorded.execute(&change.statement).await;
        let findings = recorded.findings().await;
        assert!(change.is_located(&findings), "round {round}: {}\n{findings:?}", change.statement);
        recorded.restore().await;
    }
}

/// Constraints would stop some of the changes; a superuser drops them.
async fn unlock(recorded: &mut Recorded) {
    let statements = "select format('alter table %s drop constraint %I cascade', conrelid::regclass, conname)
             from pg_constraint where conrelid = any($1::regclass[]) and contype in ('c', 'p')
         union all
         select format('alter table %s alter column %I drop not null', attrelid::regclass, attname)
             from pg_attribute where attrelid = any($1::regclass[]) and attnotnull and attnum > 0
         union all
         select format('drop index %I', relname) from pg_class where relname = any($2)";
    let indexes = LOGS.map(|log| format!("{log}_chain_key"));
    let rows = sqlx::query(statements).bind(LOGS.map(str::to_owned)).bind(indexes);
    for row in rows.fetch_all(&mut recorded.superuser).await.unwrap() {
        // dropping a primary key drops the `not null` of its columns too
        let statement: String = row.get(0);
        recorded.execute(&statement).await;
    }
}

async fn draw(recorded: &mut Recorded, dice: &mut Dice) -> Change {
    let log = LOGS[dice.below(2)];
    let rows = format!("select id, chain_seq, user_id from {log} order by user_id, chain_seq");
    let rows = sqlx::query(AssertSqlSafe(rows)).fetch_all(&mut recorded.superuser).await.unwrap();
    let place = |at: usize| (rows[at].get::<Uuid, _>("id"), rows[at].get::<i64, _>("chain_seq"));
    let at = dice.below(rows.len());
    let ((id, seq), (other, other_seq)) =
        (place(at), place((at + 1 + dice.below(rows.len() - 1)) % rows.len()));
    let (last, last_seq) = place(rows.len() - 1);
    let here = |statement: String| Change { statement, rows: vec![id], seqs: vec![seq] };
    let head = format!("where log = '{log}'");
    match dice.below(20) {
        0 => here(format!("delete from {log} where id = '{id}'")),
        1 => Change { rows: vec![id, other], seqs: vec![seq, other_seq], ..here(swap(recorded, log, id, other).await) },
        2 => Change {
            rows: vec![id, other],
            ..here(format!(
                "update {log} set chain_seq = {seq} + {other_seq} - chain_seq where id in ('{id}', '{other}')"
            ))
        },
        3 => {
            let new = Uuid::from_bytes(seal::random::array());
            let seq = ["null", "0", "chain_seq", "-chain_seq", "chain_seq + 1", "1000000"][dice.below(6)];
            let statement = format!(
                "create temp table copied as select * from {log} where id = '{id}';
                 update copied set id = '{new}', chain_seq = {seq};
                 insert into {log} select * from copied; drop table copied"
            );
            // of one that claims to be from before the chains only the number is known
            let seqs = if seq == "0" { vec![1] } else { Vec::new() };
            Change { statement, rows: vec![new], seqs }
        }
        4 => Change {
            rows: vec![last],
            seqs: vec![seq, last_seq, seq - 1],
            ..here(format!("delete from {log} where chain_seq >= {seq}"))
        },
        5 => Change {
            seqs: vec![seq, seq - 1],
            ..here(format!(
                "delete from {log} where chain_seq > {seq};
                 update keygate.audit_head set seq = {seq}, mac = (select chain_mac from {log} where id = '{id}') {head};
                 delete from {log} where id = '{last}'"
            ))
        },
        6 => Change { seqs: vec![last_seq], ..here(format!("delete from keygate.audit_head {head}")) },
        7 => Change {
            seqs: vec![last_seq, last_seq + 1, last_seq - 1],
            ..here(format!(
                "update keygate.audit_head set {} {head}",
                ["seq = seq + 1", "seq = seq - 1", "mac = sha256(mac)"][dice.below(3)]
            ))
        },
        _ => Change {
            seqs: vec![seq, seq + 1, last_seq],
            ..here(edit(recorded, dice, log, id).await)
        },
    }
}

/// All that two rows say changes places, and only that.
async fn swap(recorded: &mut Recorded, log: &str, id: Uuid, other: Uuid) -> String {
    let columns =
        "select string_agg(quote_ident(attname), ', ') from pg_attribute where attrelid = $1::regclass
                   and attnum > 0 and not attisdropped and attname not like 'chain\\_%'";
    let columns: String =
        sqlx::query_scalar(columns).bind(log).fetch_one(&mut recorded.superuser).await.unwrap();
    format!(
        "create temp table two as select * from {log} where id in ('{id}', '{other}');
         update {log} l set ({columns}) = (select {columns} from two where two.id <> l.id)
         where id in ('{id}', '{other}'); drop table two"
    )
}

/// One column becomes another value, or null, or empty.
async fn edit(recorded: &mut Recorded, dice: &mut Dice, log: &str, id: Uuid) -> String {
    let columns = "select attname::text as name, format_type(atttypid, null) as kind from pg_attribute
                   where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum";
    let columns = sqlx::query(columns).bind(log).fetch_all(&mut recorded.superuser).await.unwrap();
    let column = &columns[dice.below(columns.len())];
    let (name, kind) = (column.get::<String, _>("name"), column.get::<String, _>("kind"));
    let other = match kind.as_str() {
        "uuid" => "gen_random_uuid()",
        "integer" | "bigint" => "coalesce({}, 0) + 1",
        "boolean" => "not coalesce({}, true)",
        "bytea" => "sha256({})",
        "inet" => "coalesce({}, '192.0.2.1') + 1",
        "json" => "coalesce({}::text || ' ', '{}')::json",
        "text[]" => "coalesce({}, '{}') || 'x'::text",
        "timestamp with time zone" | "timestamp without time zone" => {
            "coalesce({}, '2026-01-01') + interval '1 microsecond'"
        }
        _ if dice.below(2) == 0 => "case when {} is null then '' else {} || ' ' end",
        _ => "coalesce(overlay({} placing 'x' from 1 for 1), '-')",
    };
    let other = other.replace("'{}'", "'\u{1}'").replace("{}", &name).replace('\u{1}', "{}");
    let nulled = format!("select {name} is not null from {log} where id = '{id}'");
    let nulled: bool =
        sqlx::query_scalar(AssertSqlSafe(nulled)).fetch_one(&mut recorded.superuser).await.unwrap();
    let other = if nulled && dice.below(4) == 0 { "null" } else { &other };
    format!("update {log} set {name} = {other} where id = '{id}'")
}

impl Change {
    fn is_located(&self, findings: &[Finding]) -> bool {
        findings.iter().any(|finding| {
            finding.row.is_some_and(|row| self.rows.contains(&row))
                || finding.seq.is_some_and(|seq| self.seqs.contains(&seq))
        })
    }
}

/// Xorshift: the same seed, the same changes.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}
