//! What of a canonical request may be shown in an error: not the secrets that clients sent in it.

const SECRET_HEADERS: [&str; 3] = [
    "x-amz-security-token",
    "x-amz-server-side-encryption-customer-key",
    "x-amz-copy-source-server-side-encryption-customer-key",
];
const HIDDEN: &str = "***";

/// A canonical request or string to sign as text, session tokens and SSE-C keys hidden in both
/// its header lines and its query.
pub(super) fn redacted(signed: &[u8]) -> String {
    let text = String::from_utf8_lossy(signed);
    let lines: Vec<String> = text.split('\n').map(redacted_line).collect();
    lines.join("\n")
}

fn redacted_line(line: &str) -> String {
    let secret = |name: &str| SECRET_HEADERS.iter().any(|known| known.eq_ignore_ascii_case(name));
    if let Some((name, _)) = line.split_once(':')
        && secret(name)
    {
        return format!("{name}:{HIDDEN}");
    }
    let parameters = line.split('&').map(|parameter| match parameter.split_once('=') {
        Some((name, _)) if secret(name) => format!("{name}={HIDDEN}"),
        _ => parameter.to_owned(),
    });
    parameters.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_in_headers_and_query() {
        let signed = b"GET\n/\nX-Amz-Security-Token=abc&prefix=a\nhost:h\n\
            x-amz-security-token:abc\nx-amz-server-side-encryption-customer-key:k\n\
            x-amz-copy-source-server-side-encryption-customer-key:k\n\
            x-amz-server-side-encryption-customer-key-md5:m\n\nhost;x-amz-security-token\nhash";
        assert_eq!(
            redacted(signed),
            "GET\n/\nX-Amz-Security-Token=***&prefix=a\nhost:h\n\
             x-amz-security-token:***\nx-amz-server-side-encryption-customer-key:***\n\
             x-amz-copy-source-server-side-encryption-customer-key:***\n\
             x-amz-server-side-encryption-customer-key-md5:m\n\nhost;x-amz-security-token\nhash"
        );
    }
}
