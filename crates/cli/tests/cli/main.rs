//! Tests of the real binary.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod asking;
mod backtest;
mod book;
mod broker;
mod cancel;
mod command;
mod config;
mod damage;
mod desk;
mod disk;
mod exchange;
mod freeze;
mod halt;
mod help;
mod input;
mod kill;
mod learned;
mod live;
mod local;
mod measures;
mod narrow;
mod pages;
mod recover;
mod rehearsal;
mod report;
mod retry;
mod run;
mod schedule;
mod schemas;
mod shared;
mod simulate;
