//! A file system in memory that loses what a crash may take, and fails where a test wants it to.
//!
//! What a crash of the machine leaves: everything synced, and of the rest a random part. Content
//! by pages of 4 KiB, each old, new, or torn between its 512-byte sectors; lengths old, new or
//! between; names by the operation (a rename is one), any subset in their order. A file whose
//! sync failed keeps showing its pages as a page cache does, counts them as clean, and has them
//! on its disk or not. The same seed leaves the same.

mod fault;
mod file;
mod node;
mod tests;
mod world;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use fault::{Fault, Op};
use file::{SimFile, SimUnnamed};
use world::{NameOp, Target, World};

use super::{
    Access, DirEntry, FsKind, Lock, LockError, Result, Space, Stat, UnnamedFile, Vfs, VfsError,
    VfsFile,
};

/// The machine: made once per test, whatever happens to it.
#[derive(Clone)]
pub(crate) struct Sim {
    shared: Arc<Shared>,
}

struct Shared {
    world: Mutex<World>,
}

/// What one life of a process sees of the machine. After a crash or kill its calls all fail.
#[derive(Clone)]
struct SimVfs {
    shared: Arc<Shared>,
    life: u64,
}

impl Sim {
    /// An empty machine.
    pub(crate) fn new() -> Self {
        Self { shared: Arc::new(Shared { world: Mutex::new(World::default()) }) }
    }

    /// The file system for a new process.
    pub(crate) fn vfs(&self) -> Arc<dyn Vfs> {
        let life = self.world().life;
        Arc::new(SimVfs { shared: Arc::clone(&self.shared), life })
    }

    /// The machine crashes and starts again; what processes had open is useless.
    pub(crate) fn crash(&self, seed: u64) {
        self.world().crash(seed);
    }

    /// The process dies: nothing is lost, nothing gets synced, and the machine runs on.
    pub(crate) fn kill(&self) {
        self.world().kill();
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> u64 {
        self.world().faults.calls
    }

    /// The call of this number, counted as by [`Sim::calls`], and all after it do nothing but
    /// fail, until [`Sim::crash`] or [`Sim::kill`].
    pub(crate) fn stop_at(&self, call: u64) {
        self.world().faults.stop_at = Some(call);
    }

    /// Whether the machine stands still because of [`Sim::stop_at`].
    pub(crate) fn is_stopped(&self) -> bool {
        self.world().faults.is_stopped()
    }

    /// The nth next call of this kind fails, 0 being the very next.
    pub(crate) fn fail(&self, op: Op, nth: u64, fault: Fault) {
        self.world().faults.plan(op, nth, fault);
    }

    /// How many of the planned failures did not come yet.
    pub(crate) fn pending_faults(&self) -> usize {
        self.world().faults.pending()
    }

    /// How much fits on the disk, or everything.
    pub(crate) fn set_capacity(&self, bytes: Option<u64>) {
        self.world().capacity = bytes;
    }

    /// Changes a stored byte behind the back of everyone, in cache and on disk.
    pub(crate) fn flip(&self, path: &Path, offset: usize, mask: u8) {
        let mut world = self.world();
        let node = world.file_mut(path).unwrap_or_else(|| panic!("no file {}", path.display()));
        node.flip(offset, mask);
    }

    /// A file's content as the running machine sees it.
    pub(crate) fn content(&self, path: &Path) -> Option<Vec<u8>> {
        self.world().file_mut(path).map(|node| node.live.clone())
    }

    /// Every file there is, in order.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let world = self.world();
        let files = world.live.iter().filter(|(_, target)| matches!(target, Target::File(_)));
        files.map(|(path, _)| path.clone()).collect()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.shared.lock()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call; the fault that is planned for it, if any. Fails for a process that is dead.
    fn enter(
        &self,
        life: u64,
        op: Op,
        path: &Path,
    ) -> Result<(MutexGuard<'_, World>, Option<Fault>)> {
        let mut world = self.lock();
        let alive = world.life == life;
        match world.faults.next(op) {
            Ok(fault) if alive => Ok((world, fault)),
            _ => Err(failed(op, path, std::io::Error::other("the machine has stopped"))),
        }
    }

    /// The same for calls that have no effect when they fail.
    fn enter_plain(&self, life: u64, op: Op, path: &Path) -> Result<MutexGuard<'_, World>> {
        match self.enter(life, op, path)? {
            (world, None) => Ok(world),
            (_, Some(fault)) => Err(failed(op, path, fault.error())),
        }
    }
}

fn failed(op: Op, path: &Path, source: impl Into<std::io::Error>) -> VfsError {
    VfsError::new(format!("{op:?} sim:/{}", path.display()), source)
}

impl SimVfs {
    fn world(&self, op: Op, path: &Path) -> Result<MutexGuard<'_, World>> {
        self.shared.enter_plain(self.life, op, path)
    }

    fn handle(&self, world: &mut World, node: u64, path: &Path, access: Access) -> SimFile {
        world.node_mut(node).handles += 1;
        SimFile {
            shared: Arc::clone(&self.shared),
            life: self.life,
            node,
            path: path.to_owned(),
            access,
        }
    }
}

impl Vfs for SimVfs {
    fn create_dir(&self, path: &Path) -> Result<bool> {
        let mut world = self.world(Op::Create, path)?;
        match world.live.get(path) {
            Some(Target::Dir) => Ok(false),
            Some(Target::File(_)) => {
                Err(failed(Op::Create, path, std::io::ErrorKind::AlreadyExists))
            }
            None => {
                world.check_parent(path).map_err(|e| failed(Op::Create, path, e))?;
                world.apply(NameOp::Add(path.to_owned(), Target::Dir));
                Ok(true)
            }
        }
    }

