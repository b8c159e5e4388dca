//! Whether a policy gives something to everyone (S3 User Guide, "Blocking public access": "The
//! meaning of 'public'").

use ipnet::IpNet;

use super::condition::{Condition, Wanted};
use super::document::Effect;
use super::operator::{Count, Kind, Order};
use super::pattern::Pattern;
use super::principal::Named;
use super::statement::{Principals, Statement};

/// The keys by which a statement for everyone is one for certain callers, if it gives fixed values.
const FIXING: [&str; 15] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
];

/// Networks broader than these many bits are everyone.
const BROADEST_V4: u8 = 8;
const BROADEST_V6: u8 = 32;

/// Whether one of the statements is public. What others deny does not count.
pub(super) fn is_public(statements: &[Statement]) -> bool {
    statements.iter().any(|statement| {
        let everyone = match &statement.principals {
            Principals::Only(listed) => listed.iter().any(Named::is_everyone),
            Principals::Except(_) => true,
            Principals::Holder => false,
        };
        statement.effect == Effect::Allow
            && everyone
            && !statement.conditions.iter().any(fixes_callers)
    })
}

fn fixes_callers(condition: &Condition) -> bool {
    let operator = condition.operator;
    let firm = !operator.negated && !operator.if_exists && operator.count != Count::All;
    let named = FIXING.contains(&condition.key.as_str());
    let equal = matches!(
        operator.kind,
        Kind::Text { .. } | Kind::Arn | Kind::Address | Kind::Number(Order::Equal)
    );
    let fixed = match &condition.wanted {
        Wanted::Patterns(patterns) => patterns.iter().all(Pattern::is_fixed),
        Wanted::Networks(networks) => networks.iter().all(is_narrow),
        Wanted::Numbers(_) => true,
        Wanted::Dates(_) | Wanted::Bools(_) | Wanted::Bytes(_) => false,
    };
    firm && named && equal && fixed
}

fn is_narrow(network: &IpNet) -> bool {
    match network {
        IpNet::V4(net) => net.prefix_len() >= BROADEST_V4,
        IpNet::V6(net) => net.prefix_len() >= BROADEST_V6,
    }
}
