//! `/activity`: its filters, its pages and its export.

use keygate::error::Code;
use reqwest::StatusCode;

use crate::{
    lint,
    visitor::{Site, Visitor, site},
};

const ORDER: &str = "POST /api/v3/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1";

struct Traded {
    site: Site,
    owner: Visitor,
    bot: String,
    connection: String,
    key: String,
    secret: String,
}

/// A bot that has read its account, and has tried something its pair is not for.
async fn traded() -> Traded {
    let site = site().await;
    let mut owner = site.owner().await;
    let connection = owner.connect().await;
    let bot = owner.add_bot(&connection).await;
    let once = owner.make_pair(&bot, &["read"]).await;
    let key = once.between("<code data-copy=\"the key\">", "</code>");
    let secret = once.between("export BINANCE_API_SECRET='", "'");
    assert_eq!(site.call("GET /api/v3/account", &key, &secret).await, StatusCode::OK);
    assert_ne!(site.call(ORDER, &key, &secret).await, StatusCode::OK);
    site.server.app.gate.records.flush().await;
    Traded { site, owner, bot, connection, key, secret }
}

fn id(address: &str) -> &str {
    address.rsplit('/').next().unwrap()
}

fn entries(page: &str) -> usize {
    page.matches("<td data-label=\"Time\">").count()
}

fn times(page: &str) -> Vec<&str> {
    page.split("<td data-label=\"Time\">").skip(1).map(|rest| rest.split("</td>").next().unwrap()).collect()
}

#[tokio::test]
async fn filters_let_through_what_fits_and_nothing_else() {
    let Traded { site, mut owner, bot, connection, .. } = traded().await;
    for (query, count) in [
        (String::new(), 5),
        ("decision=allow".to_owned(), 1),
        ("decision=deny".to_owned(), 1),
        ("decision=management".to_owned(), 3),
        ("class=read&decision=&bot=".to_owned(), 1),
        ("class=keyadmin".to_owned(), 0),
        (format!("bot={}", id(&bot)), 4),
        (format!("connection={}", id(&connection)), 5),
        (format!("request_id={}", uuid::Uuid::nil()), 0),
        ("since=2001-01-01T00:00".to_owned(), 5),
        ("until=2001-01-01T00:00".to_owned(), 0),
        ("rule=scope".to_owned(), 1),
        ("address=127.0.0.0%2F8".to_owned(), 5),
        ("address=192.0.2.1".to_owned(), 0),
        ("suspicious=true".to_owned(), 0),
        ("suspicious=false".to_owned(), 5),
        ("since=2001-01-01T00:00:00Z".to_owned(), 5),
        ("until=2001-01-01T02:00:00%2B02:00".to_owned(), 0),
        ("access_key=kg_nobody".to_owned(), 0),
        ("exchange=binance".to_owned(), 5),
        ("exchange=kraken".to_owned(), 0),
        ("operation=bot-create".to_owned(), 1),
        (format!("api_key={}", uuid::Uuid::nil()), 0),
        ("until=9999-12-31T23:59".to_owned(), 5),
        ("since=0001-01-01T00:00&until=9999-12-31T23:59".to_owned(), 5),
    ] {
        let page = owner.get(&format!("/activity?{query}")).await;
        assert_eq!((page.status, entries(&page.text)), (StatusCode::OK, count), "{query}");
        lint::answer(&page);
    }
    site.server.stop().await;
}

