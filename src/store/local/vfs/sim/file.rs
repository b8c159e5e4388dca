//! An open file of the simulated machine.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard};

use super::super::{Access, Allocation, Result, UnnamedFile, VfsFile};
use super::fault::{Fault, Op};
use super::world::{NameOp, Target, World};
use super::{Shared, failed};

pub(super) struct SimFile {
    pub(super) shared: Arc<Shared>,
    pub(super) life: u64,
    pub(super) node: u64,
    pub(super) path: PathBuf,
    pub(super) access: Access,
}

pub(super) struct SimUnnamed(pub(super) SimFile);

impl SimFile {
    fn enter(&self, op: Op) -> Result<(MutexGuard<'_, World>, Option<Fault>)> {
        self.shared.enter(self.life, op, &self.path)
    }

    fn enter_plain(&self, op: Op) -> Result<MutexGuard<'_, World>> {
        self.shared.enter_plain(self.life, op, &self.path)
    }

    fn check_writable(&self, op: Op) -> Result<()> {
        if self.access == Access::Write {
            return Ok(());
        }
        Err(failed(op, &self.path, ErrorKind::PermissionDenied))
    }
}

impl VfsFile for SimFile {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        let mut world = self.enter_plain(Op::Read)?;
        let live = &world.node_mut(self.node).live;
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(live.len());
        let found = live[from..].get(..buf.len());
        let past_end = || failed(Op::Read, &self.path, ErrorKind::UnexpectedEof);
        buf.copy_from_slice(found.ok_or_else(past_end)?);
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.check_writable(Op::Write)?;
        let (mut world, fault) = self.enter(Op::Write)?;
        let from = usize::try_from(offset).expect("a test's offset");
        let end = offset + bytes.len() as u64;
        let room = world.check_room(self.node, end);
        let error = fault.map(Fault::error).or(room.err());
        let Some(error) = error else {
            world.node_mut(self.node).write(bytes, from);
            return Ok(());
        };
        if matches!(fault, Some(Fault::Short | Fault::Full)) {
            let part = world.random.below(bytes.len().max(1));
            world.node_mut(self.node).write(&bytes[..part], from);
        }
        Err(failed(Op::Write, &self.path, error))
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.check_writable(Op::SetLen)?;
        let mut world = self.enter_plain(Op::SetLen)?;
        world.check_room(self.node, len).map_err(|e| failed(Op::SetLen, &self.path, e))?;
        let mut random = std::mem::take(&mut world.random);
        let node = world.node_mut(self.node);
        node.cut(usize::try_from(len).expect("a test's length"), &mut random);
        node.reserved = node.reserved.min(len);
        world.random = random;
        Ok(())
    }

    fn allocate(&self, offset: u64, len: u64, size: Allocation) -> Result<()> {
        self.check_writable(Op::Allocate)?;
        let mut world = self.enter_plain(Op::Allocate)?;
        let end = offset + len;
        world.check_room(self.node, end).map_err(|e| failed(Op::Allocate, &self.path, e))?;
        let node = world.node_mut(self.node);
        node.reserved = node.reserved.max(end);
        if size == Allocation::Extend && (node.live.len() as u64) < end {
            node.resize(usize::try_from(end).expect("a test's length"));
        }
        Ok(())
    }

    fn sync_data(&self) -> Result<()> {
        let (mut world, fault) = self.enter(Op::Sync)?;
        let Some(fault) = fault else {
            world.node_mut(self.node).sync();
            return Ok(());
        };
        let mut random = std::mem::take(&mut world.random);
        world.node_mut(self.node).sync_badly(&mut random);
        world.random = random;
        Err(failed(Op::Sync, &self.path, fault.error()))
    }

    fn drop_cached(&self, _: u64, _: u64) -> Result<()> {
        self.enter_plain(Op::Read)?.node_mut(self.node).drop_cached();
        Ok(())
    }

    fn expect_sequential(&self) -> Result<()> {
        Ok(())
    }

    fn len(&self) -> Result<u64> {
        Ok(self.enter_plain(Op::Stat)?.node_mut(self.node).live.len() as u64)
    }

    fn describe(&self) -> String {
        format!("sim:/{}", self.path.display())
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        let mut world = self.shared.lock();
        if world.life == self.life {
            world.close(self.node);
        }
    }
}

impl UnnamedFile for SimUnnamed {
    fn file(&self) -> &dyn VfsFile {
        &self.0
    }

    fn publish(self: Box<Self>, path: &Path) -> Result<()> {
        self.0.sync_data()?;
        let mut world = self.0.enter_plain(Op::Link)?;
        let free: io::Result<()> = world.check_free(path);
        free.map_err(|e| failed(Op::Link, path, e))?;
        world.apply(NameOp::Add(path.to_owned(), Target::File(self.0.node)));
        drop(world);
        Ok(())
    }
}
