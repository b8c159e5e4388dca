//! Request bodies that are waited for, cut off or never read, and answers that break.

use super::*;

fn put(path: &str, headers: &str) -> String {
    format!("PUT {path} HTTP/1.1\r\nHost: h\r\n{headers}\r\n")
}

#[tokio::test]
async fn a_client_is_told_to_continue_once_the_body_is_wanted() {
    let rig = start(Settings::default(), None).await;
    let mut client = rig.client().await;
    client.send(put("/read", "Content-Length: 5\r\nExpect: 100-continue\r\n")).await;
    assert_eq!(client.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("12345").await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "5"));
    assert_eq!(client.get("/again").await.body, "/again");
}

#[tokio::test]
async fn a_client_that_is_refused_is_never_told_to_continue() {
    let rig = start(Settings::default(), None).await;
    let mut client = rig.client().await;
    client.send(put("/refuse", "Content-Length: 5\r\nExpect: 100-continue\r\n")).await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.body.as_str()), (403, "no"));
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(client.rest().await, (Vec::new(), true));
}

#[tokio::test]
async fn an_unread_small_body_leaves_the_connection_usable() {
    let rig = start(Settings::default(), None).await;
    let mut client = rig.client().await;
    for headers in ["Content-Length: 500000\r\n", "Transfer-Encoding: chunked\r\n"] {
        client.send(put("/refuse", headers)).await;
        let body = vec![b'x'; 500_000];
        if headers.starts_with('C') {
            client.send(body).await;
        } else {
            client.send(format!("{:x}\r\n", body.len())).await;
            client.send(body).await;
            client.send("\r\n0\r\n\r\n").await;
        }
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.header("connection")), (403, None));
    }
    assert_eq!(client.get("/next").await.body, "/next");
}

/// A client that reads only after it has sent everything still gets the answer, not a reset.
#[tokio::test]
async fn an_error_reaches_a_client_in_the_middle_of_a_large_upload() {
    let rig = start(Settings::default(), None).await;
    for headers in ["Content-Length: 20000000\r\n", "Transfer-Encoding: chunked\r\n"] {
        let mut client = rig.client().await;
        client.send(put("/refuse", headers)).await;
        let chunk = vec![b'x'; 1_000_000];
        for _ in 0..20 {
            if headers.starts_with('T') {
                client.send(format!("{:x}\r\n", chunk.len())).await;
            }
            client.send(&chunk).await;
            if headers.starts_with('T') {
                client.send("\r\n").await;
            }
        }
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.body.as_str()), (403, "no"));
        assert_eq!(answer.header("connection"), Some("close"));
        assert_eq!(client.rest().await, (Vec::new(), true));
    }
}

#[tokio::test]
async fn a_body_that_ends_early_is_told_from_a_whole_one() {
    let rig = start(Settings::default(), None).await;
    let mut client = rig.client().await;
    client.send(put("/read", "Content-Length: 10\r\n")).await;
    client.send("12345").await;
    client.0.shutdown().await.expect("half closed");
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.body), (400, BodyError::Incomplete.to_string()));
    assert!(client.rest().await.0.is_empty());
}

#[tokio::test]
async fn a_request_without_a_body_has_an_empty_one() {
    let rig = start(Settings::default(), None).await;
    let mut client = rig.client().await;
    for headers in ["", "Content-Length: 0\r\n", "Content-Length: 0\r\nExpect: 100-continue\r\n"] {
        client.send(put("/read", headers)).await;
        assert_eq!(client.answer().await.body, "0");
    }
}

#[tokio::test]
async fn a_body_is_empty_for_certain_only_where_the_client_says_so() {
    let rig = start(Settings::default(), None).await;
    let mut client = rig.client().await;
    for (headers, length) in [("", "None"), ("Content-Length: 0\r\n", "Some(0)")] {
        client.send(put("/length", headers)).await;
        assert_eq!(client.answer().await.body, length);
    }
}

#[tokio::test]
async fn a_broken_answer_is_never_taken_for_a_whole_one() {
    let rig = start(Settings::default(), None).await;
    let mut client = rig.client().await;
    client.send("GET /broken HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let head = client.head().await;
    assert_eq!(header(&head, "content-length"), Some("100"));
    assert!(client.rest().await.0.len() < 100);

    let mut client = rig.client().await;
    client.send("GET /broken-chunked HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let head = client.head().await;
    assert_eq!(header(&head, "transfer-encoding"), Some("chunked"));
    assert!(!client.rest().await.0.ends_with(b"0\r\n\r\n"));
}
