//! Objects lately read from packs. Most are stored as the difference to another one, and that to a third: without this,
//! a file is made from the beginning of its chain each time, and a folder of two thousand files from two thousand
//! beginnings.

use std::collections::{BTreeMap, VecDeque};

use gix::objs::Kind;
use gix::odb::pack::cache::DecodeEntry;

/// Most bytes kept; all folders and files of one revision of production are 7 MB.
const LIMIT: usize = 32 << 20;

/// Number of the pack, and place in it.
type Key = (u32, u64);

struct Object {
    data: Vec<u8>,
    kind: Kind,
    compressed: usize,
}

/// The oldest go first.
#[derive(Default)]
pub(super) struct Bases {
    objects: BTreeMap<Key, Object>,
    order: VecDeque<Key>,
    bytes: usize,
}

impl DecodeEntry for Bases {
    fn put(&mut self, pack: u32, offset: u64, data: &[u8], kind: Kind, compressed: usize) {
        let key = (pack, offset);
        if data.len() > LIMIT / 4 || self.objects.contains_key(&key) {
            return;
        }
        self.bytes += data.len();
        self.order.push_back(key);
        let data = data.to_vec();
        self.objects.insert(
            key,
            Object {
                data,
                kind,
                compressed,
            },
        );
        while self.bytes > LIMIT
            && let Some(oldest) = self.order.pop_front()
        {
            let gone = self.objects.remove(&oldest);
            self.bytes -= gone.map_or(0, |object| object.data.len());
        }
    }

    fn get(&mut self, pack: u32, offset: u64, out: &mut Vec<u8>) -> Option<(Kind, usize)> {
        let object = self.objects.get(&(pack, offset))?;
        out.clear();
        out.extend_from_slice(&object.data);
        Some((object.kind, object.compressed))
    }
}
