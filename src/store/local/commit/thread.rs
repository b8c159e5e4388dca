//! The committer's thread.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SendError, SyncSender};

use super::super::core::{Core, PendingBlob};
use super::super::effects::Effects;
use super::super::format::meta::Meta;
use super::super::format::place::RecordRef;
use super::super::format::record::{Frame, MAX_DATA_LEN, MAX_META_LEN};
use super::super::keeper::{Keeper, Task};
use super::super::log::{AppendError, Appender};
use super::decide::{Decision, Draft, decide};
use super::overlay::View;
use super::{Answer, Batch, Command, Outcome, Request, Waiting};
use crate::store::StoreError;

/// How many bytes of records one batch has at most, but for the last record.
const BATCH_BYTES: usize = 8 << 20;
/// How many commands one batch has at most.
const BATCH_COMMANDS: usize = 1024;

/// Writes the log.
pub(crate) struct Committer {
    core: Arc<Core>,
    queue: Receiver<Request>,
    applier: SyncSender<Batch>,
    keeper: Keeper,
    log: Appender,
    view: View,
    /// The last record that is durable.
    durable: u64,
    waiting: VecDeque<Waiting>,
    buffer: Vec<u8>,
    begins: Option<(u64, u64)>,
    /// Whether the segment is to end though it is not full.
    rolls: bool,
    stopped: bool,
}

/// A batch that is being made.
#[derive(Default)]
struct Draught {
    effects: Vec<Effects>,
    taken: Vec<(Waiting, Answer)>,
}

impl Committer {
    /// Goes on behind the record `durable`.
    pub(crate) fn new(
        core: Arc<Core>,
        queue: Receiver<Request>,
        applier: SyncSender<Batch>,
        keeper: Keeper,
        log: Appender,
        durable: u64,
    ) -> Result<Self, StoreError> {
        let ledgers: Vec<_> = core.progress().tally.ledgers().collect();
        let view = View::new(core.catalog()?, core.buckets(), ledgers);
        Ok(Self {
            core,
            queue,
            applier,
            keeper,
            log,
            view,
            durable,
            waiting: VecDeque::new(),
            buffer: Vec::new(),
            begins: None,
            rolls: false,
            stopped: false,
        })
    }

    /// Works until it is told to stop and nothing waits any more.
    pub(crate) fn run(mut self) {
        while self.collect() {
            if let Some(reason) = self.core.read_only() {
                let error = || StoreError::ReadOnly { reason: reason.to_owned() };
                Draught::take_all(&mut self.waiting).answer_all(error);
                continue;
            }
            self.view.prune(self.core.applied());
            match self.roll_if_full() {
                Ok(()) => self.commit(),
                Err(error) => {
                    let all = Draught::take_all(&mut self.waiting);
                    self.failed(all, error);
                }
            }
        }
    }

    /// Takes everything that waits; `false` at the end.
    fn collect(&mut self) -> bool {
        if self.waiting.is_empty() {
            if self.stopped {
                return false;
            }
            match self.queue.recv() {
                Ok(request) => self.take(request),
                Err(_) => return false,
            }
        }
        while self.waiting.len() < BATCH_COMMANDS {
            match self.queue.try_recv() {
                Ok(request) => self.take(request),
                Err(_) => break,
            }
        }
        true
    }

    fn take(&mut self, request: Request) {
        match request {
            Request::Commit(waiting) => {
                self.rolls |= matches!(*waiting.command, Command::Roll);
                self.waiting.push_back(waiting);
            }
            Request::Stop => self.stopped = true,
        }
    }

    fn roll_if_full(&mut self) -> Result<(), AppendError> {
        let ends = std::mem::take(&mut self.rolls) && !self.log.is_empty();
        if self.log.is_full() || ends {
            let segment = self.log.position().segment;
            let first = self.durable + 1;
            self.log.roll(first, self.core.clock.now())?;
            self.begins = Some((self.log.position().segment, first));
            self.keeper.tell(Task::Seal { segment, last_lsn: self.durable, done: None });
        }
        Ok(())
    }

    /// Decides, writes, syncs, and hands on to the index.
    fn commit(&mut self) {
        let draught = self.draw();
        if !draught.effects.is_empty() {
            if let Err(error) = self.write(&draught) {
                self.failed(draught, error);
                return;
            }
            self.durable += draught.effects.len() as u64;
        }
        self.hand_on(draught);
    }

    /// Decides about as many of the waiting commands as make a batch.
    fn draw(&mut self) -> Draught {
        self.buffer.clear();
        let mut draught = Draught::default();
        let claims = self.core.options.claims;
        while self.buffer.len() < BATCH_BYTES {
            let Some(waiting) = self.waiting.pop_front() else { break };
            let (store, now) = (self.core.store, self.core.clock.now());
            let outcome = match decide(&self.view, &waiting.command, store, now, claims) {
                Ok(Decision::Write(drafts)) => self.encode(drafts, &mut draught.effects),
                Ok(Decision::Retry) => Ok(Outcome::Retry),
                Err(error) => Err(error),
            };
            draught.taken.push((waiting, outcome));
        }
        draught
    }

