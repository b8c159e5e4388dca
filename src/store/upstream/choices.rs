//! What uploads were created with, so that not every part has to ask for it.
//!
//! An upload's choice never changes, so that what is remembered is never wrong; whether the
//! upload is still there is decided by the call that follows.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::object::BucketName;
use crate::store::{UploadChoice, UploadPath};

/// How many uploads are remembered.
const REMEMBERED: usize = 4096;

/// The choices of the latest uploads.
#[derive(Debug, Default)]
pub(super) struct Choices(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    choices: HashMap<UploadPath, UploadChoice>,
    order: VecDeque<UploadPath>,
}

impl Choices {
    /// An upload's choice, where it is remembered.
    pub(super) fn get(&self, upload: &UploadPath) -> Option<UploadChoice> {
        self.lock().choices.get(upload).copied()
    }

    /// Remembers an upload's choice, and forgets the oldest where there are too many.
    pub(super) fn remember(&self, upload: &UploadPath, choice: UploadChoice) {
        let mut known = self.lock();
        if known.choices.insert(upload.clone(), choice).is_none() {
            known.order.push_back(upload.clone());
        }
        while known.order.len() > REMEMBERED {
            if let Some(oldest) = known.order.pop_front() {
                known.choices.remove(&oldest);
            }
        }
    }

    /// The upload has ended.
    pub(super) fn forget(&self, upload: &UploadPath) {
        let mut known = self.lock();
        if known.choices.remove(upload).is_some() {
            known.order.retain(|other| other != upload);
        }
    }

    /// The bucket is gone with its uploads.
    pub(super) fn forget_bucket(&self, bucket: &BucketName) {
        let mut known = self.lock();
        known.choices.retain(|upload, _| upload.object.bucket != *bucket);
        known.order.retain(|upload| upload.object.bucket != *bucket);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{Algorithm, ChecksumChoice, Encrypted, ObjectKey, UploadId};
    use crate::store::ObjectPath;

    fn upload(number: usize) -> UploadPath {
        let bucket = BucketName::parse("bucket").unwrap();
        let object = ObjectPath { bucket, key: ObjectKey::parse("key").unwrap() };
        UploadPath { object, id: UploadId::new(number.to_string()) }
    }

    #[test]
    fn the_latest_are_remembered() {
        let choices = Choices::default();
        let checksum = ChecksumChoice {
            algorithm: Algorithm::Sha1,
            kind: Algorithm::Sha1.default_kind(),
            explicit: true,
        };
        let encryption = Some(Encrypted::Managed { asked: false });
        let choice = UploadChoice { checksum, encryption };
        for number in 0..=REMEMBERED {
            choices.remember(&upload(number), choice);
            choices.remember(&upload(number), choice);
        }
        assert_eq!(choices.get(&upload(0)), None);
        assert_eq!(choices.get(&upload(1)), Some(choice));
        choices.forget(&upload(1));
        assert_eq!(choices.get(&upload(1)), None);
        let known = choices.lock();
        assert_eq!(known.order.len(), known.choices.len());
        drop(known);
        choices.forget_bucket(&upload(2).object.bucket);
        assert_eq!(choices.get(&upload(2)), None);
        assert!(choices.lock().order.is_empty());
    }
}
