//! The machine's state: files, names, and the names that no directory sync has made durable.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::fault::Faults;
use super::node::Node;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Dir,
    File(u64),
}

/// A change of names.
#[derive(Debug, Clone)]
pub(super) enum NameOp {
    Add(PathBuf, Target),
    Remove(PathBuf, Target),
    Rename(PathBuf, PathBuf),
}

type Names = BTreeMap<PathBuf, Target>;

#[derive(Default)]
pub(super) struct World {
    nodes: BTreeMap<u64, Node>,
    next_node: u64,
    pub(super) live: Names,
    durable: Names,
    pending: Vec<NameOp>,
    pub(super) locks: BTreeMap<PathBuf, String>,
    pub(super) faults: Faults,
    pub(super) capacity: Option<u64>,
    /// Counts processes.
    pub(super) life: u64,
    /// Counts starts of the machine.
    pub(super) boot: u64,
    pub(super) random: Random,
}

impl World {
    pub(super) fn crash(&mut self, seed: u64) {
        self.random = Random(seed);
        for op in std::mem::take(&mut self.pending) {
            if self.random.below(2) == 0 {
                change(&mut self.durable, &op);
            }
        }
        let names = self.durable.clone();
        self.durable.retain(|path, _| {
            let mut parents = path.ancestors().skip(1).filter(|dir| !dir.as_os_str().is_empty());
            parents.all(|dir| names.get(dir) == Some(&Target::Dir))
        });
        self.live = self.durable.clone();
        for node in self.nodes.values_mut() {
            node.crash(&mut self.random);
        }
        self.boot += 1;
        self.kill();
    }

    pub(super) fn kill(&mut self) {
        self.life += 1;
        self.locks.clear();
        self.faults.clear();
        self.nodes.values_mut().for_each(|node| node.handles = 0);
        self.forget_unreachable();
    }

    pub(super) fn new_node(&mut self) -> u64 {
        self.next_node += 1;
        self.nodes.insert(self.next_node, Node::default());
        self.next_node
    }

    pub(super) fn node_mut(&mut self, node: u64) -> &mut Node {
        self.nodes.get_mut(&node).expect("a node that is named or open is kept")
    }

    pub(super) fn file_mut(&mut self, path: &Path) -> Option<&mut Node> {
        match self.live.get(path).copied()? {
            Target::File(node) => Some(self.node_mut(node)),
            Target::Dir => None,
        }
    }

    pub(super) fn close(&mut self, node: u64) {
        self.node_mut(node).handles -= 1;
        self.forget_unreachable();
    }

    pub(super) fn apply(&mut self, op: NameOp) {
        change(&mut self.live, &op);
        self.pending.push(op);
    }

    pub(super) fn sync_names(&mut self, dir: &Path) {
        let inside = |path: &Path| path.parent() == Some(dir);
        for op in std::mem::take(&mut self.pending) {
            let touches = match &op {
                NameOp::Add(path, _) | NameOp::Remove(path, _) => inside(path),
                NameOp::Rename(from, to) => inside(from) || inside(to),
            };
            if touches {
                change(&mut self.durable, &op);
            } else {
                self.pending.push(op);
            }
        }
        self.forget_unreachable();
    }

    pub(super) fn check_dir(&self, dir: &Path) -> io::Result<()> {
        match self.live.get(dir) {
            _ if dir.as_os_str().is_empty() => Ok(()),
            Some(Target::Dir) => Ok(()),
            Some(Target::File(_)) => Err(ErrorKind::NotADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn check_parent(&self, path: &Path) -> io::Result<()> {
        self.check_dir(path.parent().ok_or(ErrorKind::InvalidInput)?)
    }

    pub(super) fn check_free(&self, path: &Path) -> io::Result<()> {
        self.check_parent(path)?;
        if self.live.contains_key(path) { Err(ErrorKind::AlreadyExists.into()) } else { Ok(()) }
    }

    /// Bytes that files take which are named or open.
    pub(super) fn used(&self) -> u64 {
        let named = |node: u64| self.live.values().any(|target| *target == Target::File(node));
        let counts = |(id, node): &(&u64, &Node)| node.handles > 0 || named(**id);
        self.nodes.iter().filter(counts).map(|(_, node)| node.room()).sum()
    }

    /// Whether a file may grow to `len`.
    pub(super) fn check_room(&mut self, node: u64, len: u64) -> io::Result<()> {
        let Some(capacity) = self.capacity else { return Ok(()) };
        let more = len.saturating_sub(self.node_mut(node).room());
        if more > 0 && self.used() + more > capacity {
            return Err(ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn forget_unreachable(&mut self) {
        let mut named = std::collections::BTreeSet::new();
        let pending = self.pending.iter().filter_map(|op| match op {
            NameOp::Add(_, target) | NameOp::Remove(_, target) => Some(target),
            NameOp::Rename(..) => None,
        });
        for target in self.live.values().chain(self.durable.values()).chain(pending) {
            if let Target::File(node) = target {
                named.insert(*node);
            }
        }
        self.nodes.retain(|id, node| node.handles > 0 || named.contains(id));
    }
}

fn change(names: &mut Names, op: &NameOp) {
    match op {
        NameOp::Add(path, target) => {
            names.insert(path.clone(), *target);
        }
        NameOp::Remove(path, target) => {
            if names.get(path) == Some(target) {
                names.remove(path);
            }
        }
        NameOp::Rename(from, to) => rename(names, from, to),
    }
}

/// With everything below, where it is a directory.
fn rename(names: &mut Names, from: &Path, to: &Path) {
    let moved: Vec<PathBuf> = names.keys().filter(|path| path.starts_with(from)).cloned().collect();
    for path in moved {
        let Some(target) = names.remove(&path) else { continue };
        let below = path.strip_prefix(from).unwrap_or(Path::new(""));
        let new = if below.as_os_str().is_empty() { to.to_owned() } else { to.join(below) };
        names.insert(new, target);
    }
}

/// Numbers from a seed (SplitMix64).
#[derive(Default)]
pub(super) struct Random(u64);

impl Random {
    /// A number less than `limit`, which is not 0.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).expect("less than a usize")
    }
}
