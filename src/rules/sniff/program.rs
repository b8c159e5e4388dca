//! Programs and scripts, by their first bytes.

const EXECUTABLE: &str = "application/x-executable";
const PORTABLE: &str = "application/vnd.microsoft.portable-executable";

/// Signatures at the very beginning: content type, and what it is.
const SIGNATURES: &[(&[u8], &str, &str)] = &[
    (b"\x7fELF", EXECUTABLE, "a program (ELF)"),
    (b"\xfe\xed\xfa\xce", "application/x-mach-binary", "a program (Mach-O)"),
    (b"\xfe\xed\xfa\xcf", "application/x-mach-binary", "a program (Mach-O)"),
    (b"\xce\xfa\xed\xfe", "application/x-mach-binary", "a program (Mach-O)"),
    (b"\xcf\xfa\xed\xfe", "application/x-mach-binary", "a program (Mach-O)"),
    (b"\xca\xfe\xba\xbe", "application/x-mach-binary", "a program (Mach-O or Java)"),
    (b"\xbe\xba\xfe\xca", "application/x-mach-binary", "a program (Mach-O)"),
    (b"\0asm", "application/wasm", "a program (WebAssembly)"),
    (b"dex\n0", "application/vnd.android.dex", "a program (Android)"),
    (b"L\0\0\0\x01\x14\x02\0", "application/x-ms-shortcut", "a shortcut of Windows"),
    (b"ITSF\x03\0\0\0", "application/vnd.ms-htmlhelp", "a help file of Windows"),
    (b"CWS", "application/x-shockwave-flash", "a Flash film"),
    (b"FWS", "application/x-shockwave-flash", "a Flash film"),
    (b"ZWS", "application/x-shockwave-flash", "a Flash film"),
    (b"<?php", "application/x-httpd-php", "a PHP script"),
    (b"!<arch>\ndebian", "application/vnd.debian.binary-package", "a package"),
    (b"\xed\xab\xee\xdb", "application/x-rpm", "a package"),
];

/// The content type of a program, and what it is.
pub(super) fn detect(head: &[u8]) -> Option<(&'static str, &'static str)> {
    if is_portable(head) {
        return Some((PORTABLE, "a program (Windows or DOS)"));
    }
    if is_script(head) {
        return Some(("text/x-shellscript", "a script"));
    }
    let found = SIGNATURES.iter().find(|(signature, _, what)| {
        // Three letters are not enough to tell a film from a text.
        head.starts_with(signature)
            && (*what != "a Flash film" || head.get(3).is_some_and(|v| *v < 0x40))
    });
    found.map(|(_, mime, what)| (*mime, *what))
}

/// `MZ` begins many a text as well: a program's header is no text.
fn is_portable(head: &[u8]) -> bool {
    let header = head.get(..head.len().min(64)).unwrap_or_default();
    head.starts_with(b"MZ")
        && header.iter().any(|byte| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r'))
}

/// A line that names its interpreter, in UTF-8 with or without a mark.
fn is_script(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let Some(line) = head.strip_prefix(b"#!") else { return false };
    let interpreter = line.iter().find(|byte| !matches!(byte, b' ' | b'\t'));
    interpreter == Some(&b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_from_texts_that_begin_like_them() {
        for program in [
            &b"MZ\x90\0\x03"[..],
            b"MZ\0\0",
            b"\x7fELF\x01",
            b"#! /usr/bin/env python\n",
            b"\xef\xbb\xbf#!/bin/sh",
            b"FWS\x06abc",
            b"<?php echo 1;",
        ] {
            assert!(detect(program).is_some(), "{program:?}");
        }
        for text in [&b"MZ"[..], b"MZ. A poem", b"#!shebang poem", b"# comment", b"FWScott", b""] {
            assert!(detect(text).is_none(), "{text:?}");
        }
    }
}