    fn open(&self, path: &Path, access: Access) -> Result<Arc<dyn VfsFile>> {
        let mut world = self.world(Op::Open, path)?;
        match world.live.get(path).copied() {
            Some(Target::File(node)) => Ok(Arc::new(self.handle(&mut world, node, path, access))),
            Some(Target::Dir) => Err(failed(Op::Open, path, std::io::ErrorKind::IsADirectory)),
            None => Err(failed(Op::Open, path, std::io::ErrorKind::NotFound)),
        }
    }

    fn create(&self, path: &Path) -> Result<Arc<dyn VfsFile>> {
        let mut world = self.world(Op::Create, path)?;
        world.check_free(path).map_err(|e| failed(Op::Create, path, e))?;
        let node = world.new_node();
        world.apply(NameOp::Add(path.to_owned(), Target::File(node)));
        Ok(Arc::new(self.handle(&mut world, node, path, Access::Write)))
    }

    fn create_private(&self, path: &Path) -> Result<Arc<dyn VfsFile>> {
        self.create(path)
    }

    fn create_unnamed(&self, dir: &Path) -> Result<Box<dyn UnnamedFile>> {
        let mut world = self.world(Op::Create, dir)?;
        world.check_dir(dir).map_err(|e| failed(Op::Create, dir, e))?;
        let node = world.new_node();
        let file = self.handle(&mut world, node, dir, Access::Write);
        Ok(Box::new(SimUnnamed(file)))
    }

    fn clear_unnamed(&self) -> Result<()> {
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let mut world = self.world(Op::Rename, from)?;
        world.check_parent(to).map_err(|e| failed(Op::Rename, to, e))?;
        if !world.live.contains_key(from) {
            return Err(failed(Op::Rename, from, std::io::ErrorKind::NotFound));
        }
        world.apply(NameOp::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn unlink(&self, path: &Path) -> Result<bool> {
        let mut world = self.world(Op::Unlink, path)?;
        match world.live.get(path).copied() {
            Some(target @ Target::File(_)) => {
                world.apply(NameOp::Remove(path.to_owned(), target));
                Ok(true)
            }
            Some(Target::Dir) => Err(failed(Op::Unlink, path, std::io::ErrorKind::IsADirectory)),
            None => Ok(false),
        }
    }

    fn remove_tree(&self, path: &Path) -> Result<()> {
        let mut world = self.world(Op::Unlink, path)?;
        let inside = |(name, target): (&PathBuf, &Target)| {
            name.starts_with(path).then(|| NameOp::Remove(name.clone(), *target))
        };
        let ops: Vec<NameOp> = world.live.iter().rev().filter_map(inside).collect();
        for op in ops {
            world.apply(op);
        }
        Ok(())
    }

    fn list(&self, dir: &Path) -> Result<Vec<DirEntry>> {
        let world = self.world(Op::List, dir)?;
        world.check_dir(dir).map_err(|e| failed(Op::List, dir, e))?;
        let entry = |(path, target): (&PathBuf, &Target)| {
            let name = path.file_name().filter(|_| path.parent() == Some(dir))?.to_owned();
            Some(DirEntry { name, is_dir: matches!(target, Target::Dir) })
        };
        Ok(world.live.iter().filter_map(entry).collect())
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        let (mut world, fault) = self.shared.enter(self.life, Op::SyncDir, dir)?;
        world.check_dir(dir).map_err(|e| failed(Op::SyncDir, dir, e))?;
        if let Some(fault) = fault {
            return Err(failed(Op::SyncDir, dir, fault.error()));
        }
        world.sync_names(dir);
        Ok(())
    }

    fn stat(&self, path: &Path) -> Result<Option<Stat>> {
        let mut world = self.world(Op::Stat, path)?;
        Ok(match world.live.get(path).copied() {
            Some(Target::Dir) => Some(Stat { is_dir: true, len: 0 }),
            Some(Target::File(node)) => {
                Some(Stat { is_dir: false, len: world.node_mut(node).live.len() as u64 })
            }
            None => None,
        })
    }

    fn lock(&self, path: &Path, holder: &str) -> std::result::Result<Box<dyn Lock>, LockError> {
        let mut world = self.world(Op::Open, path)?;
        if let Some(by) = world.locks.get(path) {
            return Err(LockError::Held { by: by.clone() });
        }
        if !world.live.contains_key(path) {
            world.check_free(path).map_err(|e| failed(Op::Create, path, e))?;
            let node = world.new_node();
            world.apply(NameOp::Add(path.to_owned(), Target::File(node)));
        }
        world.locks.insert(path.to_owned(), holder.to_owned());
        let shared = Arc::clone(&self.shared);
        Ok(Box::new(SimLock { shared, life: self.life, path: path.to_owned() }))
    }

    fn space(&self) -> Result<Space> {
        let world = self.world(Op::Stat, Path::new(""))?;
        let total_bytes = world.capacity.unwrap_or(1 << 40);
        let free_bytes = total_bytes.saturating_sub(world.used());
        Ok(Space { total_bytes, free_bytes, total_files: 1 << 20, free_files: 1 << 20 })
    }

    fn kind(&self) -> Result<FsKind> {
        Ok(FsKind::Memory("simulated"))
    }

    fn boot_id(&self) -> Result<String> {
        Ok(format!("boot-{}", self.shared.lock().boot))
    }

    fn describe(&self, path: &Path) -> String {
        format!("sim:/{}", path.display())
    }
}

struct SimLock {
    shared: Arc<Shared>,
    life: u64,
    path: PathBuf,
}

impl Lock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut world = self.shared.lock();
        if world.life == self.life {
            world.locks.remove(&self.path);
        }
    }
}
