//! The upload rules, as they are configured.

use std::sync::Arc;

use crate::antivirus::{ClamAddress, ClamAv};
use crate::config;
use crate::rules::{Antivirus, Names, Rule, Rulebook, TypePattern};

/// Every rule, and what scans where one asks for that.
pub(super) fn rulebook(configured: &config::Rules) -> Rulebook {
    Rulebook::new(configured.rules.iter().map(rule), configured.antivirus.as_ref().map(antivirus))
}

fn rule(rule: &config::Rule) -> Rule {
    let types = |texts: &Option<Vec<String>>| {
        let texts = texts.as_ref()?;
        // The configuration takes no other texts.
        Some(texts.iter().filter_map(|text| TypePattern::parse(text).ok()).collect())
    };
    Rule {
        name: rule.name.clone(),
        bucket: rule.bucket.clone(),
        prefix: rule.prefix.clone(),
        extensions: rule.extensions.clone(),
        content_types: types(&rule.content_types),
        detected_types: types(&rule.detected_types),
        match_content: rule.match_content,
        max_size: rule.max_size,
        min_size: rule.min_size,
        block_dangerous: rule.block_dangerous,
        names: match rule.names {
            config::Names::Any => Names::Any,
            config::Names::Safe => Names::Safe,
            config::Names::Refuse => Names::Refuse,
        },
        unique_names: rule.unique_names,
        antivirus: rule.antivirus,
    }
}

fn antivirus(configured: &config::Antivirus) -> Antivirus {
    let address = match &configured.address {
        config::ScannerAddress::Tcp(address) => ClamAddress::Tcp(*address),
        config::ScannerAddress::Unix(path) => ClamAddress::Unix(path.clone()),
    };
    let (connect_timeout, scan_timeout) = (configured.connect_timeout, configured.scan_timeout);
    Antivirus {
        scanner: Arc::new(ClamAv { address, connect_timeout, scan_timeout }),
        accepts_away: configured.accepts_away,
        accepts_larger: configured.accepts_larger,
    }
}
