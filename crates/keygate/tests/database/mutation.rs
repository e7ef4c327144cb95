//! Would the matrix notice a broken policy? Each policy body is replaced by `true` and each FORCE is dropped, one at
//! a time, and the probes run again: a mutant nobody can tell from the original would be a hole nobody notices.
//!
//! Grants are widened first, or they would hide a policy that no longer holds: each lock is tested with the other
//! one open.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::fixture::{TABLES, Table, run, seed};
use crate::matrix::{assert_no_stranger, probe_table};
use crate::world::World;

struct Policy {
    table: String,
    name: String,
    uses: Option<String>,
    checks: Option<String>,
}

/// Figures of a run.
#[derive(Default)]
struct Tally {
    of_contract: usize,
    of_our_own: usize,
    force: usize,
    equivalent: Vec<String>,
}

#[tokio::test]
async fn every_broken_policy_is_noticed() {
    let world = World::new().await;
    let mut superuser = world.scratch.superuser().await.unwrap();
    seed(&mut superuser).await;
    let policies = policies(&mut superuser).await;
    let mut tally = Tally::default();
    for table in &TABLES {
        run(&mut superuser, "begin").await;
        widen_grants(&mut superuser, table).await;
        let healthy = probe_table(&mut superuser, table).await;
        assert_no_stranger(table, &healthy);
        let control = "select"; // changes nothing, so it must not be noticed
        assert!(!is_noticed(&mut superuser, table, control, &healthy).await, "the probes are not repeatable");
        for policy in policies.iter().filter(|policy| policy.table == table.name) {
            tally.break_policy(&mut superuser, table, policy, &healthy).await;
        }
        tally.drop_force(&mut superuser, table, &healthy).await;
        run(&mut superuser, "rollback").await;
    }
    let Tally { of_contract, of_our_own, force, equivalent } = tally;
    println!(
        "mutants killed: {of_contract}/44 policies of the contract, {of_our_own} of our own, {force}/{} FORCE; \
         equivalent: {}",
        TABLES.len(),
        equivalent.len()
    );
    assert_eq!((of_contract, force), (44, TABLES.len()));
    assert_eq!(of_contract + of_our_own + equivalent.len(), policies.len());
    assert_eq!(equivalent.iter().filter(|name| !name.starts_with("keygate_")).count(), 2, "{equivalent:?}");
}

impl Tally {
    async fn break_policy(
        &mut self,
        superuser: &mut PgConnection,
        table: &Table,
        policy: &Policy,
        healthy: &[Vec<char>],
    ) {
        let Policy { name, uses, checks, .. } = policy;
        if [uses, checks].into_iter().flatten().all(|body| body == "true") {
            // it says `true` already, to one role by name
            return self.equivalent.push(name.clone());
        }
        let uses = uses.as_ref().map(|_| " using (true)").unwrap_or_default();
        let checks = checks.as_ref().map(|_| " with check (true)").unwrap_or_default();
        let mutation = format!("alter policy \"{name}\" on {}{uses}{checks}", table.name);
        assert!(is_noticed(superuser, table, &mutation, healthy).await, "survived: {mutation}");
        if name.starts_with("keygate_") { self.of_our_own += 1 } else { self.of_contract += 1 }
    }

    async fn drop_force(&mut self, superuser: &mut PgConnection, table: &Table, healthy: &[Vec<char>]) {
        let mutation = format!("alter table {} no force row level security", table.name);
        assert!(is_noticed(superuser, table, &mutation, healthy).await, "survived: {mutation}");
        self.force += 1;
    }
}

async fn is_noticed(
    superuser: &mut PgConnection,
    table: &Table,
    mutation: &str,
    healthy: &[Vec<char>],
) -> bool {
    run(superuser, "savepoint mutant").await;
    run(superuser, mutation).await;
    let sick = probe_table(superuser, table).await;
    run(superuser, "rollback to savepoint mutant; release savepoint mutant").await;
    sick != healthy
}

async fn widen_grants(superuser: &mut PgConnection, table: &Table) {
    let everyone = "anon, authenticated, service_role, keygate_signer, keygate_admin, keygate_keysmith";
    run(superuser, &format!("grant select, insert, update, delete on {} to {everyone}", table.name)).await;
    // policies that look into another table, and the context, are read with the caller's rights
    run(superuser, &format!("grant select on public.api_keys to {everyone}")).await;
    run(superuser, &format!("grant execute on function keygate.uid() to {everyone}")).await;
}

async fn policies(superuser: &mut PgConnection) -> Vec<Policy> {
    let select = "select schemaname || '.' || tablename, policyname::text, qual, with_check from pg_policies order by 1, 2";
    let rows: Vec<(String, String, Option<String>, Option<String>)> =
        sqlx::query_as(AssertSqlSafe(select)).fetch_all(superuser).await.unwrap();
    rows.into_iter().map(|(table, name, uses, checks)| Policy { table, name, uses, checks }).collect()
}
