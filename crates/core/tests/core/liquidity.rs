//! What a book says about its liquidity: the reviewed original's score, confidence and words.

use alchemiser_core::{
    liquidity::{Analysis, Shortage, adequate, analyze},
    side::Side,
};

use crate::given::{decimal, quote, shares, start};

/// `"imbalance score confidence"` for an order of so many shares, where 100 shares shown say enough.
fn check(order: &str, book: &str, expected: &str) {
    let read = analyze(&quote(book, start()), shares(order), shares("100"));
    let said = [read.imbalance, read.score, read.confidence].map(|n| n.normalize().to_string());
    assert_eq!(said.join(" "), expected, "{order} on {book}");
}

/// S2: a point for every 1,000 shares shown (up to 50), 30 less 10 for every percent of spread, 20 for even sides.
#[test]
fn the_score_counts_size_spread_and_balance() {
    check("10", "9.95x10000 10.05x10000", "0 60 1");
    check("10", "9.95x40000 10.05x40000", "0 90 1");
    check("10", "9.95x24000 10.05x16000", "-0.2 73.333333333333333333333333334 1");
    check("10", "9.925x10000 10.075x10000", "0 55 0.7");
    check("10", "9.80x10000 10.20x10000", "0 40 0.6");
    check("10", "9.95x0 10.05x400", "1 20.4 1");
    check("10", "9.95x0 10.05x0", "0 20 0.2");
}

/// S2: the confidence falls with little size (to half), with the spread above 1 % (a fifth a percent, to .6), and with
/// an order larger than what is shown (half of every multiple, to .4).
#[test]
fn the_confidence_falls_with_size_spread_and_order() {
    check("10", "9.95x50 10.05x50", "0 40.1 1");
    check("10", "9.95x25 10.05x25", "0 40.05 0.75");
    check("10", "9.949x10000 10.051x10000", "0 59.8 0.796");
    check("10", "9.90x10000 10.10x10000", "0 50 0.6");
    check("10", "9.80x10000 10.20x10000", "0 40 0.6");
    check("100", "9.95x50 10.05x50", "0 40.1 1");
    check("150", "9.95x50 10.05x50", "0 40.1 0.75");
    check("200", "9.95x50 10.05x50", "0 40.1 0.5");
    check("300", "9.95x50 10.05x50", "0 40.1 0.4");
    check("150", "9.80x25 10.20x25", "0 20.05 0.18");
}

/// `"imbalance score confidence"` and `"side order/far size"`.
fn word(read: &str, order: &str, expected: &str) {
    let read: Vec<&str> = read.split(' ').collect();
    let analysis = Analysis {
        imbalance: decimal(read[0]),
        score: decimal(read[1]),
        confidence: decimal(read[2]),
    };
    let (side, sizes) = order.split_once(' ').unwrap();
    let (order, far) = sizes.split_once('/').unwrap();
    let (side, book) = match side {
        "buy" => (Side::Buy, format!("10.00x7 10.01x{far}")),
        _ => (Side::Sell, format!("10.00x{far} 10.01x7")),
    };
    let said = analysis.strategy(side, &quote(&book, start()), shares(order)).word();
    assert_eq!(said, expected, "{read:?} {side:?} {sizes}");
}

/// S2: a good book is traded as usual; else a poor one patiently, a large order in parts, and against a book that leans
/// against us at once.
#[test]
fn the_strategy_word_follows_the_analysis() {
    word("-0.5 70.1 0.81", "buy 1/100", "normal");
    word("-0.5 70 0.81", "buy 1/100", "aggressive");
    word("-0.5 70.1 0.8", "buy 1/100", "aggressive");
    word("-0.5 30 0.5", "buy 1/100", "aggressive");
    word("-0.5 29.9 0.5", "buy 151/100", "patient");
    word("-0.5 29.9 0.9", "buy 1/100", "patient");
    word("-0.5 50 0.5", "buy 151/100", "split");
    word("-0.5 50 0.5", "sell 151/100", "split");
    word("-0.5 50 0.5", "buy 150/100", "aggressive");
    word("-0.5 50 0.5", "buy 2/0", "split");
    word("-0.31 50 0.5", "buy 1/100", "aggressive");
    word("-0.3 50 0.5", "buy 1/100", "normal");
    word("-0.31 50 0.5", "sell 1/100", "normal");
    word("0.31 50 0.5", "sell 1/100", "aggressive");
    word("0.31 50 0.5", "buy 1/100", "normal");
}

/// S2: the far touch is enough when it shows 100 shares and half of the order, and the spread is at most 5 %.
#[test]
fn a_book_that_is_not_enough_says_why() {
    let said = |side, order: &str, book: &str| {
        adequate(&quote(book, start()), side, shares(order), shares("100"))
    };
    let (buy, sell) = (Side::Buy, Side::Sell);
    assert_eq!(said(buy, "10", "10.00x9 10.01x100"), Ok(()));
    assert_eq!(said(buy, "10", "10.00x900 10.01x99"), Err(Shortage::Size));
    assert_eq!(said(sell, "10", "10.00x99 10.01x900"), Err(Shortage::Size));
    assert_eq!(said(buy, "200", "10.00x900 10.01x100"), Ok(()));
    assert_eq!(said(buy, "200.5", "10.00x900 10.01x100"), Err(Shortage::Order));
    assert_eq!(said(sell, "10", "9.75x100 10.25x100"), Ok(()));
    assert_eq!(said(sell, "10", "9.749x100 10.251x100"), Err(Shortage::Spread));
    assert_eq!(said(buy, "500", "9.00x900 11.00x99"), Err(Shortage::Size), "the first one counts");
}
