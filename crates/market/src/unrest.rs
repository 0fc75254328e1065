//! What disturbs a book besides its usual course: the minutes after the open, halts, jumps. Rare, seeded, and only
//! where a listing asks for it.

use serde::{Deserialize, Serialize};

use crate::chance::{Chance, float};

/// Seconds of a year of trading: 252 sessions of six and a half hours.
const YEAR_S: f64 = 252.0 * 6.5 * 3600.0;
/// Mean seconds of a halt (the pause of limit-up limit-down).
const HALT_S: f64 = 300.0;
/// Seconds after which half of the open's extra spread is gone.
const OPENING_HALF_S: f64 = 150.0;

/// What may disturb a book. The default is nothing; what is usual for a regime is in its
/// [`Habits`](crate::listing::Habits).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Unrest {
    /// The book's time zero is the open of a session, where gaps are wider than later by so many percent.
    pub opening_percent: u32,
    /// Halts in a year of trading.
    pub halts_per_year: u32,
    /// Jumps of the price in a year of trading.
    pub jumps_per_year: u32,
}

impl Unrest {
    /// Nothing disturbs the book.
    pub const NONE: Self = Self { opening_percent: 0, halts_per_year: 0, jumps_per_year: 0 };

    /// Whether nothing disturbs the book.
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// How much wider gaps are at so many seconds than usual.
    pub(crate) fn widening(self, at_s: f64) -> f64 {
        let first = f64::from(self.opening_percent) / 100.0;
        1.0 + first / (1.0 + at_s / OPENING_HALF_S)
    }
}

/// A disturbance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shock {
    /// Trading stops.
    Halt,
    /// Trading goes on after a halt.
    Resumption,
    /// The price jumps.
    Jump,
}

/// When the disturbances of one book come.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    unrest: Unrest,
    chance: Chance,
    /// Seconds at which the next halt begins or the present one ends; never for infinity.
    halt_s: f64,
    halted: bool,
    jump_s: f64,
}

impl Schedule {
    pub(crate) fn new(seed: u64, symbol: &str, unrest: Unrest) -> Self {
        let chance = Chance::of(seed, "unrest", symbol);
        let never = f64::INFINITY;
        let mut schedule = Self { unrest, chance, halt_s: never, halted: false, jump_s: never };
        schedule.halt_s = schedule.waiting(unrest.halts_per_year);
        schedule.jump_s = schedule.waiting(unrest.jumps_per_year);
        schedule
    }

    /// The next disturbance and its seconds.
    pub(crate) fn next(&self) -> (f64, Shock) {
        if self.jump_s < self.halt_s {
            return (self.jump_s, Shock::Jump);
        }
        (self.halt_s, if self.halted { Shock::Resumption } else { Shock::Halt })
    }

    /// The next disturbance is happening: plans the one after it. What a halt delays is told in seconds.
    pub(crate) fn pass(&mut self) -> f64 {
        match self.next() {
            (at_s, Shock::Halt) => {
                let pause_s = HALT_S * (0.5 + self.chance.unit());
                self.halted = true;
                self.halt_s = at_s + pause_s;
                self.jump_s += pause_s;
                pause_s
            }
            (at_s, Shock::Resumption) => {
                self.halted = false;
                self.halt_s = at_s + self.waiting(self.unrest.halts_per_year);
                0.0
            }
            (at_s, Shock::Jump) => {
                self.jump_s = at_s + self.waiting(self.unrest.jumps_per_year);
                0.0
            }
        }
    }

    /// What happens at random in a disturbance.
    pub(crate) fn chance(&mut self) -> &mut Chance {
        &mut self.chance
    }

    pub(crate) fn widening(&self, at_s: f64) -> f64 {
        self.unrest.widening(at_s)
    }

    fn waiting(&mut self, per_year: u32) -> f64 {
        match per_year {
            0 => f64::INFINITY,
            some => self.chance.waiting() * YEAR_S / float(some.into()),
        }
    }
}
