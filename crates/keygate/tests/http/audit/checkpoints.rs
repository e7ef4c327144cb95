//! The file of checkpoints: what the database alone could not prove.

use std::fs;

use keygate::audit::{self, Scope};
use time::Duration;

use super::Recorded;

const TABLES: [&str; 3] = ["api_key_usage_audit", "exchange_api_calls", "keygate.audit_head"];

impl Recorded {
    /// What a dump would hold.
    pub(super) async fn save(&mut self) {
        for (number, table) in TABLES.iter().enumerate() {
            self.execute(&format!("create table saved{number} as table {table}")).await;
        }
    }

    /// The database as it was.
    pub(super) async fn restore(&mut self) {
        self.execute("set session_replication_role = replica").await;
        for (number, table) in TABLES.iter().enumerate() {
            self.execute(&format!("delete from {table}; insert into {table} select * from saved{number}"))
                .await;
        }
    }

    fn lines(&self) -> Vec<String> {
        fs::read_to_string(self.path()).unwrap().lines().map(str::to_owned).collect()
    }

    fn write(&self, lines: &[String]) {
        fs::write(self.path(), lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    }
}

#[tokio::test]
async fn roll_back_to_an_older_dump_is_seen_and_gets_no_checkpoint() {
    let mut recorded = Recorded::new(2).await;
    recorded.save().await;
    recorded.more(2).await;
    recorded.checkpoint().await;
    Recorded::clean(&recorded.report(Scope::default()).await);
    recorded.restore().await;
    recorded.finds("rolled back").await;
    assert!(audit::checkpoint(&recorded.world.server.app).await.is_err());
    assert_eq!(recorded.lines().len(), 2);
    // it goes on from there, past the place where it was cut
    recorded.more(4).await;
    recorded.finds("is another row than checkpoint 2 has seen").await;
}

#[tokio::test]
async fn chain_that_is_gone_as_a_whole_gets_no_checkpoint() {
    let mut recorded = Recorded::new(1).await;
    let uma = recorded.world.user("uma@example.com").await;
    recorded.checkpoint().await;
    let lines = recorded.lines().len();
    recorded.execute("set session_replication_role = replica").await;
    let hers = "user_id = (select id from users where email = 'uma@example.com')";
    for table in TABLES {
        recorded.execute(&format!("delete from {table} where {hers}")).await;
    }
    recorded.more(1).await;
    assert!(audit::checkpoint(&recorded.world.server.app).await.is_err());
    assert_eq!(recorded.lines().len(), lines);
    recorded.finds("rolled back").await;
    drop(uma);
}

#[tokio::test]
async fn deleted_and_changed_records_are_seen_when_the_head_is_moved_along() {
    let mut recorded = Recorded::new(3).await;
    recorded.execute("set session_replication_role = replica").await;
    recorded.execute("delete from exchange_api_calls where chain_seq > 4").await;
    let head = "update keygate.audit_head h set seq = 4, mac = c.chain_mac from exchange_api_calls c
                where h.log = 'exchange_api_calls' and c.chain_seq = 4";
    recorded.execute(head).await;
    recorded.finds("checkpoint 1 has seen record").await;
}

#[tokio::test]
async fn every_change_of_the_file_is_seen() {
    let mut recorded = Recorded::new(1).await;
    for _ in 0..3 {
        recorded.more(1).await;
        recorded.checkpoint().await;
    }
    let whole = recorded.lines();
    assert_eq!(whole.len(), 4);
    let without = |number: usize| [&whole[..number], &whole[number + 1..]].concat();
    let digit = |line: &str, at: usize| {
        let other = if &line[at..=at] == "1" { "2" } else { "1" };
        format!("{}{other}{}", &line[..at], &line[at + 1..])
    };
    let mut forged: Vec<Vec<String>> = vec![without(0), without(1), without(2), Vec::new()];
    forged.push(vec![whole[1].clone(), whole[0].clone()]);
    for at in (0..whole[1].len()).step_by(7) {
        forged.push([&whole[..1], &[digit(&whole[1], at)], &whole[2..]].concat());
    }
    for lines in forged.into_iter().filter(|lines| *lines != whole) {
        recorded.write(&lines);
        assert!(!recorded.findings().await.is_empty(), "{lines:#?}");
    }
    recorded.write(&whole);
    Recorded::clean(&recorded.report(Scope::default()).await);
    // what a power cut left is no line, and the next checkpoint takes its place
    fs::write(recorded.path(), format!("{}\n{{\"number\":", whole.join("\n"))).unwrap();
    Recorded::clean(&recorded.report(Scope::default()).await);
    recorded.more(1).await;
    recorded.checkpoint().await;
    Recorded::clean(&recorded.report(Scope::default()).await);
    assert_eq!(recorded.lines().len(), 5);
}

/// Whoever changed the file is not bound to text.
#[tokio::test]
async fn byte_that_is_no_text_is_a_finding_in_a_whole_line_and_nothing_in_one_that_was_cut_off() {
    let mut recorded = Recorded::new(1).await;
    recorded.more(1).await;
    recorded.checkpoint().await;
    let whole = fs::read(recorded.path()).unwrap();
    let second = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for odd in [0xff, b'\r'] {
        let mut forged = whole.clone();
        forged.insert(whole.len() - 1, odd);
        fs::write(recorded.path(), forged).unwrap();
        recorded.finds("checkpoint 2: it is no checkpoint").await;
    }
    fs::write(recorded.path(), [&whole[..second], b"\xff\n"].concat()).unwrap();
    recorded.finds("checkpoint 2: it is no checkpoint").await;
    fs::write(recorded.path(), [&whole[..], b"{\xff"].concat()).unwrap();
    Recorded::clean(&recorded.report(Scope::default()).await);
    recorded.more(1).await;
    recorded.checkpoint().await;
    Recorded::clean(&recorded.report(Scope::default()).await);
    assert_eq!(recorded.lines().len(), 3, "it is cut off before the next one");
}

#[tokio::test]
async fn server_that_has_recorded_nothing_lacks_no_checkpoint() {
    let world = crate::world::World::fresh(|_| {}).await;
    let app = &world.server.app;
    let path = app.config.checkpoints_path();
    let report = audit::verify(&world.scratch.settings(), &app.keys.audit, &path, &Scope::default()).await;
    let report = report.map_err(|fatal| fatal.what).unwrap();
    assert_eq!((Recorded::clean(&report), report.checkpoint), (0, 0));
}

#[tokio::test]
async fn nothing_new_makes_no_line() {
    let recorded = Recorded::new(1).await;
    recorded.checkpoint().await;
    recorded.world.advance(Duration::minutes(1));
    recorded.checkpoint().await;
    assert_eq!(recorded.lines().len(), 1);
}

#[tokio::test]
async fn verification_can_begin_at_a_checkpoint() {
    let mut recorded = Recorded::new(2).await;
    let all = recorded.rows().await;
    recorded.more(1).await;
    recorded.checkpoint().await;
    let from = |number| Scope { from: Some(number), user: None };
    let report = recorded.report(from(1)).await;
    assert_eq!(Recorded::clean(&report), recorded.rows().await - all);
    recorded.execute("update exchange_api_calls set endpoint = '/' where chain_seq = 1").await;
    Recorded::clean(&recorded.report(from(1)).await);
    assert_eq!(recorded.findings().await.len(), 1);
}
