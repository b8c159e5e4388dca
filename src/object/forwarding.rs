//! By which headers proxies say that they forward a request.

/// Beside `x-forwarded-…`.
const FORWARDING: [&str; 8] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-host",
    "true-client-ip",
    "cf-connecting-ip",
];

/// Whether a header of that lower-case name says that somebody forwarded the request.
pub fn is_forwarding(header: &str) -> bool {
    header.starts_with("x-forwarded") || FORWARDING.contains(&header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proxies_add_is_known() {
        for name in ["x-forwarded-for", "x-forwarded-server", "via", "forwarded", "x-real-ip"] {
            assert!(is_forwarding(name), "{name}");
        }
        for name in ["host", "x-forward", "x-amz-date", "viaduct"] {
            assert!(!is_forwarding(name), "{name}");
        }
    }
}
