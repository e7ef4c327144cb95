//! What is old may go, and what stays is proven as before.

use keygate::audit::Scope;
use time::{Duration, OffsetDateTime};

use super::Recorded;
use crate::api::Reply;

const USES: &str = "api_key_usage_audit";

impl Recorded {
    async fn pruned(&self, before: OffsetDateTime) -> i64 {
        self.prune(before).await.unwrap()
    }

    /// A read, whatever the clock says.
    async fn look(&self) {
        let request = self.bot.api.request("GET", "/x/binance/api/v3/account");
        Reply::of(request.header("x-keygate-key", &self.bot.token)).await.is(200);
        self.world.flush().await;
    }

    async fn number(&mut self, what: &str) -> i64 {
        let select = sqlx::AssertSqlSafe(format!("select ({what})::bigint from {USES}"));
        sqlx::query_scalar(select).fetch_one(&mut self.superuser).await.unwrap()
    }

    async fn all_is_proven(&self) {
        for from in [None, Some(1)] {
            let report = self.report(Scope { from, user: None }).await;
            assert!(report.findings.is_empty(), "{from:?}: {:?}", report.findings);
        }
        assert_eq!(Recorded::clean(&self.report(Scope::default()).await), self.rows().await);
    }
}

#[tokio::test]
async fn record_goes_on_where_it_was_when_all_of_it_is_pruned() {
    let mut recorded = Recorded::new(2).await;
    let (last, uses) =
        (recorded.number("max(chain_seq)").await, recorded.number("max(daily_usage_count)").await);
    let all = i64::try_from(recorded.rows().await).unwrap();
    recorded.world.advance(Duration::SECOND);
    assert_eq!(recorded.pruned(recorded.world.clock.now()).await, all);
    assert_eq!(recorded.rows().await, 0);
    recorded.all_is_proven().await;
    recorded.more(1).await;
    recorded.checkpoint().await;
    recorded.all_is_proven().await;
    assert_eq!(recorded.number("min(chain_seq)").await, last + 1, "numbers begin anew");
    assert_eq!(recorded.number("min(daily_usage_count)").await, uses + 1, "uses begin anew");
    // a second time the beginning moves on
    recorded.world.advance(Duration::SECOND);
    assert!(recorded.pruned(recorded.world.clock.now()).await > 0);
    recorded.more(1).await;
    recorded.checkpoint().await;
    recorded.all_is_proven().await;
    recorded.execute("delete from api_key_usage_audit where chain_seq = (select min(chain_seq) from api_key_usage_audit)").await;
    recorded.finds("missing").await;
}

/// Clocks are set back now and then.
#[tokio::test]
async fn only_the_beginning_goes_up_to_the_first_record_that_is_not_older() {
    let mut recorded = Recorded::new(1).await;
    recorded.world.advance(Duration::HOUR);
    let moment = recorded.world.clock.now();
    recorded.look().await;
    recorded.world.advance(-Duration::HOUR);
    recorded.look().await;
    recorded.checkpoint().await;
    let older = format!("count(*) filter (where created_at < '{moment}')");
    let (rows, old) = (recorded.number("count(*)").await, recorded.number(&older).await);
    recorded.pruned(moment).await;
    assert_eq!(recorded.number("count(*)").await, rows - old + 1);
    assert_eq!(recorded.number(&older).await, 1, "what is old stays behind what is not");
    recorded.all_is_proven().await;
}
