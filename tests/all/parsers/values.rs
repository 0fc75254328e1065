//! Decimals and settings.

use std::fs;

use alchemiser_core::{policy::Policy, setting::SETTINGS};
use alchemiser_local::settings::Settings;
use alchemiser_tests::world::repository;
use alchemiser_wire::decimal;

use super::{
    change::{Change, Document},
    directory,
    engine::{Seeded, Tally, fuzz, is_quick},
};

/// S10, T3: decimals, with and without exponents.
#[test]
fn decimals() {
    let words = ["1234.5678", "-0.000000001", "1e-28", "7.9E28", "0.05439631484655020394307911266"];
    fuzz!(words.map(Document::word).to_vec(), |_: &Change, bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let Ok(value) = decimal::read(text.trim_matches('"')) else { return false };
        assert_eq!(decimal::read(&value.to_string()), Ok(value));
        assert_eq!(decimal::read(&value.normalize().to_string()), Ok(value));
        true
    });
}

/// M1: values of settings: what is taken is within its bound and is written as it is read.
#[test]
fn settings() {
    let words = ["30", "2.5", "1m30s", "250ms", "adaptive", "true", "BTAL,UVXY", "0.005"];
    fuzz!(words.map(Document::word).to_vec(), |change: &Change, bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let mut taken = false;
        for setting in SETTINGS.iter().skip(change.place(7)).step_by(7) {
            let (mut policy, mut again) = (Policy::default(), Policy::default());
            if setting.set(&mut policy, &text).is_ok() {
                setting.set(&mut again, &setting.get(&policy)).unwrap();
                assert_eq!(again, policy, "{} = {text}", setting.key);
                taken = true;
            }
        }
        taken
    });
}

/// M1: configuration files.
#[test]
fn configuration_files() {
    let example = fs::read_to_string(repository().join("examples/alchemiser.toml")).unwrap();
    let small = "lease = 40\nchildren_max = 10\ncollar = 0.003\npolicy = \"walk\"\n[working_time]\nnormal = 60\n";
    let dir = directory();
    let file = dir.path().join("alchemiser.toml");
    fuzz!(vec![Document::lines(&example), Document::lines(small)], |_: &Change, bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        Settings::load(Some(&file), &[]).is_ok()
    });
}
