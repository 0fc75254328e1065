//! What a turn reads before it decides.

use alchemiser_core::{
    child::ChildOrder,
    fact::Phase,
    ids::Symbol,
    leg::WaitCode,
    observed::Input,
    outstanding::{Reads, Wanted},
    planted::{Plant, is_planted},
    reading::Position,
    report::OrderReport,
};
use jiff::{SignedDuration, Timestamp};

use super::Owned;
use crate::{account::Said, readings::Readings, recover::ORDERS_BEFORE_PLAN};

/// The session clock is read again after this long.
const SESSION_REREAD: SignedDuration = SignedDuration::from_secs(60);

impl Owned<'_> {
    pub(super) async fn read(&mut self, reads: &Reads) -> Vec<Input> {
        let (broker, mut readings) = (self.floor.broker.clone(), Readings::default());
        if reads.session && self.session_is_old() {
            let clock = broker.clock().await;
            let at = self.floor.desk.clock.now();
            readings.called(clock, |clock| Input::Session(clock, at));
        }
        let unknown =
            reads.assets.iter().filter(|symbol| !self.observed.assets.contains_key(*symbol));
        let unknown: Vec<Symbol> = unknown.cloned().collect();
        readings.assets(broker.assets(&unknown).await);
        if reads.positions {
            let positions = broker.positions().await;
            let at = self.now();
            let by_symbol = |positions: Vec<Position>| {
                positions.into_iter().map(|position| (position.symbol.clone(), position)).collect()
            };
            readings.called(positions, |found| Input::Positions(by_symbol(found), at));
        }
        if wants(reads.account, self.observed.account.is_some()) {
            let account = broker.account().await;
            let at = self.now();
            readings.called(account, |account| Input::Account(account, at));
        }
        if reads.orders && self.orders_are_wanted() {
            self.list_orders(&mut readings).await;
        }
        if !reads.snapshots.is_empty() {
            readings.read(self.floor.market.snapshots(&reads.snapshots).await, Input::Snapshots);
            // After the request: what came meanwhile is newer than its answer.
            let streamed = self.floor.market.streamed(&reads.snapshots).into_iter();
            readings.inputs.extend(streamed.map(|(symbol, quote)| Input::Streamed(symbol, quote)));
        }
        // Last, so that it is as young as can be when an order leaves.
        if wants(reads.halt, self.observed.halt.is_some()) {
            let said = self.switch.read(&self.floor.desk.store, &self.state.plan).await;
            let said = if is_planted(Plant::HaltUnread) { Ok(Said::default()) } else { said };
            let unread = is_planted(Plant::CancelUnread);
            let said =
                said.map(|said| Said { canceled: said.canceled.filter(|_| !unread), ..said });
            readings.said(said, self.now());
        }
        for error in readings.failed {
            tracing::warn!(plan_id = %self.state.plan.plan_id, %error, "a reading failed; it is asked for again");
        }
        self.called(readings.calls);
        readings.inputs
    }

    /// The account's orders since before the plan, and everything that is open where that is wanted, too: without it
    /// the list says nothing.
    async fn list_orders(&self, readings: &mut Readings) {
        let broker = &self.floor.broker;
        let since = self.state.plan.timestamp.min(self.state.claimed_at);
        let since = since.saturating_sub(ORDERS_BEFORE_PLAN).unwrap_or(since);
        if self.open_orders_are_wanted() {
            let mut open = broker.open_orders().await;
            if let Ok(open) = &mut open {
                self.ended(since, open, readings).await;
            }
            let failed = open.is_err();
            readings.called(open, Input::Open);
            if failed {
                return;
            }
        }
        let orders = broker.orders(since).await;
        let at = self.now();
        readings.called(orders, |orders| Input::Orders(orders, at));
    }

    /// Adds the orders of ours that were open, are open no longer, and are too old for the other list: it is asked how
    /// they ended.
    async fn ended(&self, since: Timestamp, open: &mut Vec<OrderReport>, readings: &mut Readings) {
        let is_gone = |known: &&OrderReport| {
            let id = &known.broker_order_id;
            known.status.is_open()
                && known.submitted_at <= since
                && !open.iter().any(|order| order.broker_order_id == *id)
        };
        let gone = self.observed.orders.values().filter(is_gone);
        let gone: Vec<_> = gone.filter_map(OrderReport::our_id).collect();
        for id in gone {
            readings.calls = readings.calls.saturating_add(1);
            match self.floor.broker.order(&id).await {
                Ok(found) => open.extend(found),
                Err(error) => readings.failed.push(error),
            }
        }
    }

    /// An order that is older than the plan's list stands in the way, too: it is asked for before anything trades, and
    /// where a leg waits for somebody else's order.
    fn open_orders_are_wanted(&self) -> bool {
        match self.state.phase {
            Phase::Preparing => true,
            Phase::Selling | Phase::Proceeds | Phase::Buying => {
                self.observed.orders_at.is_none() || self.waits_for_an_order()
            }
            Phase::Closing | Phase::Finished => false,
        }
    }

    fn waits_for_an_order(&self) -> bool {
        let mut legs = self.state.legs.iter();
        legs.any(|leg| matches!(leg.waiting, Some((WaitCode::LiveOrder, _))))
    }

    /// While nothing of ours is at the broker its list of orders says no news: it is then read often enough for the
    /// next order, and at once where a leg waits for somebody else's order.
    fn orders_are_wanted(&self) -> bool {
        let (state, half) = (&self.state, self.state.policy.orders_max_age / 2);
        let at_rest = matches!(state.phase, Phase::Selling | Phase::Proceeds | Phase::Buying)
            && state.children().all(|child| self.is_at_rest(child))
            && !self.waits_for_an_order();
        let recent = self.observed.orders_at.is_some_and(|at| self.now().duration_since(at) < half);
        !(at_rest && recent)
    }

    /// Everything was said of an order, by the log or by an answer that is yet to be written down.
    fn is_at_rest(&self, child: &ChildOrder) -> bool {
        let heard = self.observed.orders.get(&child.client_order_id);
        let ended = heard.is_some_and(|report| {
            let priced = report.cumulative.is_zero() || report.average_price.is_some();
            !report.status.is_open() && priced
        });
        child.is_settled() || ended
    }

    fn session_is_old(&self) -> bool {
        let now = self.floor.desk.clock.now();
        let skewed = self
            .observed
            .clock_skew()
            .is_some_and(|skew| skew.abs() > self.state.policy.clock_skew_max);
        skewed
            || self.observed.session.is_none_or(|(_, at)| now.duration_since(at) >= SESSION_REREAD)
    }
}

fn wants(wanted: Wanted, is_known: bool) -> bool {
    match wanted {
        Wanted::No => false,
        Wanted::Once => !is_known,
        Wanted::Now => true,
    }
}
