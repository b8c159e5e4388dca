//! What a record says about the counters: what its key is counted as before it and after it.
//!
//! Stands behind the meta of every record of format 2; records of format 1 do not say it. A key is
//! counted once, where readers find its object: by its ledger record's claim, as far as that
//! decides, else at home if there is an object.

use serde::{Deserialize, Serialize};

use crate::object::{Month, Timestamp};
use crate::store::{Claim, Kept};

/// An object as far as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Amount {
    /// Its size in bytes.
    pub(crate) size: u64,
    /// The month of its Last-Modified.
    pub(crate) month: Month,
}

/// What a key is counted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counted {
    /// Whether its object is upstream rather than here.
    pub(crate) away: bool,
    /// The object.
    pub(crate) amount: Amount,
}

/// What a ledger record says of its key's object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Claimed {
    /// It is here; where there is none, this one is upstream.
    Here(Option<Amount>),
    /// It is upstream, whatever is here.
    There(Amount),
    /// There is none, whatever is here.
    Gone,
}

/// What stands behind the meta.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// What the key was counted as before.
    pub(crate) before: Option<Counted>,
    /// What it is counted as from now on.
    pub(crate) after: Option<Counted>,
    /// What the ledger record in this record says.
    pub(crate) claimed: Option<Claimed>,
}

impl Amount {
    /// Of an object of that size and time.
    pub(crate) fn new(size: u64, modified: Timestamp) -> Self {
        Self { size, month: Month::of(modified) }
    }
}

impl Counted {
    /// What a key is counted as that has this object here and this ledger record.
    pub(crate) fn of(object: Option<Amount>, claimed: Option<Claimed>) -> Option<Self> {
        let here = |amount| Self { away: false, amount };
        let there = |amount| Self { away: true, amount };
        match claimed {
            None => object.map(here),
            Some(Claimed::Here(otherwise)) => object.map(here).or(otherwise.map(there)),
            Some(Claimed::There(amount)) => Some(there(amount)),
            Some(Claimed::Gone) => None,
        }
    }
}

impl From<Claim> for Claimed {
    fn from(claim: Claim) -> Self {
        let amount = |kept: Kept| Amount::new(kept.size, kept.modified);
        match claim {
            Claim::Here { otherwise } => Self::Here(otherwise.map(amount)),
            Claim::There(kept) => Self::There(amount(kept)),
            Claim::Gone => Self::Gone,
        }
    }
}
