//! What storing costs in a month, by the configured prices.

use serde_json::{Value, json};

use super::view::Prices;
use crate::migrate::View;
use crate::placement::transfer::Direction;

/// Bytes by backend.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) local: u64,
    pub(super) s3: u64,
}

/// What that costs, as far as prices are known; null where none is.
pub(super) fn monthly(prices: &Prices, stored: Stored) -> Value {
    if prices.local.is_none() && prices.s3.is_none() {
        return Value::Null;
    }
    let mut cost = by_backend(prices, stored);
    if let Some(cost) = cost.as_object_mut() {
        cost.insert("currency".to_owned(), json!(prices.currency));
    }
    cost
}

/// What the objects of a plan cost now, and after it was run; null where no price is known.
pub(super) fn of_plan(prices: &Prices, view: &View) -> Value {
    let Some(plan) = &view.plan else { return Value::Null };
    if prices.local.is_none() && prices.s3.is_none() {
        return Value::Null;
    }
    let (before, after) = moved(view.direction, view.keep_source, plan.bytes);
    json!({
        "currency": prices.currency,
        "before": by_backend(prices, before),
        "after": by_backend(prices, after),
    })
}

/// Where so many bytes are before and after they are moved.
fn moved(direction: Direction, keep_source: bool, bytes: u64) -> (Stored, Stored) {
    let (local, s3) = (Stored { local: bytes, s3: 0 }, Stored { local: 0, s3: bytes });
    let (before, after) = match direction {
        Direction::ToS3 => (local, s3),
        Direction::ToLocal => (s3, local),
    };
    if keep_source { (before, Stored { local: bytes, s3: bytes }) } else { (before, after) }
}

fn by_backend(prices: &Prices, stored: Stored) -> Value {
    let of = |bytes: u64, price: Option<f64>| price.map(|price| gib(bytes) * price);
    let (local, s3) = (of(stored.local, prices.local), of(stored.s3, prices.s3));
    let sum = local.unwrap_or_default() + s3.unwrap_or_default();
    json!({ "local": local.map(rounded), "s3": s3.map(rounded), "total": rounded(sum) })
}

#[allow(clippy::cast_precision_loss, reason = "costs are told to six digits")]
fn gib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}

fn rounded(cost: f64) -> f64 {
    (cost * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn prices(local: Option<f64>, s3: Option<f64>) -> Prices {
        Prices { currency: "EUR".to_owned(), local, s3 }
    }

    #[test]
    fn what_has_a_price_is_told() {
        let stored = Stored { local: GIB, s3: 2 * GIB };
        let both = monthly(&prices(Some(0.5), Some(0.023)), stored);
        let expected = json!({ "currency": "EUR", "local": 0.5, "s3": 0.046, "total": 0.546 });
        assert_eq!(both, expected);
        let one = monthly(&prices(None, Some(1.0)), stored);
        assert_eq!((&one["local"], &one["total"]), (&Value::Null, &json!(2.0)));
        assert_eq!(monthly(&prices(None, None), stored), Value::Null);
    }

    #[test]
    fn what_is_moved_costs_at_its_target_and_kept_sources_as_well() {
        let (here, there) = (Stored { local: 7, s3: 0 }, Stored { local: 0, s3: 7 });
        let both = Stored { local: 7, s3: 7 };
        for (direction, keep, expected) in [
            (Direction::ToS3, false, (here, there)),
            (Direction::ToS3, true, (here, both)),
            (Direction::ToLocal, false, (there, here)),
            (Direction::ToLocal, true, (there, both)),
        ] {
            assert_eq!(moved(direction, keep, 7), expected, "{direction:?} {keep}");
        }
    }
}
