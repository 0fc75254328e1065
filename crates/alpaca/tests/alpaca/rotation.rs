//! Keys that are changed while they are used.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use alchemiser_alpaca::{keyring::Keyring, keys::KeysRefused};
use alchemiser_driver::ports::{Broker, SubmitError, Vault, VaultError};
use async_trait::async_trait;
use secrecy::SecretString;

use crate::{
    given::{Desk, KEY, SECRET, at, buy, with},
    server::{Answer, say},
};

/// A vault that has the first text when it is first asked, and the next one from then on.
#[derive(Debug)]
struct Changing {
    texts: [String; 2],
    asked: AtomicUsize,
}

impl Changing {
    fn of(first: &str, then: &str) -> Arc<Self> {
        Arc::new(Self { texts: [first.to_owned(), then.to_owned()], asked: AtomicUsize::new(0) })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Vault for Changing {
    async fn read(&self) -> Result<SecretString, VaultError> {
        let text = &self.texts[self.asked.fetch_add(1, Ordering::Relaxed).min(1)];
        match text.as_str() {
            "" => Err(VaultError("nobody is there".to_owned())),
            text => Ok(text.into()),
        }
    }
}

fn secret(id: &str) -> String {
    format!(r#"{{"APCA_API_KEY_ID":"{id}","APCA_API_SECRET_KEY":"{SECRET}"}}"#)
}

/// The keys of each request, in the order in which they came.
fn used(desk: &Desk) -> Vec<String> {
    let asked = desk.server.asked().into_iter();
    asked
        .map(|asked| {
            let name = "apca-api-key-id: ";
            let line = asked.headers.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().to_uppercase()
        })
        .collect()
}

const REFUSED: &str = r#"{"message":"unauthorized."}"#;
const FLAT: &str = "[]";

fn check(vault: &Arc<Changing>, script: &[Answer], test: impl AsyncFnOnce(&Desk)) {
    let keys = async || Keyring::of_vault(vault.clone()).await.unwrap();
    with(script, keys, test);
}

/// Keys that the broker no longer knows are asked for anew, and the same request goes once more with the new ones;
/// the new ones stay.
#[test]
fn new_keys_are_used_at_once() {
    let vault = Changing::of(&secret(KEY), &secret("PKNEWER"));
    let script = [say(401, REFUSED), say(200, FLAT), say(200, FLAT)];
    check(&vault, &script, async |desk| {
        assert_eq!(desk.alpaca.positions().await, Ok(Vec::new()));
        assert_eq!(desk.alpaca.positions().await, Ok(Vec::new()));
        assert_eq!(used(desk), [KEY, "PKNEWER", "PKNEWER"]);
        assert_eq!(vault.asked(), 2);
    });
}

/// S11: an order that was refused for its keys was not taken; it goes again as it was.
#[test]
fn an_order_refused_for_its_keys_goes_again_as_it_was() {
    let vault = Changing::of(&secret(KEY), &secret("PKNEWER"));
    let script = [say(403, r#"{"message":"forbidden."}"#), Answer::Break];
    check(&vault, &script, async |desk| {
        let sent = desk.alpaca.submit(&buy()).await;
        assert!(matches!(sent, Err(SubmitError::Unclear(_))), "{sent:?}");
        let asked = desk.server.asked();
        assert_eq!((asked.len(), &asked[0].body), (2, &asked[1].body));
        assert_eq!(used(desk), [KEY, "PKNEWER"]);
    });
}

/// A broker that refuses whatever it is shown asks for nothing more than once a minute.
#[test]
fn the_same_keys_are_not_tried_again() {
    for then in [secret(KEY), String::new(), "no keys".to_owned()] {
        let vault = Changing::of(&secret(KEY), &then);
        let script = [say(401, REFUSED), say(401, REFUSED), say(401, REFUSED)];
        check(&vault, &script, async |desk| {
            for seconds in [0, 59] {
                desk.clock.pass(seconds * 1_000);
                desk.alpaca.positions().await.unwrap_err();
                assert_eq!(vault.asked(), 2, "after {seconds} s");
            }
            desk.clock.pass(2_000);
            desk.alpaca.positions().await.unwrap_err();
            assert_eq!((vault.asked(), used(desk).len()), (3, 3));
        });
    }
}

/// Keys of this machine are what they are.
#[test]
fn keys_without_a_vault_are_not_tried_again() {
    at(&[say(401, REFUSED)], async |desk| {
        desk.alpaca.positions().await.unwrap_err();
        assert_eq!(used(desk), [KEY]);
    });
}

/// I16: neither the old keys nor the new ones are in what the broker is heard to say.
#[test]
fn old_keys_and_new_ones_are_hidden() {
    let vault = Changing::of(&secret(KEY), &secret("PKNEWER"));
    let echo = format!(r#"{{"message":"not authorized: {KEY} PKNEWER {SECRET}"}}"#);
    check(&vault, &[say(401, &echo), say(401, &echo)], async |desk| {
        let said = desk.alpaca.positions().await.unwrap_err().to_string();
        assert!(said.contains("not authorized: [hidden] [hidden] [hidden]"), "{said}");
    });
}

/// What a vault has must be keys.
#[test]
fn a_vault_without_keys_is_refused() {
    let open = |text: &str| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(Keyring::of_vault(Changing::of(text, ""))).unwrap_err()
    };
    assert!(matches!(open(""), KeysRefused::Vault(_)));
    assert!(matches!(open("canary"), KeysRefused::NotKeys { .. }));
}
