use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::body::testing::{block_on, cut, drain};

const MOST: usize = 64 * 1024;

fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, content) in parts {
        out.extend_from_slice(b"--B\r\nContent-Disposition: form-data; name=\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\"\r\n\r\n");
        out.extend_from_slice(content);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"--B--\r\n");
    out
}

fn opened(bytes: &Bytes, cuts: &[usize]) -> FormData {
    FormData::new("multipart/form-data; boundary=B", cut(bytes, cuts), MOST).unwrap()
}

async fn all(mut form: FormData) -> Result<Vec<(String, Vec<u8>)>, BodyError> {
    let mut parts = Vec::new();
    while let Some(head) = form.next_part().await? {
        parts.push((head.name, form.value().await?));
    }
    Ok(parts)
}

fn read(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, BodyError> {
    block_on(all(opened(&Bytes::copy_from_slice(bytes), &[])))
}

fn fault(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

#[test]
fn parts_come_in_their_order() {
    let parts = read(&form(&[("a", b"1"), ("b", b""), ("c", b"x\r\n-- y")])).unwrap();
    let expected = [("a", "1"), ("b", ""), ("c", "x\r\n-- y")];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    assert_eq!(parts, expected);
    assert_eq!(read(b"--B--").unwrap(), []);
}

#[test]
fn what_stands_around_the_parts_is_ignored() {
    let loose = b"hello\r\n--B \t\r\ncontent-disposition:form-data;name=a\r\n\r\n1\r\n--B--bye";
    assert_eq!(read(loose).unwrap(), [("a".to_owned(), b"1".to_vec())]);
}

#[test]
fn the_content_that_is_streamed_ends_at_its_delimiter() {
    let bytes = Bytes::from(form(&[("a", b"1"), ("file", b"content"), ("late", b"2")]));
    let content = block_on(async {
        let mut form = opened(&bytes, &[40, 90]);
        form.next_part().await.unwrap();
        assert_eq!(form.next_part().await.unwrap().unwrap().name, "file");
        drain(form.into_content()).await.unwrap().0
    });
    assert_eq!(content, b"content");
}

#[test]
fn broken_forms_are_told_from_those_that_broke_off() {
    for (bytes, words) in [
        (&b""[..], "ended early"),
        (b"--C\r\n", "ended early"),
        (b"--B\r\ncontent-disposition: form-data; name=a\r\n\r\nabc", "ended early"),
        (b"--B\r\ncontent-disposition: form-data; name=a\r\n\r\nabc\r\n--B", "ended early"),
        (b"--B\r\ncontent-disposition: form-data; name=a\r\n\r\nabc\r\n--Bx", "ended early"),
        (b"--B\r\ncontent-disposition: form-data; name=a\r\n\r\nab\r\n--Bxy", "in its content"),
        (b"--B\r\ncontent-disposition", "part's head"),
        (b"--B\r\n\r\nabc\r\n--B--", "no name"),
        (b"--B\r\n\r\n\r\nabc\r\n--B--", "no name"),
    ] {
        assert!(fault(bytes).contains(words), "{bytes:?}: {}", fault(bytes));
    }
    let long = [&b"--B\r\nx: "[..], &vec![b'x'; MAX_HEAD + 1]].concat();
    assert!(fault(&long).contains("too large"));
    assert!(FormData::new("multipart/form-data", Payload::empty(), MOST).is_err());
}

#[test]
fn what_comes_before_the_streamed_part_is_bounded_and_the_part_is_not() {
    let field = vec![b'f'; MOST];
    let bytes = form(&[("a", &field), ("file", b"x")]);
    assert!(matches!(read(&bytes), Err(BodyError::TooLarge { limit: 65_536 })));
    let file = vec![b'\r'; 4 * MOST];
    let bytes = Bytes::from(form(&[("a", b"1"), ("file", &file)]));
    let content = block_on(async {
        let mut form = opened(&bytes, &[]);
        while form.next_part().await.unwrap().unwrap().name != "file" {}
        drain(form.into_content()).await.unwrap().0
    });
    assert_eq!(content, file);
    let preamble = [&vec![b'p'; MOST + 1][..], b"\r\n--B--"].concat();
    assert!(matches!(read(&preamble), Err(BodyError::TooLarge { .. })));
}

proptest! {
    /// However it is cut on its way, what was put in comes out, delimiters nearly in it included.
    #[test]
    fn every_content_survives(
        contents in prop::collection::vec(
            prop::collection::vec(prop::sample::select(b"\r\n-Bab".to_vec()), 0..40), 0..5),
        cuts in prop::collection::vec(any::<usize>(), 0..12),
    ) {
        let breaks = |content: &[u8]| find(content, b"\r\n--B").is_some();
        prop_assume!(!contents.iter().any(|content| breaks(&[b"\r\n", &content[..]].concat())));
        let parts: Vec<(&str, &[u8])> = contents.iter().map(|c| ("f", c.as_slice())).collect();
        let bytes = Bytes::from(form(&parts));
        let read = block_on(all(opened(&bytes, &cuts))).unwrap();
        let values: Vec<_> = read.into_iter().map(|(_, value)| value).collect();
        prop_assert_eq!(values, contents);
    }

    /// Cut off anywhere, a form is never taken for one that ended, and its content never for whole.
    #[test]
    fn a_form_that_broke_off_is_an_error(
        content in "[a-z\r\n-]{0,30}", left in 0_usize..200, cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let whole = form(&[("a", content.as_bytes())]);
        let last = whole.len() - b"--\r\n".len();
        let bytes = Bytes::from(whole).slice(..left.min(last));
        prop_assert!(block_on(all(opened(&bytes, &cuts))).is_err());
    }

    #[test]
    fn any_bytes_are_survived(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "--B", "\r\n", "--", "\n", "\r", "B", "content-disposition: form-data; name=a", ":", ";",
            "\r\n\r\n", "abc", "\u{0}", " ", "\"",
        ]), 0..30),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let bytes = Bytes::from(pieces.concat());
        let whole = block_on(all(opened(&bytes, &[]))).map_err(|error| error.to_string());
        let in_pieces = block_on(all(opened(&bytes, &cuts))).map_err(|error| error.to_string());
        prop_assert_eq!(whole, in_pieces);
    }
}
