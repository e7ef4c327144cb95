//! `/api/v1/audit`: what the pages say of the proof, for programs.

use keygate::audit::{self, Scope, Verification};
use serde_json::{Value, json};
use time::Duration;

use super::Recorded;
use crate::world::OWNER;

const AUDIT: &str = "/api/v1/audit";

impl Recorded {
    async fn state(&self) -> Value {
        self.world.api.get(AUDIT).await.is(200)
    }

    /// After the sign-in has ended.
    async fn later(&self) -> Value {
        self.world.sign_in(OWNER).await.get(AUDIT).await.is(200)
    }
}

fn flags(state: &Value) -> [bool; 3] {
    ["is_late", "has_failed", "has_lost"].map(|name| state[name].as_bool().unwrap())
}

#[tokio::test]
async fn program_reads_how_far_its_records_are_proved() {
    let mut recorded = Recorded::new(1).await;
    let all = recorded.rows().await;
    let state = recorded.state().await;
    assert_eq!((&state["records"], &state["covered"]), (&json!(all), &json!(all)));
    assert_eq!((&state["checkpoint"]["number"], &state["verified"]), (&json!(1), &Value::Null));
    let report = recorded.report(Scope::default()).await;
    Verification::write(&report, recorded.world.clock.now(), &recorded.path()).unwrap();
    recorded.more(1).await;
    let state = recorded.state().await;
    assert_eq!((&state["verified"]["records"], &state["verified"]["findings"]), (&json!(all), &json!(0)));
    assert_eq!((&state["records"], &state["covered"]), (&json!(recorded.rows().await), &json!(all)));
    assert_eq!(flags(&state), [false; 3]);
    recorded.world.advance(Duration::minutes(6));
    assert_eq!(flags(&recorded.later().await), [true, false, false]);
    recorded.checkpoint().await;
    let state = recorded.later().await;
    assert_eq!((flags(&state), &state["checkpoint"]["number"]), ([false; 3], &json!(2)));
}

#[tokio::test]
async fn records_that_are_gone_and_a_checkpoint_that_failed_are_told() {
    let mut recorded = Recorded::new(2).await;
    recorded.save().await;
    recorded.more(2).await;
    recorded.checkpoint().await;
    recorded.restore().await;
    assert!(audit::checkpoint(&recorded.world.server.app).await.is_err());
    assert_eq!(flags(&recorded.state().await), [false, true, true]);
}

#[tokio::test]
async fn nobody_reads_of_the_records_of_others() {
    let recorded = Recorded::new(1).await;
    let uma = recorded.world.user("uma@example.com").await;
    assert_eq!(uma.get(AUDIT).await.is(200)["records"], 1, "her sign-in");
}
