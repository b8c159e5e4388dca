use proptest::prelude::*;

use super::*;
use crate::s3::error::Code;

const INDEX: &str = "<IndexDocument><Suffix>index.html</Suffix></IndexDocument>";
const FROM: Entrance<'_> = Entrance { protocol: "http", host: "b.site:9000", query: "" };

fn check(content: &str) -> Result<Website, Code> {
    let root = WebsiteDocument::ROOT;
    let document = format!("<{root}>{content}</{root}>");
    let stored = Website::check(document.as_bytes()).map_err(|error| error.code())?;
    Ok(Website::read(&stored).unwrap())
}

fn rules(rules: &str) -> String {
    format!("{INDEX}<RoutingRules>{rules}</RoutingRules>")
}

fn pages(content: &str) -> Pages {
    match check(content).unwrap() {
        Website::Pages(pages) => pages,
        Website::Moved(_) => panic!("it has moved"),
    }
}

#[test]
fn what_s3_refuses_is_refused() {
    let rule = |content: &str| rules(&format!("<RoutingRule>{content}</RoutingRule>"));
    for (content, code) in [
        (
            "<RedirectAllRequestsTo><HostName>h</HostName><Protocol>ftp</Protocol>\
          </RedirectAllRequestsTo>"
                .to_owned(),
            Code::InvalidRequest,
        ),
        (
            "<RedirectAllRequestsTo><HostName>h/x</HostName></RedirectAllRequestsTo>".to_owned(),
            Code::InvalidArgument,
        ),
        (
            format!("{INDEX}<RedirectAllRequestsTo><HostName>h</HostName></RedirectAllRequestsTo>"),
            Code::InvalidArgument,
        ),
        ("<ErrorDocument><Key>e</Key></ErrorDocument>".to_owned(), Code::InvalidArgument),
        ("<IndexDocument/>".to_owned(), Code::InvalidArgument),
        (INDEX.replace("index.html", "a/b"), Code::InvalidArgument),
        (INDEX.replace("index.html", ""), Code::InvalidArgument),
        (rules(""), Code::MalformedXML),
        (rules(&"<RoutingRule><Redirect/></RoutingRule>".repeat(51)), Code::InvalidRequest),
        (rule("<Condition/><Redirect/>"), Code::InvalidRequest),
        (
            rule(
                "<Redirect><ReplaceKeyWith>a</ReplaceKeyWith><ReplaceKeyPrefixWith>b\
               </ReplaceKeyPrefixWith></Redirect>",
            ),
            Code::InvalidRequest,
        ),
        (rule("<Redirect><Protocol>gopher</Protocol></Redirect>"), Code::InvalidRequest),
        (
            rule("<Redirect><HttpRedirectCode>200</HttpRedirectCode></Redirect>"),
            Code::InvalidRequest,
        ),
        (
            rule("<Redirect><HttpRedirectCode>300</HttpRedirectCode></Redirect>"),
            Code::InvalidRequest,
        ),
        (rule("<Redirect><HostName>a b</HostName></Redirect>"), Code::InvalidArgument),
        (
            rule(
                "<Condition><HttpErrorCodeReturnedEquals>302</HttpErrorCodeReturnedEquals>\
               </Condition><Redirect/>",
            ),
            Code::InvalidRequest,
        ),
    ] {
        assert_eq!(check(&content), Err(code), "{content}");
    }
    assert!(check(&rules(&"<RoutingRule><Redirect/></RoutingRule>".repeat(50))).is_ok());
}

#[test]
fn directories_have_a_page_of_their_own() {
    let pages = pages(INDEX);
    for (path, key) in [
        ("", "index.html"),
        ("a", "a"),
        ("a/", "a/index.html"),
        ("a/b.html", "a/b.html"),
        ("/", "/index.html"),
    ] {
        assert_eq!(pages.key(path), key);
    }
    assert_eq!(pages.redirect("a", None, FROM), None);
}

#[test]
fn the_first_rule_that_holds_redirects() {
    let pages = pages(&rules(
        "<RoutingRule><Condition><KeyPrefixEquals>docs/</KeyPrefixEquals></Condition><Redirect>\
         <ReplaceKeyPrefixWith>documents/</ReplaceKeyPrefixWith></Redirect></RoutingRule>\
         <RoutingRule><Condition><KeyPrefixEquals>docs/images/</KeyPrefixEquals></Condition>\
         <Redirect><ReplaceKeyWith>never.html</ReplaceKeyWith></Redirect></RoutingRule>\
         <RoutingRule><Condition><HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals>\
         <KeyPrefixEquals>old/</KeyPrefixEquals></Condition><Redirect><HostName>h.example\
         </HostName><Protocol>https</Protocol><ReplaceKeyPrefixWith/><HttpRedirectCode>302\
         </HttpRedirectCode></Redirect></RoutingRule>\
         <RoutingRule><Condition><HttpErrorCodeReturnedEquals>403</HttpErrorCodeReturnedEquals>\
         </Condition><Redirect><ReplaceKeyWith>sorry é.html</ReplaceKeyWith></Redirect>\
         </RoutingRule>",
    ));
    let to = |path: &str, failed: Option<u16>| {
        let failed = failed.map(|code| StatusCode::from_u16(code).unwrap());
        let redirect = pages.redirect(path, failed, Entrance { query: "?a=1", ..FROM })?;
        Some((redirect.status.as_u16(), redirect.location))
    };
    let found = |status: u16, location: &str| Some((status, location.to_owned()));
    for (path, failed, expected) in [
        ("docs/a b", None, found(301, "http://b.site:9000/documents/a%20b?a=1")),
        ("docs/images/x", None, found(301, "http://b.site:9000/documents/images/x?a=1")),
        ("doc", None, None),
        ("old/x", None, None),
        ("old/x", Some(404), found(302, "https://h.example/x?a=1")),
        ("new/x", Some(404), None),
        ("any", Some(403), found(301, "http://b.site:9000/sorry%20%C3%A9.html?a=1")),
        ("docs/a", Some(404), None),
    ] {
        assert_eq!(to(path, failed), expected, "{path} {failed:?}");
    }
}

#[test]
fn everything_may_have_moved() {
    for (protocol, expected) in [
        ("", "http://h.example/a/b%3F?q"),
        ("<Protocol>https</Protocol>", "https://h.example/a/b%3F?q"),
    ] {
        let content = format!(
            "<RedirectAllRequestsTo><HostName>h.example</HostName>{protocol}\
             </RedirectAllRequestsTo>"
        );
        let Website::Moved(to) = check(&content).unwrap() else { panic!("it has not moved") };
        let redirect = moved(&to, "a/b?", Entrance { query: "?q", ..FROM });
        assert_eq!((redirect.status.as_u16(), redirect.location.as_str()), (301, expected));
    }
}

proptest! {
    #[test]
    fn no_path_makes_a_header_that_is_none(path in "\\PC{0,20}|[\u{0}-\u{ff}]{0,20}") {
        let pages = pages(&rules(
            "<RoutingRule><Redirect><ReplaceKeyPrefixWith>x/</ReplaceKeyPrefixWith></Redirect>\
             </RoutingRule>",
        ));
        let location = pages.redirect(&path, None, FROM).unwrap().location;
        prop_assert!(http::HeaderValue::from_str(&location).is_ok());
        prop_assert!(location.starts_with("http://b.site:9000/x/"));
    }
}
