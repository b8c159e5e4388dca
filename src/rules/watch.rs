//! What is looked for in the whole of a body while it passes.
//!
//! Each watch reads every byte once and keeps a few of them. What it finds is said in words.

mod archive;
mod markup;
mod needles;

use archive::Archive;
use markup::Markup;
use needles::{Needle, Needles};

use super::sniff::{Kind, Sniffed};

/// A watch over a body.
pub(super) enum Watch {
    /// Scripts in markup.
    Markup(Markup),
    /// Byte sequences.
    Needles(Box<Needles>),
    /// An archive behind other content.
    Archive(Archive),
}

/// A page in a picture: browsers that sniff take it for one.
const PAGES: &[Needle] = &[
    Needle::text("<script", "it is a picture and a page at once"),
    Needle::text("<html>", "it is a picture and a page at once"),
    Needle::text("<html ", "it is a picture and a page at once"),
    Needle::text("<!doctype html", "it is a picture and a page at once"),
    Needle::text("<?php ", "it holds a PHP script"),
    Needle::text("<?php\n", "it holds a PHP script"),
    Needle::text("<?php\r", "it holds a PHP script"),
];

/// What stands uncompressed in archives: the names of their entries.
const ENTRIES: &[Needle] = &[
    Needle::text("vbaproject.bin", "it holds macros"),
    Needle::text("vbadata.xml", "it holds macros"),
    Needle::text("basic/script-lc.xml", "it holds macros"),
    Needle::exact(b"META-INF/MANIFEST.MF", "it is a Java archive"),
    Needle::exact(b"AndroidManifest.xml", "it is an Android package"),
];

/// The names of streams in old office documents.
const STREAMS: &[Needle] = &[
    Needle::exact(b"_\0V\0B\0A\0_\0P\0R\0O\0J\0E\0C\0T\0", "it holds macros"),
    Needle::exact(b"M\0a\0c\0r\0o\0s\0\0\0", "it holds macros"),
    Needle::exact(b"\x05\0D\0i\0g\0i\0t\0a\0l\0S\0i\0g\0n\0a\0t\0u\0r\0e\0", "it is an installer"),
];

impl Watch {
    /// The watches for what content seems to be, or is declared to be.
    pub(super) fn all(sniffed: &Sniffed, declared: Option<&str>) -> Vec<Self> {
        let mut watches = Vec::new();
        let needles = |wanted| Self::Needles(Box::new(Needles::new(wanted)));
        let declared_markup = declared.is_some_and(|declared| {
            declared == "image/svg+xml" || declared.ends_with("/xml") || declared.ends_with("+xml")
        });
        match sniffed.kind {
            Kind::Svg | Kind::Xml => watches.push(Self::Markup(Markup::default())),
            Kind::Zip => watches.push(needles(ENTRIES)),
            Kind::Ole => watches.push(needles(STREAMS)),
            Kind::Image => {
                watches.push(needles(PAGES));
                watches.push(Self::Archive(Archive::default()));
            }
            Kind::Pdf | Kind::Other => watches.push(Self::Archive(Archive::default())),
            Kind::Text | Kind::Unknown if declared_markup => {
                watches.push(Self::Markup(Markup::default()));
            }
            Kind::Executable(_) | Kind::Html | Kind::Text | Kind::Unknown => {}
        }
        watches
    }

    /// Reads on; says what it finds.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Option<&'static str> {
        match self {
            Self::Markup(markup) => markup.read(bytes),
            Self::Needles(needles) => needles.read(bytes),
            Self::Archive(archive) => {
                archive.read(bytes);
                None
            }
        }
    }

    /// Says what only the end shows.
    pub(super) fn finish(&self) -> Option<&'static str> {
        match self {
            Self::Markup(_) | Self::Needles(_) => None,
            Self::Archive(archive) => archive.finish(),
        }
    }
}