#[tokio::test]
async fn filter_that_cannot_be_read_is_named_and_the_form_stays() {
    let site = site().await;
    let mut owner = site.owner().await;
    for (field, value) in [
        ("connection", "1"),
        ("bot", "none"),
        ("decision", "maybe"),
        ("class", "dance"),
        ("address", "here"),
        ("request_id", "x"),
        ("api_key", "x"),
        ("exchange", "a%00"),
        ("operation", "%00"),
        ("access_key", "%07"),
        ("rule", "%00"),
        ("since", "yesterday"),
        ("suspicious", "perhaps"),
        ("until", "2026-13-01T00:00"),
    ] {
        let page = owner.get(&format!("/activity?{field}={value}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{field}");
        assert!(page.text.contains(Code::InvalidField.title()), "{field}");
        assert!(page.text.contains(&format!("<a href=\"#{field}\">{field}: ")), "{field}: {}", page.text);
        assert!(page.text.contains(&format!("name=\"{field}\"")), "{field}");
        lint::answer(&page);
        let export = owner.get(&format!("/activity/export?{field}={value}")).await;
        assert_eq!(export.status, StatusCode::BAD_REQUEST, "{field}");
    }
    for query in ["cursor=x", "decision=deny&decision=allow"] {
        let page = owner.get(&format!("/activity?{query}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{query}");
        lint::answer(&page);
    }
    site.server.stop().await;
}

#[tokio::test]
async fn filter_that_is_not_known_lets_nothing_through_by_mistake() {
    let site = site().await;
    let mut owner = site.owner().await;
    for path in ["/activity?conection=1", "/activity/export?conection=1&format=csv"] {
        let page = owner.get(path).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(page.text.contains("conection"), "{path}: {}", page.text);
        lint::answer(&page);
    }
    site.server.stop().await;
}

#[tokio::test]
async fn older_entries_follow_without_gap_or_repeat_and_keep_the_filters() {
    let Traded { site, mut owner, key, secret, .. } = traded().await;
    for _ in 1..60 {
        assert_eq!(site.call("GET /api/v3/account", &key, &secret).await, StatusCode::OK);
    }
    site.server.app.gate.records.flush().await;
    let first = owner.get("/activity?decision=allow").await;
    assert_eq!(entries(&first.text), 50);
    let older = first
        .between("<a class=\"button quiet\" href=\"/activity?", "\">Older entries")
        .replace("&amp;", "&");
    let older = older.rsplit("href=\"/activity?").next().unwrap();
    assert!(older.starts_with("decision=allow&cursor="), "{older}");
    let second = owner.get(&format!("/activity?{older}")).await;
    assert_eq!(entries(&second.text), 10);
    lint::answer(&second);
    assert!(!second.text.contains("Older entries"), "the end is the end");
    let (newest, oldest) = (times(&first.text), times(&second.text));
    assert!(newest.last() >= oldest.first(), "newest first, over both pages");
    site.server.stop().await;
}

#[tokio::test]
async fn export_holds_what_the_filters_on_the_page_let_through() {
    let Traded { site, mut owner, .. } = traded().await;
    let page = owner.get("/activity?decision=deny&since=2001-01-01T00:00").await;
    for (format, lines, kind) in [("csv", 2, "text/csv; charset=utf-8"), ("jsonl", 1, "application/jsonl")] {
        let link = format!("/activity/export?decision=deny&amp;since=2001-01-01T00%3A00&amp;format={format}");
        assert!(page.text.replace("&#38;", "&amp;").contains(&link), "{format}: {}", page.text);
        let file = owner.get(&link.replace("&amp;", "&")).await;
        assert_eq!((file.status, file.text.lines().count()), (StatusCode::OK, lines), "{}", file.text);
        assert_eq!(file.headers["content-type"], kind);
        let name = format!("attachment; filename=\"activity.{format}\"");
        assert_eq!(file.headers["content-disposition"].to_str().unwrap(), name);
    }
    let odd = owner.get("/activity/export?format=xml").await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST);
    assert!(odd.text.contains("format: needs jsonl or csv"));
    site.server.stop().await;
}

#[tokio::test]
async fn timeline_and_export_are_the_readers_own() {
    let Traded { site, mut owner, bot, .. } = traded().await;
    let password = crate::visitor::PASSWORD;
    let person =
        [("email", "eve@example.org"), ("name", "Eve"), ("password", password), ("your_password", password)];
    owner.submit("/admin/users", "/admin/users", &person).await;
    let mut eve = site.visitor();
    eve.sign_in("/login", "eve@example.org").await;
    // that she has signed in is hers
    for (query, own) in [(String::new(), 1), (format!("bot={}", id(&bot)), 0)] {
        assert_eq!(entries(&eve.get(&format!("/activity?{query}")).await.text), own);
        assert_eq!(eve.get(&format!("/activity/export?{query}")).await.text.lines().count(), own);
    }
    site.server.stop().await;
}

#[tokio::test]
async fn refusal_says_in_plain_words_what_it_means_and_what_to_do() {
    let Traded { site, mut owner, .. } = traded().await;
    let page = owner.get("/activity?decision=deny").await;
    assert!(
        page.text.contains("The access key was made without the scope for this kind of call."),
        "{}",
        page.text
    );
    assert!(
        page.text.contains("Make a new virtual pair with it on the bot&#39;s page.")
            || page.text.contains("Make a new virtual pair with it on the bot's page.")
    );
    assert!(page.text.contains("<a href=\"/activity?rule=scope\">scope</a>"));
    site.server.stop().await;
}

#[tokio::test]
async fn order_is_one_row_with_its_intent_and_what_was_asked() {
    let site = site().await;
    let mut owner = site.owner().await;
    let connection = owner.connect().await;
    let bot = owner.add_bot(&connection).await;
    let once = owner.make_pair(&bot, &["read", "trade"]).await;
    let key = once.between("<code data-copy=\"the key\">", "</code>");
    let secret = once.between("export BINANCE_API_SECRET='", "'");
    let order =
        "POST /api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=50000";
    assert_eq!(site.call(order, &key, &secret).await, StatusCode::OK);
    site.server.app.gate.ledger.flush().await;
    site.server.app.gate.records.flush().await;
    let page = owner.get("/activity?class=trade").await;
    assert_eq!(entries(&page.text), 1);
    assert!(page.text.contains("On record before it was signed"), "{}", page.text);
    assert!(page.text.contains("The exchange took"));
    lint::answer(&page);
    let file = owner.get("/activity/export?class=trade&format=jsonl").await;
    assert_eq!(file.text.lines().count(), 1, "exactly what the page shows: {}", file.text);
    site.server.stop().await;
}

#[tokio::test]
async fn bar_of_the_picture_leads_to_what_it_counts_and_keeps_the_other_filters() {
    let Traded { site, mut owner, .. } = traded().await;
    let page = owner.get("/activity?decision=deny").await;
    lint::answer(&page);
    assert!(!page.text.contains("style="), "the policy forbids it");
    let link =
        page.between("<td data-label=\"From\"><a href=\"", "\"").replace("&amp;", "&").replace("&#38;", "&");
    assert!(link.starts_with("/activity?decision=deny&since="), "{link}");
    assert!(
        page.text.matches("<rect class=\"denied\"").count() == 1
            && !page.text.contains("<rect class=\"allowed\"")
    );
    let hour = owner.get(&link).await;
    assert_eq!(entries(&hour.text), 1, "{link}");
    lint::answer(&hour);
    site.server.stop().await;
}

#[tokio::test]
async fn state_of_the_chain_is_on_the_timeline_and_the_overview() {
    let Traded { site, mut owner, .. } = traded().await;
    keygate::audit::checkpoint(&site.server.app).await.unwrap();
    for path in ["/activity", "/"] {
        let page = owner.get(path).await;
        lint::answer(&page);
        assert!(page.text.contains("6 records chained."), "{path}: {}", page.text);
        assert!(page.text.contains("Last checkpoint <time"), "{path}");
        assert!(page.text.contains("Not verified yet"), "{path}");
    }
    let note = serde_json::json!({"at": "2026-01-01T00:00:00Z", "records": 5, "findings": 2});
    let path = site.server.app.config.checkpoints_path().with_file_name("verified.json");
    std::fs::write(path, note.to_string()).unwrap();
    assert!(owner.get("/").await.text.contains("2 findings"));
    site.server.stop().await;
}

#[tokio::test]
async fn score_of_a_suspicious_call_stands_in_its_row() {
    let Traded { site, mut owner, .. } = traded().await;
    let mark = "update api_key_usage_audit set risk_score = 45, is_suspicious = true,
        suspicious_reasons = array['new-device'] where class = 'read'";
    sqlx::query(mark).execute(&mut site.scratch.superuser().await.unwrap()).await.unwrap();
    let page = owner.get("/activity?suspicious=true").await;
    assert_eq!(entries(&page.text), 1);
    assert!(page.text.contains("risk 45") && page.text.contains("45 of 100: new-device"), "{}", page.text);
    assert!(page.text.contains("name=\"suspicious\" value=\"true\" checked"));
    lint::answer(&page);
    site.server.stop().await;
}

#[tokio::test]
async fn database_that_is_older_than_its_checkpoints_is_no_green_light() {
    let Traded { site, mut owner, .. } = traded().await;
    let app = &site.server.app;
    keygate::audit::checkpoint(app).await.unwrap();
    let page = owner.get("/activity").await;
    assert!(page.text.contains("dot ok") && !page.text.contains("could not be made"), "{}", page.text);
    site.execute("alter table keygate.audit_head disable trigger user").await;
    site.execute("update keygate.audit_head set seq = seq - 1").await;
    let page = owner.get("/activity").await;
    assert!(page.text.contains("dot bad") && page.text.contains("A checkpoint has seen"), "{}", page.text);
    lint::answer(&page);
    site.execute("update keygate.audit_head set seq = seq + 1").await;
    keygate::audit::checkpoint(app).await.unwrap();
    std::fs::write(app.config.checkpoints_path(), "").unwrap();
    keygate::audit::checkpoint(app).await.unwrap_err();
    let page = owner.get("/activity").await;
    assert!(page.text.contains("dot warn") && page.text.contains("could not be made"), "{}", page.text);
    lint::answer(&page);
    site.server.stop().await;
}

/// The picture's spans are whole; what it counts is what the filter lets through.
#[tokio::test]
async fn picture_counts_nothing_that_the_filters_exclude() {
    let Traded { site, mut owner, .. } = traded().await;
    for (class, at) in [("read", "10:11"), ("trade", "10:13")] {
        let moved =
            format!("update api_key_usage_audit set created_at = '2026-01-05 {at}Z' where class = '{class}'");
        site.execute(&moved).await;
    }
    let page = owner.get("/activity?since=2026-01-05T10:12&until=2026-01-05T12:00").await;
    assert_eq!(entries(&page.text), 1);
    assert!(page.text.contains("0 calls allowed, 1 denied and 0 changes"), "{}", page.text);
    assert!(page.text.contains("since=2026-01-05T10:12&"), "a bar leads to what it counts: {}", page.text);
    site.server.stop().await;
}

#[tokio::test]
async fn what_keygate_does_by_itself_is_not_said_to_be_the_readers_doing() {
    let Traded { site, mut owner, .. } = traded().await;
    let who = |page: &str| page.matches("<span class=\"muted\">Keygate</span>").count();
    assert_eq!(who(&owner.get("/activity").await.text), 0);
    site.execute("update api_key_usage_audit set access_key_id = null, bot_id = null where class = 'read'")
        .await;
    site.execute("update api_key_usage_audit set ip_address = null where operation_type = 'create'").await;
    assert_eq!(who(&owner.get("/activity?class=read").await.text), 1, "a question of its own");
    assert_eq!(
        who(&owner.get("/activity").await.text),
        1 + who(&owner.get("/activity?class=read").await.text)
    );
    site.server.stop().await;
}
