//! Keep-alive, pipelining, limits, and how connections end.

use super::*;

#[tokio::test]
async fn a_connection_carries_one_request_after_another() {
    let rig = start(Settings::default(), None).await;
    let mut client = rig.client().await;
    let mut ids = std::collections::HashSet::new();
    for path in ["/one", "/two", "/empty", "/three"] {
        let answer = client.get(path).await;
        assert!(answer.header("connection").is_none(), "{answer:?}");
        assert_eq!(answer.header("server"), Some("Stowgate"));
        let date = answer.header("date").expect("a date");
        assert!(date.ends_with(" GMT") && date.len() == 29, "{date}");
        let id = answer.header("x-amz-request-id").expect("an id").to_owned();
        assert_eq!(id.len(), 16);
        assert!(!answer.header("x-amz-id-2").expect("a host id").is_empty());
        assert!(ids.insert(id));
        assert_eq!(answer.body, if path == "/empty" { "" } else { path });
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let rig = start(Settings::default(), None).await;
    let mut client = rig.client().await;
    let put = "PUT /read HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n");
    client.send(format!("{}{put}{}", get("/one"), get("/two"))).await;
    for expected in ["/one", "3", "/two"] {
        assert_eq!(client.answer().await.body, expected);
    }
}

/// An answer must not wait for the rest of a request that has only begun to arrive.
#[tokio::test]
async fn an_answer_is_sent_although_the_next_request_has_begun() {
    let rig = start(Settings::default(), None).await;
    let mut client = rig.client().await;
    client.send("GET /one HTTP/1.1\r\nHost: h\r\n\r\nGET /tw").await;
    assert_eq!(client.answer().await.body, "/one");
    client.send("o HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert_eq!(client.answer().await.body, "/two");
}

#[tokio::test]
async fn oversized_headers_are_refused_in_the_handlers_words() {
    let rig = start(Settings::default(), None).await;
    let mut client = rig.client().await;
    let request = |size| {
        format!("GET /big HTTP/1.1\r\nHost: h\r\nx-amz-meta-a: {}\r\n\r\n", "v".repeat(size))
    };
    client.send(request(8000)).await;
    assert_eq!(client.answer().await.status, 200);
    for size in [8192, 60_000] {
        client.send(request(size)).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.body.as_str()), (400, "more than 8192"));
        assert!(answer.header("x-amz-request-id").is_some());
    }
    let many: Vec<String> = (0..600).map(|n| format!("x-{n}: v\r\n")).collect();
    let many = many.concat();
    client.send(format!("GET /many HTTP/1.1\r\nHost: h\r\n{many}\r\n")).await;
    assert_eq!(client.answer().await.body, "/many");
}

#[tokio::test]
async fn a_handler_that_panics_is_answered_for() {
    let rig = start(Settings::default(), None).await;
    let mut client = rig.client().await;
    let answer = client.get("/panic").await;
    assert_eq!((answer.status, answer.body.as_str()), (500, "sorry"));
    assert_eq!(client.get("/next").await.body, "/next");
}

#[tokio::test]
async fn one_connection_too_many_waits_for_an_idle_one_to_go() {
    let settings = Settings { max_connections: 1, ..Settings::default() };
    let rig = start(settings, None).await;
    let mut first = rig.client().await;
    assert_eq!(first.get("/first").await.body, "/first");
    let mut second = rig.client().await;
    assert_eq!(second.get("/second").await.body, "/second");
    assert_eq!(first.rest().await, (Vec::new(), true));
}

#[tokio::test]
async fn draining_lets_requests_finish_and_takes_no_more() {
    let rig = start(Settings::default(), None).await;
    let (mut busy, mut idle) = (rig.client().await, rig.client().await);
    assert_eq!(idle.get("/idle").await.body, "/idle");
    busy.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n").await;
    // The answer to another request on the same thread says that the first has arrived.
    rig.client().await.get("/").await;
    rig.drain.send(()).expect("told");
    assert_eq!(idle.rest().await, (Vec::new(), true));
    assert!(TcpStream::connect(rig.address).await.is_err(), "nobody listens");
    rig.gate.add_permits(1);
    let answer = busy.answer().await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "waited"));
    assert_eq!(answer.header("connection"), Some("close"));
    patiently(rig.ended).await.expect("ended");
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_cut_off() {
    let settings = Settings { drain_timeout: Duration::from_millis(10), ..Settings::default() };
    let rig = start(settings, None).await;
    let mut busy = rig.client().await;
    busy.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n").await;
    rig.client().await.get("/").await;
    rig.drain.send(()).expect("told");
    patiently(rig.ended).await.expect("ended");
    assert!(busy.rest().await.0.is_empty());
}

#[tokio::test]
async fn being_told_twice_ends_at_once() {
    let rig = start(Settings::default(), None).await;
    let mut busy = rig.client().await;
    busy.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n").await;
    rig.client().await.get("/").await;
    rig.drain.send(()).expect("told");
    rig.abort.send(()).expect("told again");
    let told = std::time::Instant::now();
    patiently(rig.ended).await.expect("ended");
    assert!(told.elapsed() < Duration::from_secs(5));
}
