//! The same seed, the same bytes.

use std::{collections::BTreeMap, fs, path::Path};

use alchemiser_tests::{
    dice::Dice,
    plans,
    pulse::{Moment, Script},
    world::World,
};

fn collect(root: &Path, at: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(at).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            files.insert(name, fs::read(path).unwrap());
        }
    }
}

/// Logs, ledgers and the exchange's journal.
fn files(world: &World) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for part in ["executions", "ledger", "exchange", "accounts"] {
        collect(world.root(), &world.root().join(part), &mut files);
    }
    files
}

fn same_twice(run: impl Fn() -> World) {
    let (one, two) = (run(), run());
    let (first, second) = (files(&one), files(&two));
    assert!(first.len() > 5, "{:?}", first.keys());
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    for (name, bytes) in &first {
        let (bytes, other) =
            (String::from_utf8_lossy(bytes), String::from_utf8_lossy(&second[name]));
        assert!(bytes == other, "{name} differs:\n{bytes}\n{other}");
    }
    assert_eq!(one.taken.all(), two.taken.all());
}

/// H9, S10: a run, one that crashed, and one full of faults come out the same to the last byte.
#[test]
fn the_same_seed_gives_the_same_bytes() {
    for (seed, event) in [(1, plans::small()), (2, plans::example())] {
        for script in
            [Script::clean(), Script::crash(70, Moment::After), Dice::of(seed).script(100)]
        {
            same_twice(|| {
                let world = World::new(seed);
                world.run(&event, script.clone());
                world.finish(&event);
                world
            });
        }
    }
}
