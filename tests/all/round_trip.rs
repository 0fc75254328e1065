//! What is stored reads back as it was written.

use alchemiser_tests::{dice::Dice, plans, pulse::Script, world::World};
use alchemiser_wire::{entry::Entry, ledger::LedgerLine};

fn identical(world: &World) -> usize {
    let logs = world.logs();
    let stored = logs.iter().flat_map(|log| &log.entries);
    for (seq, bytes) in stored.clone() {
        let entry = Entry::from_bytes(bytes).unwrap();
        let printed = entry.to_bytes();
        assert_eq!(
            String::from_utf8_lossy(&printed),
            String::from_utf8_lossy(bytes),
            "entry {seq} is printed otherwise than it was stored"
        );
        assert_eq!(Entry::from_bytes(&printed).unwrap(), entry);
    }
    stored.count()
}

/// S12, I7: parse and print of every log entry is the identity, whatever happened.
#[test]
fn every_log_entry_reads_back_as_it_was_written() {
    let mut entries = 0;
    for seed in 0..60 {
        let event = if seed % 5 == 0 { plans::example() } else { plans::small() };
        let world = World::new(seed);
        world.run(&event, Dice::of(seed).script(150));
        world.finish(&event);
        entries += identical(&world);
    }
    assert!(entries > 1_000, "{entries} entries are not enough to show anything");
}

/// L10: parse and print of every ledger line is the identity.
#[test]
fn every_ledger_line_reads_back_as_it_was_written() {
    for event in [plans::small(), plans::example()] {
        let world = World::new(3);
        world.run(&event, Script::clean());
        let bytes = world.ledger(&world.finish(&event)).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.lines().count() > 3);
        for line in text.lines() {
            let parsed: LedgerLine = serde_json::from_str(line).unwrap();
            assert_eq!(serde_json::to_string(&parsed).unwrap(), line);
        }
    }
}
