//! What is dangerous by its name or by what it says it is. What is so by its content is told by
//! `sniff` and `watch`.

/// Extensions of what runs, or of what a browser takes for a page.
const EXTENSIONS: &[&str] = &[
    "apk",
    "app",
    "application",
    "appx",
    "asp",
    "aspx",
    "bat",
    "cgi",
    "chm",
    "class",
    "cmd",
    "com",
    "cpl",
    "deb",
    "dex",
    "dll",
    "dmg",
    "docm",
    "dotm",
    "dylib",
    "elf",
    "exe",
    "gadget",
    "hta",
    "htm",
    "html",
    "inf",
    "ins",
    "ipa",
    "iso",
    "isp",
    "jar",
    "jnlp",
    "js",
    "jse",
    "jsp",
    "ksh",
    "lnk",
    "mde",
    "mjs",
    "msc",
    "msi",
    "msix",
    "msp",
    "mst",
    "ocx",
    "phar",
    "php",
    "php3",
    "php4",
    "php5",
    "phtml",
    "pif",
    "pl",
    "potm",
    "ppam",
    "ppsm",
    "pptm",
    "ps1",
    "psm1",
    "py",
    "pyc",
    "rb",
    "reg",
    "rpm",
    "run",
    "scf",
    "scr",
    "sct",
    "sh",
    "shb",
    "shs",
    "shtml",
    "sldm",
    "so",
    "swf",
    "sys",
    "vb",
    "vbe",
    "vbs",
    "war",
    "wasm",
    "wsc",
    "wsf",
    "wsh",
    "xbap",
    "xht",
    "xhtml",
    "xlam",
    "xll",
    "xlsm",
    "xltm",
    "zsh",
];

/// Content types that browsers run or show as pages, and those of programs.
const DECLARED: &[&str] = &[
    "application/ecmascript",
    "application/hta",
    "application/java-archive",
    "application/javascript",
    "application/vnd.android.package-archive",
    "application/vnd.microsoft.portable-executable",
    "application/wasm",
    "application/x-bat",
    "application/x-csh",
    "application/x-dosexec",
    "application/x-elf",
    "application/x-executable",
    "application/x-httpd-php",
    "application/x-java-archive",
    "application/x-javascript",
    "application/x-mach-binary",
    "application/x-msdos-program",
    "application/x-msdownload",
    "application/x-msi",
    "application/x-perl",
    "application/x-php",
    "application/x-python-code",
    "application/x-sh",
    "application/x-sharedlib",
    "application/x-shellscript",
    "application/x-shockwave-flash",
    "application/xhtml+xml",
    "application/xslt+xml",
    "multipart/related",
    "text/ecmascript",
    "text/html",
    "text/javascript",
    "text/x-php",
    "text/x-python",
    "text/x-server-parsed-html",
    "text/x-sh",
    "text/x-shellscript",
    "text/xsl",
];

/// Whether files of this extension are dangerous.
pub(super) fn is_extension(extension: &str) -> bool {
    EXTENSIONS.contains(&extension)
}

/// Whether content declared so is: browsers go by what they are told. Macros have their own types.
pub(super) fn is_declared(essence: &str) -> bool {
    DECLARED.contains(&essence) || essence.contains("macroenabled")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_knows_programs_and_pages_but_no_documents() {
        for extension in ["exe", "js", "html", "docm", "sh", "jar", "php"] {
            assert!(is_extension(extension), "{extension}");
        }
        for extension in ["pdf", "jpg", "svg", "docx", "txt", "csv", "zip", "json", "xml", "mp4"] {
            assert!(!is_extension(extension), "{extension}");
        }
        assert!(is_declared("text/html"));
        assert!(is_declared("application/vnd.ms-word.document.macroenabled.12"));
        assert!(!is_declared("application/pdf") && !is_declared("image/svg+xml"));
    }
}
