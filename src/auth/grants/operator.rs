//! The operators of conditions by name (IAM User Guide, "IAM JSON policy elements: Condition
//! operators").

/// How a condition compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operator {
    /// What it compares.
    pub(super) kind: Kind,
    /// Whether it holds where nothing fits.
    pub(super) negated: bool,
    /// Whether it holds where the request has no such value.
    pub(super) if_exists: bool,
    /// How it counts several values.
    pub(super) count: Count,
}

/// What an operator compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Texts: with or without case, with or without wildcards.
    Text { ignore_case: bool, wildcards: bool },
    /// ARNs.
    Arn,
    /// Numbers.
    Number(Order),
    /// Points in time.
    Date(Order),
    /// True or false.
    Bool,
    /// Bytes.
    Binary,
    /// An address with networks.
    Address,
    /// Whether there is a value at all.
    Null,
}

/// How a value of the request stands to one of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// How several values of a request count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// As if there were one.
    Plain,
    /// `ForAllValues:`
    All,
    /// `ForAnyValue:`
    Any,
}

impl Operator {
    /// The operator of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let (count, name) = match name.split_once(':') {
            None => (Count::Plain, name),
            Some(("ForAllValues", rest)) => (Count::All, rest),
            Some(("ForAnyValue", rest)) => (Count::Any, rest),
            Some(_) => return None,
        };
        let (if_exists, name) = match name.strip_suffix("IfExists") {
            Some(rest) => (true, rest),
            None => (false, name),
        };
        let (kind, negated) = kind(name)?;
        let plain = !if_exists && count == Count::Plain;
        (kind != Kind::Null || plain).then_some(Self { kind, negated, if_exists, count })
    }

    /// Whether the policy's texts may have variables in them.
    pub(super) fn takes_variables(self) -> bool {
        matches!(self.kind, Kind::Text { .. } | Kind::Arn)
    }
}

impl Order {
    /// Whether `value`, of the request, stands so to `wanted`, of the policy.
    pub(super) fn holds<T: PartialOrd>(self, value: &T, wanted: &T) -> bool {
        match self {
            Self::Equal => value == wanted,
            Self::Less => value < wanted,
            Self::LessOrEqual => value <= wanted,
            Self::Greater => value > wanted,
            Self::GreaterOrEqual => value >= wanted,
        }
    }
}

fn kind(name: &str) -> Option<(Kind, bool)> {
    let text = |ignore_case, wildcards| Kind::Text { ignore_case, wildcards };
    Some(match name {
        "StringEquals" => (text(false, false), false),
        "StringNotEquals" => (text(false, false), true),
        "StringEqualsIgnoreCase" => (text(true, false), false),
        "StringNotEqualsIgnoreCase" => (text(true, false), true),
        "StringLike" => (text(false, true), false),
        "StringNotLike" => (text(false, true), true),
        "ArnEquals" | "ArnLike" => (Kind::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Kind::Arn, true),
        "Bool" => (Kind::Bool, false),
        "BinaryEquals" => (Kind::Binary, false),
        "IpAddress" => (Kind::Address, false),
        "NotIpAddress" => (Kind::Address, true),
        "Null" => (Kind::Null, false),
        other => {
            return match (other.strip_prefix("Numeric"), other.strip_prefix("Date")) {
                (Some(rest), _) => order(rest).map(|(order, not)| (Kind::Number(order), not)),
                (_, Some(rest)) => order(rest).map(|(order, not)| (Kind::Date(order), not)),
                (None, None) => None,
            };
        }
    })
}

fn order(name: &str) -> Option<(Order, bool)> {
    Some(match name {
        "Equals" => (Order::Equal, false),
        "NotEquals" => (Order::Equal, true),
        "LessThan" => (Order::Less, false),
        "LessThanEquals" => (Order::LessOrEqual, false),
        "GreaterThan" => (Order::Greater, false),
        "GreaterThanEquals" => (Order::GreaterOrEqual, false),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let operator = Operator::named("ForAnyValue:StringNotLikeIfExists").unwrap();
        let kind = Kind::Text { ignore_case: false, wildcards: true };
        let expected = Operator { kind, negated: true, if_exists: true, count: Count::Any };
        assert_eq!(operator, expected);
        assert_eq!(
            Operator::named("NumericLessThanEquals").unwrap().kind,
            Kind::Number(Order::LessOrEqual)
        );
        assert!(Operator::named("DateNotEqualsIfExists").is_some());
    }

    #[test]
    fn other_names_are_none() {
        for name in [
            "",
            "StringMatches",
            "stringequals",
            "ForSome:StringEquals",
            "NullIfExists",
            "ForAllValues:Null",
            "NumericLike",
            "Numeric",
            "NotBool",
        ] {
            assert_eq!(Operator::named(name), None, "{name}");
        }
    }
}
