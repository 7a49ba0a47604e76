//! The store as its users meet it: shared, damaged, ambiguous.

#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

use std::fs;
use std::thread;

use partita_artefact::codec::DecodeError;
use partita_artefact::digest::Digest;
use partita_artefact::ir::Artefact;
use partita_artefact::store::{SHORTEST_PREFIX, Store, StoreError, read_file};

fn artefact(root: &str) -> Artefact {
    Artefact {
        root: root.to_owned(),
        ..Artefact::default()
    }
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("a/new/folder")).unwrap();
    (folder, store)
}

#[test]
fn gives_back_what_was_put() {
    let (_folder, store) = store();
    let digest = store.put(&artefact("a")).unwrap();
    assert_eq!(store.put(&artefact("a")).unwrap(), digest);
    assert_eq!(store.list().unwrap(), [digest]);
    for wanted in [
        digest.to_string(),
        digest.hex(),
        digest.hex()[..SHORTEST_PREFIX].to_owned(),
    ] {
        assert_eq!(store.get(&wanted).unwrap(), (digest, artefact("a")));
    }
    let file = store.object(&digest);
    assert_eq!(
        Digest::of(&fs::read(&file).unwrap()),
        digest,
        "the name is the hash of the file"
    );
    assert_eq!(read_file(&file).unwrap(), (digest, artefact("a")));
}

#[test]
fn says_what_a_prefix_may_mean() {
    let (_folder, store) = store();
    // Among so many some begin alike.
    let mut all: Vec<_> = (0..2_000)
        .map(|n| Digest::of(format!("{n}").as_bytes()))
        .collect();
    all.sort();
    let twins = all
        .windows(2)
        .find(|pair| pair[0].hex()[..4] == pair[1].hex()[..4])
        .unwrap();
    for digest in twins {
        fs::write(store.object(digest), "").unwrap();
    }
    let prefix = twins[0].hex()[..4].to_owned();
    match store.find(&prefix) {
        Err(StoreError::Ambiguous { candidates, .. }) => assert_eq!(candidates, twins),
        other => panic!("{other:?}"),
    }
    assert!(matches!(store.find("abc"), Err(StoreError::NoHash(_))));
    assert!(matches!(store.find("readout"), Err(StoreError::NoHash(_))));
    assert!(matches!(
        store.get(&Digest::of(b"nothing").hex()),
        Err(StoreError::Unknown(_))
    ));
}

#[test]
fn refuses_damaged_files_each_with_its_reason() {
    let (_folder, store) = store();
    let digest = store.put(&artefact("a workflow with a name")).unwrap();
    let file = store.object(&digest);
    let good = fs::read(&file).unwrap();
    let load = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        store.load(&digest).unwrap_err()
    };
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    assert!(matches!(load(&flipped), StoreError::Damaged { .. }));
    assert!(matches!(
        load(&good[..good.len() - 3]),
        StoreError::Damaged { .. }
    ));
    assert!(matches!(
        load(&good[..5]),
        StoreError::Decode {
            error: DecodeError::Short,
            ..
        }
    ));
    assert!(matches!(
        load(b"name: readout"),
        StoreError::Decode {
            error: DecodeError::Foreign,
            ..
        }
    ));
    let mut newer = good.clone();
    newer[8] = 9;
    assert!(matches!(
        load(&newer),
        StoreError::Decode {
            error: DecodeError::TooNew { found: 9 },
            ..
        }
    ));
    // To put it again mends it.
    store.put_bytes(&good).unwrap();
    assert_eq!(store.load(&digest).unwrap(), artefact("a workflow with a name"));
}

#[test]
fn names_lead_to_hashes() {
    let (_folder, store) = store();
    let (a, b) = (
        store.put(&artefact("a")).unwrap(),
        store.put(&artefact("b")).unwrap(),
    );
    let name = "host/repo/workflows/readout@main";
    assert!(matches!(store.get(name), Err(StoreError::NoHash(_))));
    store.set_name(name, &a).unwrap();
    store.set_name("../../escape", &a).unwrap();
    store.set_name(name, &b).unwrap();
    assert_eq!(store.get(name).unwrap().0, b);
    assert_eq!(
        store.names().unwrap(),
        [("../../escape".to_owned(), a), (name.to_owned(), b)]
    );
}

#[test]
fn may_be_shared() {
    let (_folder, store) = store();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..20 {
                    let digest = store.put(&artefact(&n.to_string())).unwrap();
                    store.set_name("latest", &digest).unwrap();
                    let named = store.named("latest").unwrap().unwrap();
                    store.load(&named).unwrap();
                }
            });
        }
    });
    assert_eq!(
        store.list().unwrap().len(),
        20,
        "no half-written or left-over file"
    );
}
