//! Client order ids put into frames: each order that has none gets one, and no other byte changes.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use std::collections::BTreeMap;

use exchange::Frame;
use support::builtin;

struct Case {
    exchange: &'static str,
    path: &'static str,
    /// `{1}` and `{2}` are where ids come to stand.
    frame: &'static str,
    /// What comes there, with `{id}`.
    piece: &'static str,
}

const CASES: [Case; 8] = [
    Case {
        exchange: "binance",
        path: "/ws-api/v3",
        frame: r#"{"id":1,"method":"order.place","params":{"symbol":"BTCUSDT", "side":"BUY","type":"MARKET","quantity":0.10{1}}}"#,
        piece: r#","newClientOrderId":"{id}""#,
    },
    Case {
        exchange: "okx",
        path: "/ws/v5/private",
        frame: r#"{"id":"1","op":"order","args":[ {"instId":"BTC-USDT","tdMode":"cash","side":"buy","ordType":"limit","sz":"1","px":"2"{1}}]}"#,
        piece: r#","clOrdId":"{id}""#,
    },
    Case {
        exchange: "okx",
        path: "/ws/v5/private",
        frame: r#"{"id":"1","op":"order","args":[{"instIdCode":7,"tdMode":"cash","side":"buy","ordType":"limit","sz":"1","px":"2"{1}}]}"#,
        piece: r#","clOrdId":"{id}""#,
    },
    Case {
        exchange: "okx",
        path: "/ws/v5/private",
        frame: r#"{"id":"1","op":"batch-orders","args":[{"instId":"BTC-USDT","tdMode":"cash","side":"buy","ordType":"limit","sz":"1","px":"2"{1}}, {"instId":"BTC-USDT","tdMode":"cash","side":"sell","ordType":"limit","sz":"1","px":"3"{2}}]}"#,
        piece: r#","clOrdId":"{id}""#,
    },
    Case {
        exchange: "bybit",
        path: "/v5/trade",
        frame: r#"{"reqId":"a","header":{"X-BAPI-TIMESTAMP":"1700000000000"},"op":"order.create","args":[{"category":"spot","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.010","price":"50000"{1}}]}"#,
        piece: r#","orderLinkId":"{id}""#,
    },
    Case {
        exchange: "bybit",
        path: "/v5/trade",
        frame: r#"{"reqId":"a","header":{"X-BAPI-TIMESTAMP":"1700000000000"},"op":"order.create-batch","args":[{"category":"spot","request":[{"symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.010","price":"50000"{1}},{"symbol":"BTCUSDT","side":"Sell","orderType":"Limit","qty":"0.010","price":"60000"{2}}]}]}"#,
        piece: r#","orderLinkId":"{id}""#,
    },
    Case {
        exchange: "kraken",
        path: "/v2",
        frame: r#"{"method":"add_order","params":{"order_type":"limit","side":"buy","order_qty":5e-05,"symbol":"BTC/USD","limit_price":50000.5,"token":"kgt_virtual"{1}},"req_id":7}"#,
        piece: r#","cl_ord_id":"{id}""#,
    },
    Case {
        exchange: "kraken",
        path: "/v2",
        frame: r#"{"method":"batch_add","params":{"symbol":"BTC/USD","orders":[{"order_type":"limit","side":"buy","order_qty":1,"limit_price":5{1}},{"order_type":"limit","side":"sell","order_qty":1,"limit_price":9{2}}],"token":"kgt_virtual"}}"#,
        piece: r#","cl_ord_id":"{id}""#,
    },
];

impl Case {
    fn filled(&self, pieces: [&str; 2]) -> String {
        self.frame.replace("{1}", pieces[0]).replace("{2}", pieces[1])
    }

    fn piece(&self, id: &str) -> String {
        self.piece.replace("{id}", id)
    }

    fn read(&self, text: &str) -> Frame {
        let read = builtin(self.exchange).frame_with(self.path, text, &markets());
        read.unwrap_or_else(|bad| panic!("{bad}: {text}"))
    }

    fn named(&self, frame: &Frame) -> Frame {
        let random = |place: usize| [u8::try_from(place + 1).unwrap(); 16];
        builtin(self.exchange).frame_with_client_ids(frame, &markets(), random).unwrap()
    }
}

fn markets() -> BTreeMap<String, String> {
    BTreeMap::from([("7".to_owned(), "BTC-USDT".to_owned())])
}

fn ids(frame: &Frame) -> Vec<String> {
    frame.request().client_ids().iter().flatten().cloned().collect()
}

#[test]
fn every_order_of_a_frame_gets_an_id_and_no_other_byte_changes() {
    for case in &CASES {
        let bare = case.read(&case.filled(["", ""]));
        assert_eq!(ids(&bare), [""; 0], "{}", bare.text());
        let named = case.named(&bare);
        let made = ids(&named);
        assert_eq!(made.len(), 1 + case.frame.matches("{2}").count(), "{}", named.text());
        let second = made.get(1).map(|id| case.piece(id)).unwrap_or_default();
        assert_eq!(named.text(), case.filled([&case.piece(&made[0]), &second]));
        assert_eq!(format!("{:?}", named.request().reading()), format!("{:?}", bare.request().reading()));
        assert_eq!((named.id(), named.method(), named.key()), (bare.id(), bare.method(), bare.key()));
    }
}

#[test]
fn an_id_of_the_client_stays_and_its_frame_leaves_as_it_came() {
    for case in &CASES {
        let pieces = ["mine-1", "mine-2"].map(|id| case.piece(id));
        let own = case.read(&case.filled([&pieces[0], &pieces[1]]));
        assert_eq!(case.named(&own).text(), own.text());
        if case.frame.contains("{2}") {
            let half = case.read(&case.filled([&pieces[0], ""]));
            assert_eq!(ids(&case.named(&half))[0], "mine-1");
            assert_eq!(ids(&case.named(&half)).len(), 2, "the other one gets one");
        }
    }
}

#[test]
fn frames_without_orders_stay() {
    for (exchange, path, text) in [
        (
            "binance",
            "/ws-api/v3",
            r#"{"id":1,"method":"order.cancel","params":{"symbol":"BTCUSDT","orderId":7}}"#,
        ),
        ("kraken", "/v2", r#"{"method":"cancel_order","params":{"order_id":["O-1"],"token":"kgt_virtual"}}"#),
        (
            "okx",
            "/ws/v5/private",
            r#"{"id":"c","op":"cancel-order","args":[{"instId":"BTC-USDT","ordId":"7"}]}"#,
        ),
    ] {
        let frame =
            builtin(exchange).frame_with(path, text, &markets()).unwrap_or_else(|bad| panic!("{bad}"));
        let named = builtin(exchange).frame_with_client_ids(&frame, &markets(), |_| [1; 16]).unwrap();
        assert_eq!(named.text(), text);
    }
}
