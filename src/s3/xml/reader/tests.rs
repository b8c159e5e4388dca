use super::*;

fn text_of(document: &str) -> String {
    parse(document.as_bytes()).unwrap().text().unwrap().to_owned()
}

#[test]
fn a_tree_has_names_texts_and_children_in_order() {
    let root = parse(b"<a>\n <b>1</b><c/><b> 2 </b>\n</a>").unwrap();
    assert_eq!(root.name(), "a");
    let texts: Vec<_> = root.children("b").map(|b| b.text().unwrap()).collect();
    assert_eq!(texts, ["1", " 2 "]);
    assert_eq!(root.child_text("c"), Ok(Some("")));
    assert_eq!(root.child_text("d"), Ok(None));
    assert!(root.child("b").is_err(), "several of one name");
    assert!(root.required("d").is_err());
    assert!(root.text().is_err(), "children where text belongs");
}

#[test]
fn namespaces_may_be_absent_default_or_prefixed() {
    for document in [
        "<Tagging><TagSet/></Tagging>",
        r#"<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet/></Tagging>"#,
        r#"<s:Tagging xmlns:s="http://s3.amazonaws.com/doc/2006-03-01/"><s:TagSet/></s:Tagging>"#,
    ] {
        let root = parse_root(document.as_bytes(), "Tagging").unwrap();
        assert!(root.required("TagSet").is_ok(), "{document}");
    }
    assert!(parse_root(b"<Delete/>", "Tagging").is_err());
}

#[test]
fn text_keeps_its_whitespace_and_raw_line_ends_become_lf() {
    assert_eq!(text_of("<k>  a\tb  </k>"), "  a\tb  ");
    assert_eq!(text_of("<k> </k>"), " ");
    assert_eq!(text_of("<k>a\r\nb\rc</k>"), "a\nb\nc");
    assert_eq!(text_of("<k>a&#13;b&#xD;&#10;</k>"), "a\rb\r\n");
}

#[test]
fn predefined_entities_and_character_references_are_expanded() {
    assert_eq!(text_of("<k>&lt;&gt;&amp;&apos;&quot;</k>"), "<>&'\"");
    assert_eq!(text_of("<k>&#1;x&#x1F600;</k>"), "\u{1}x\u{1F600}");
    assert_eq!(text_of("<k>&amp;amp;</k>"), "&amp;");
}

#[test]
fn byte_order_mark_cdata_comments_and_instructions_are_accepted() {
    assert_eq!(text_of("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<k>x</k>\n"), "x");
    assert_eq!(text_of("<k>a<![CDATA[<b>&c;]]>d</k>"), "a<b>&c;d");
    assert_eq!(text_of("<!-- before --><k>a<!-- in -->b<?pi x?></k><!-- after -->"), "ab");
}

#[test]
fn what_is_not_one_plain_document_is_refused() {
    for document in [
        "",
        "   ",
        "text",
        "<?xml version=\"1.0\"?>",
        "<a>",
        "<a></b>",
        "</a>",
        "<a></a></a>",
        "<a/><a/>",
        "<a/>text",
        "text<a/>",
        "<a/>&amp;",
        "<a/><![CDATA[ ]]>",
        "<a>x<b/></a>",
        "<a><b/>x</a>",
        "<a",
        "<a b=c/>",
        "<a b='1' b='2'/>",
        "<a b='&x;'/>",
        "<a>&x;</a>",
        "<a>&</a>",
        "<a>&#0;</a>",
        "<a>&#xD800;</a>",
        "<a>&#x110000;</a>",
        "<a>]]></a>",
        "<a><!-- -- --></a>",
        "<a><?xml version=\"1.0\"?></a>",
        " <?xml version=\"1.0\"?><a/>",
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>",
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
        "<a><!DOCTYPE a></a>",
        "<s:/>",
    ] {
        assert!(parse(document.as_bytes()).is_err(), "{document}");
    }
    assert!(parse(b"<a>\xff</a>").is_err());
    assert!(parse(b"\xfe\xff\0<\0a\0/\0>").is_err());
}

#[test]
fn depth_elements_and_attributes_are_bounded() {
    let nested = |depth| "<a>".repeat(depth) + &"</a>".repeat(depth);
    assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert!(parse(nested(MAX_DEPTH + 1).as_bytes()).is_err());

    let wide = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count));
    assert!(parse(wide(MAX_ELEMENTS - 1).as_bytes()).is_ok());
    assert!(parse(wide(MAX_ELEMENTS).as_bytes()).is_err());

    let attributes = |count| {
        let list: Vec<_> = (0..count).map(|i| format!("a{i}='1'")).collect();
        format!("<a {}/>", list.join(" "))
    };
    assert!(parse(attributes(MAX_ATTRIBUTES).as_bytes()).is_ok());
    assert!(parse(attributes(MAX_ATTRIBUTES + 1).as_bytes()).is_err());
}

#[test]
fn booleans_and_numbers_are_read_in_the_forms_that_clients_send() {
    let root = parse(b"<a><t>True</t><f> false</f><n> 12 </n><x>yes</x></a>").unwrap();
    assert_eq!(root.child_bool("t"), Ok(Some(true)));
    assert_eq!(root.child_bool("f"), Ok(Some(false)));
    assert_eq!(root.child_bool("q"), Ok(None));
    assert!(root.child_bool("x").is_err());
    assert_eq!(root.required_integer("n"), Ok(12));
    assert!(root.required_integer("x").is_err());
    assert!(root.required_integer("q").is_err());
}
