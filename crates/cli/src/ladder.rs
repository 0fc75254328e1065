//! A price ladder in one line: bid and ask at its ends, our order and our fills between them.

use rust_decimal::Decimal;

use crate::table::price;

/// Cells between bid and ask; with two prices and their brackets it fits into 40 columns.
const CELLS: u32 = 17;

/// What is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ladder {
    pub(crate) bid: Decimal,
    pub(crate) ask: Decimal,
    /// The limit of the order that is live.
    pub(crate) order: Option<Decimal>,
    /// The average price of what was filled.
    pub(crate) filled: Option<Decimal>,
}

impl Ladder {
    /// `21.02 [··o····x··] 21.06`: `o` is our order, `x` what was filled, `*` both. A price beyond the touch is drawn outside of
    /// its bracket.
    pub(crate) fn line(&self) -> String {
        let mut cells: Vec<char> = std::iter::repeat_n('·', width()).collect();
        let (mut below, mut above) = (' ', ' ');
        let marks = [(self.order, 'o'), (self.filled, 'x')];
        for (price, mark) in marks.into_iter().filter_map(|(price, mark)| Some((price?, mark))) {
            let cell = if price < self.bid {
                &mut below
            } else if price > self.ask {
                &mut above
            } else {
                let Some(cell) = cells.get_mut(self.place(price)) else { continue };
                cell
            };
            *cell = if *cell == 'o' { '*' } else { mark };
        }
        let cells: String = cells.into_iter().collect();
        format!("{}{below}[{cells}]{above}{}", price(self.bid), price(self.ask))
    }

    /// The cell of a price between bid and ask; the middle one where they are the same.
    fn place(&self, price: Decimal) -> usize {
        let last = Decimal::from(CELLS.saturating_sub(1));
        let spread = self.ask.saturating_sub(self.bid);
        let share = price.saturating_sub(self.bid).checked_div(spread);
        let place = share.unwrap_or(Decimal::new(5, 1)).saturating_mul(last).round();
        usize::try_from(place).unwrap_or_default()
    }
}

fn width() -> usize {
    usize::try_from(CELLS).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bid: &str, ask: &str, order: Option<&str>, filled: Option<&str>, expected: &str) {
        let price = |text: &str| text.parse::<Decimal>().unwrap();
        let (order, filled) = (order.map(price), filled.map(price));
        let line = Ladder { bid: price(bid), ask: price(ask), order, filled }.line();
        assert_eq!(line, expected);
        assert!(line.chars().count() <= 35, "{line}");
    }

    /// Bid and ask are the ends, and what is between them is to scale.
    #[test]
    fn prices_stand_where_they_are() {
        check("21.02", "21.06", Some("21.02"), None, "21.02 [o················] 21.06");
        check("21.02", "21.06", Some("21.04"), None, "21.02 [········o········] 21.06");
        check("21.02", "21.06", Some("21.06"), None, "21.02 [················o] 21.06");
        check("21.02", "21.06", Some("21.03"), Some("21.055"), "21.02 [····o·········x··] 21.06");
        check("21.02", "21.06", Some("21.04"), Some("21.04"), "21.02 [········*········] 21.06");
        check("21.5", "21.70", None, Some("21.6"), "21.50 [········x········] 21.70");
        check("21.02", "21.06", None, None, "21.02 [·················] 21.06");
    }

    /// What is beyond the touch stands outside; a locked market has one price, in the middle.
    #[test]
    fn prices_beyond_the_touch_stand_outside() {
        check("21.02", "21.06", Some("21.01"), Some("21.07"), "21.02o[·················]x21.06");
        check("21.02", "21.02", Some("21.02"), None, "21.02 [········o········] 21.02");
        check("4321.02", "4321.06", None, None, "4321.02 [·················] 4321.06");
    }
}
