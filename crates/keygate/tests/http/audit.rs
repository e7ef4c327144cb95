//! The evidence: what happened is on record as it was written, and any other record is seen. Rows are made through the
//! gateway and the API; they are forged as the database's superuser, who has no key.

use std::path::PathBuf;

use keygate::{
    audit::{self, Finding, Report, Scope},
    start::Server,
};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgConnection};
use time::{Duration, OffsetDateTime};

use crate::{bot::Bot, world::World};

mod changes;
mod checkpoints;
mod retention;
mod state;
mod tamper;

/// A world with records of every kind, all of them checkpointed.
struct Recorded {
    world: World,
    bot: Bot,
    /// Somebody who sees and may do everything in the database.
    superuser: PgConnection,
}

impl Recorded {
    async fn new(orders: usize) -> Recorded {
        let world = World::new().await;
        let bot = world.bot("binance", "trade").await;
        bot.limited(&world, json!({"max_requests_per_minute": 10_000})).await.is(200);
        let mut recorded = Recorded { superuser: world.superuser().await, world, bot };
        recorded.more(orders).await;
        recorded.checkpoint().await;
        recorded
    }

    /// Orders, reads, a refusal and a change of the connection.
    async fn more(&mut self, orders: usize) {
        for _ in 0..orders {
            self.bot.order().await.is(200);
            self.bot.account().await.is(200);
        }
        self.bot.limited(&self.world, json!({"can_withdraw": false})).await;
        self.world.flush().await;
    }

    fn path(&self) -> PathBuf {
        self.world.server.app.config.checkpoints_path()
    }

    async fn checkpoint(&self) {
        audit::checkpoint(&self.world.server.app).await.unwrap();
    }

    async fn report(&self, scope: Scope) -> Report {
        let settings = self.world.scratch.settings();
        let keys = &self.world.server.app.keys.audit;
        audit::verify(&settings, keys, &self.path(), &scope).await.map_err(|fatal| fatal.what).unwrap()
    }

    async fn findings(&self) -> Vec<Finding> {
        self.report(Scope::default()).await.findings
    }

    /// Nothing is wrong, and everything was looked at.
    #[track_caller]
    fn clean(report: &Report) -> u64 {
        assert!(report.findings.is_empty(), "{:?}", report.findings);
        report.rows
    }

    async fn rows(&self) -> u64 {
        let count =
            self.world.count("(select from api_key_usage_audit union all select from exchange_api_calls) r");
        u64::try_from(count.await).unwrap()
    }

    async fn execute(&mut self, statement: &str) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut self.superuser).await.unwrap();
    }

    /// Some finding says this.
    async fn finds(&self, words: &str) {
        let findings = self.findings().await;
        assert!(findings.iter().any(|finding| finding.text.contains(words)), "no '{words}' in {findings:?}");
    }

    /// How many rows went; none of them where something is found.
    async fn prune(&self, before: OffsetDateTime) -> Result<i64, String> {
        let (app, settings) = (&self.world.server.app, self.world.scratch.settings());
        let keys = &app.keys.audit;
        let prunable = audit::prunable(&settings, keys, &self.path(), before).await;
        let prunable = prunable.map_err(|fatal| fatal.what)?.map_err(|findings| format!("{findings:?}"))?;
        let gone = audit::prune(&settings, keys, &prunable, &app.clock).await.map_err(|fatal| fatal.what)?;
        assert_eq!(gone, prunable.records, "as many as were told before");
        Ok(gone)
    }
}