    fn encode(&mut self, drafts: Vec<Draft>, effects: &mut Vec<Effects>) -> Answer {
        let mut outcome = Outcome::Nothing;
        for draft in drafts {
            let lsn = self.durable + 1 + effects.len() as u64;
            let position = self.log.position();
            let (format, meta) = draft.meta.encode(&draft.counts);
            if meta.len() > MAX_META_LEN || draft.data.len() > MAX_DATA_LEN {
                return Err(too_long(meta.len().max(draft.data.len())));
            }
            let frame = Frame {
                kind: draft.meta.kind(),
                lsn,
                durable: self.durable,
                subject: draft.meta.subject(),
                format,
                meta: &meta,
                data: &draft.data,
                data_crcs: &draft.crcs,
            };
            let offset = position.offset + self.buffer.len() as u64;
            let len = frame.encode(&self.log.identity(), &mut self.buffer);
            let len = u32::try_from(len).unwrap_or(u32::MAX);
            let record = RecordRef { lsn, segment: position.segment, offset, len };
            let places = matches!(draft.meta, Meta::MovePart(_));
            let part_of = match &draft.meta {
                Meta::UploadPart(part) => Some(part.at.bucket),
                _ => None,
            };
            let effect =
                Effects::of(self.core.store, record, (draft.meta, Some(draft.counts)), &draft.data);
            let effect = effect.map_err(|flaw| StoreError::Damaged { what: flaw.0.to_owned() })?;
            self.view.add(&effect);
            if let Some(bucket) = part_of {
                self.view.touch_bucket(bucket, lsn);
            }
            effects.push(effect);
            outcome = if places { Outcome::Placed(record) } else { Outcome::Done(lsn) };
        }
        Ok(outcome)
    }

    /// The names of new blobs first: a record on the disk proves that its blob is there too.
    fn write(&mut self, draught: &Draught) -> Result<(), AppendError> {
        let dirs = draught.blobs().map(|blob| blob.published().dir);
        self.core.blobs.sync_dirs(dirs).map_err(AppendError::Failed)?;
        // A restart may find the records from here on, whatever becomes of this thread.
        draught.blobs().for_each(PendingBlob::keep);
        self.log.append(&self.buffer)
    }

    fn hand_on(&mut self, draught: Draught) {
        let Draught { effects, taken } = draught;
        let mut keys = Vec::new();
        let answers = taken.into_iter().map(|(waiting, answer)| {
            keys.extend(waiting.keys);
            (waiting.answer, answer)
        });
        let batch = Batch {
            effects,
            answers: answers.collect(),
            keys,
            position: self.log.position(),
            begins: self.begins.take(),
        };
        if let Err(SendError(batch)) = self.applier.send(batch) {
            // It ends only after this thread, unless it panicked.
            let reason = "the index's thread has ended";
            self.core.make_read_only(reason);
            for (to, _) in batch.answers {
                let _ = to.send(Err(StoreError::ReadOnly { reason: reason.to_owned() }));
            }
        }
    }

    /// Nothing of the batch is acknowledged.
    fn failed(&mut self, draught: Draught, error: AppendError) {
        match error {
            AppendError::Failed(error) => {
                // The records may still be found after a restart: their blobs stay kept.
                self.core.make_read_only(error.to_string());
                draught.answer_all(|| StoreError::ReadOnly { reason: error.to_string() });
            }
            AppendError::Full => {
                self.take_back();
                draught.blobs().for_each(PendingBlob::release);
                let again = self.core.reserve.give_up(&*self.core.vfs);
                let (frees, rest) = draught.split(|command| again && command.frees());
                rest.answer_all(|| StoreError::StorageFull);
                for (waiting, _) in frees.taken.into_iter().rev() {
                    self.rolls |= matches!(*waiting.command, Command::Roll);
                    self.waiting.push_front(waiting);
                }
            }
        }
    }

    /// Forgets what a failed batch would have changed.
    fn take_back(&mut self) {
        // Whatever is durable is applied in the end, or the store takes no more writes.
        while self.core.applied() < self.durable && self.core.read_only().is_none() {
            std::thread::yield_now();
        }
        self.view.reset(self.core.buckets(), self.durable);
    }
}

/// S3's own limits keep every record far below this.
fn too_long(len: usize) -> StoreError {
    let source = std::io::Error::other(format!("{len} bytes are too many for a record"));
    StoreError::Io { doing: "write to the log".to_owned(), source }
}

impl Draught {
    fn take_all(waiting: &mut VecDeque<Waiting>) -> Self {
        let taken = waiting.drain(..).map(|waiting| (waiting, Ok(Outcome::Nothing))).collect();
        Self { effects: Vec::new(), taken }
    }

    /// The blobs of the commands that became records.
    fn blobs(&self) -> impl Iterator<Item = &PendingBlob> {
        let done = self.taken.iter().filter(|(_, answer)| matches!(answer, Ok(Outcome::Done(_))));
        done.filter_map(|(waiting, _)| waiting.command.blob())
    }

    fn split(self, is_first: impl Fn(&Command) -> bool) -> (Self, Self) {
        let (one, other) =
            self.taken.into_iter().partition(|(waiting, _)| is_first(&waiting.command));
        (Self { effects: Vec::new(), taken: one }, Self { effects: Vec::new(), taken: other })
    }

    fn answer_all(self, error: impl Fn() -> StoreError) {
        for (waiting, _) in self.taken {
            // Who does not wait any more needs no answer.
            let _ = waiting.answer.send(Err(error()));
        }
    }
}