#[tokio::test]
async fn every_record_is_a_link_of_its_users_chain() {
    let mut recorded = Recorded::new(5).await;
    let uma = recorded.world.user("uma@example.com").await;
    crate::world::connect(&uma, "binance", "trade").await;
    recorded.checkpoint().await;
    let report = recorded.report(Scope::default()).await;
    assert_eq!(Recorded::clean(&report), recorded.rows().await);
    assert_eq!((report.chains, report.checkpoint, report.unchained), (3, 2, 0));
    let hers = recorded.report(Scope { user: Some("UMA@example.com".into()), ..Scope::default() }).await;
    assert_eq!(Recorded::clean(&hers), 2, "she signed in and made a connection");
    // a row that the service's role may add, and no more
    let planted = "set role service_role; insert into api_key_usage_audit (api_key_id, user_id, operation_type, endpoint)
         select api_key_id, user_id, 'use', '/' from saved; reset role";
    recorded
        .execute("create table saved as select api_key_id, user_id from api_key_usage_audit limit 1")
        .await;
    recorded.execute("grant select on saved to service_role").await;
    recorded.execute(planted).await;
    recorded.finds("it is in no chain").await;
}

#[tokio::test]
async fn two_replicas_and_a_restart_append_to_one_chain() {
    let mut recorded = Recorded::new(1).await;
    let second = recorded.world.second_server().await;
    let there = recorded.bot.moved_to(&recorded.world.api.moved_to(&second));
    for _ in 0..8 {
        let here = &recorded.bot;
        let calls =
            (here.order(), there.order(), here.account(), there.account(), here.order(), there.order());
        tokio::join!(calls.0, calls.1, calls.2, calls.3, calls.4, calls.5);
    }
    stop(second).await;
    recorded.more(1).await;
    let third = recorded.world.second_server().await;
    recorded.bot.moved_to(&recorded.world.api.moved_to(&third)).order().await.is(200);
    audit::checkpoint(&third.app).await.unwrap();
    stop(third).await;
    recorded.more(1).await;
    recorded.checkpoint().await;
    let report = recorded.report(Scope::default()).await;
    assert_eq!(Recorded::clean(&report), recorded.rows().await);
    assert!(report.checkpoint >= 3, "each added to one file: {}", report.checkpoint);
}

async fn stop(server: Server) {
    server.stop().await;
}

#[tokio::test]
async fn pruned_chain_stays_provable() {
    let mut recorded = Recorded::new(4).await;
    recorded.execute("create table saved as table api_key_usage_audit").await;
    let before = recorded.rows().await;
    let moment = recorded.world.clock.now();
    for _ in 0..3 {
        recorded.bot.order().await.is(200);
    }
    recorded.world.flush().await;
    assert!(recorded.prune(moment + Duration::DAY).await.err().unwrap().contains("does not cover"));
    assert_eq!(recorded.rows().await, before + 12, "nothing went");
    recorded.checkpoint().await;
    assert_eq!(recorded.prune(moment).await, Ok(i64::try_from(before).unwrap()));
    let report = recorded.report(Scope::default()).await;
    assert_eq!(Recorded::clean(&report), 12);
    assert_eq!(recorded.prune(moment).await, Ok(0), "a second time there is nothing to delete");

    recorded.execute("set session_replication_role = replica").await;
    recorded.execute("insert into api_key_usage_audit select * from saved order by chain_seq limit 1").await;
    recorded.finds("is back").await;
    recorded.execute("delete from api_key_usage_audit where id in (select id from saved)").await;
    Recorded::clean(&recorded.report(Scope::default()).await);
    recorded.execute("update keygate.audit_stub set seq = seq + 1 where log = 'api_key_usage_audit'").await;
    recorded.finds("wrong signature").await;
    recorded.execute("delete from keygate.audit_stub").await;
    recorded.finds("are missing before").await;
}

#[tokio::test]
async fn pruning_is_no_way_to_hide_a_change() {
    let mut recorded = Recorded::new(2).await;
    recorded.execute("update exchange_api_calls set status_code = 500 where chain_seq = 2").await;
    let rows = recorded.rows().await;
    let found = recorded.prune(recorded.world.clock.now()).await.unwrap_err();
    assert!(found.contains("is not the row that was written"), "{found}");
    assert_eq!(recorded.rows().await, rows);
}
