//! The access log.

use std::io;
use std::sync::Mutex;

use super::*;

/// Collects the lines that are logged on this thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("the lines").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn collect(&self, json: bool) -> tracing::subscriber::DefaultGuard {
        let lines = self.clone();
        let builder = tracing_subscriber::fmt().with_ansi(false).with_writer(move || lines.clone());
        if json {
            tracing::subscriber::set_default(builder.json().flatten_event(true).finish())
        } else {
            tracing::subscriber::set_default(builder.finish())
        }
    }

    fn of(&self, target: &str) -> Vec<String> {
        let bytes = self.0.lock().expect("the lines").clone();
        let text = String::from_utf8(bytes).expect("text");
        text.lines().filter(|line| line.contains(target)).map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn every_request_has_one_line_that_says_what_it_came_to() {
    let lines = Lines::default();
    let _guard = lines.collect(true);
    let rig = start(Settings::default(), None).await;
    let mut client = rig.client().await;
    let headers = "Content-Length: 3\r\nUser-Agent: test/1 \"x\"\r\n";
    client
        .send(format!("PUT /read?X-Amz-Signature=secret HTTP/1.1\r\nHost: h\r\n{headers}\r\nabc"))
        .await;
    let answer = client.answer().await;
    client.send("HEAD /head HTTP/1.1\r\nHost: h\r\n\r\n").await;
    client.head().await;
    client.send("GET /broken HTTP/1.1\r\nHost: h\r\n\r\n").await;
    client.rest().await;

    // Gone before there is an answer.
    let mut client = rig.client().await;
    client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n").await;
    rig.client().await.get("/").await;
    drop(client);
    rig.drain.send(()).expect("told");
    patiently(rig.ended).await.expect("ended");

    let lines: Vec<serde_json::Value> = lines
        .of("stowgate::access")
        .iter()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let of = |path: &str| {
        let mut found = lines.iter().filter(|line| line["path"] == path);
        let line = found.next().expect("a line");
        assert!(found.next().is_none(), "two lines for {path}");
        line
    };
    let read = of("/read");
    assert_eq!(read["request_id"], answer.header("x-amz-request-id").expect("an id"));
    assert_eq!((&read["status"], &read["method"]), (&200.into(), &"PUT".into()));
    assert_eq!((&read["bytes_in"], &read["bytes_out"]), (&3.into(), &1.into()));
    assert_eq!((&read["access_key"], &read["operation"]), (&"AK".into(), &"GetObject".into()));
    assert_eq!((&read["bucket"], &read["key"]), (&"bucket".into(), &"a\nb\u{1b}[31m".into()));
    assert_eq!(
        (&read["user_agent"], &read["outcome"]),
        (&"test/1 \"x\"".into(), &"complete".into())
    );
    assert!(read["peer"].as_str().expect("a peer").starts_with("127.0.0.1:"));
    assert!(read["duration_ms"].as_f64() >= read["first_byte_ms"].as_f64());
    assert_eq!(of("/head")["outcome"], "complete");
    assert_eq!(
        (&of("/broken")["bytes_out"], &of("/broken")["outcome"]),
        (&20.into(), &"aborted".into())
    );
    assert_eq!(
        (&of("/wait")["status"], &of("/wait")["outcome"]),
        (&serde_json::Value::Null, &"aborted".into())
    );
    assert!(lines.iter().all(|line| !line.to_string().contains("secret")));
}

/// What fails before there is a request has its line too, and no client makes a line endless.
#[tokio::test]
async fn heads_that_cannot_be_read_and_bodies_that_break_off_are_logged_as_such() {
    let lines = Lines::default();
    let _guard = lines.collect(true);
    let rig = start(Settings::default(), None).await;
    let many = "x-a: b\r\n".repeat(2000);
    for head in [
        "\0\0\0".to_owned(),
        format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "u".repeat(70_000)),
        format!("GET / HTTP/1.1\r\n{many}\r\n"),
    ] {
        let mut client = rig.client().await;
        client.send(head).await;
        let (answer, clean) = client.rest().await;
        assert!(answer.starts_with(b"HTTP/1.1 4") && clean);
    }
    let mut client = rig.client().await;
    client.send("PUT /read HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345").await;
    client.0.shutdown().await.expect("half closed");
    client.rest().await;
    let mut client = rig.client().await;
    client.get(&format!("/{}", "l".repeat(20_000))).await;
    rig.drain.send(()).expect("told");
    drop(client);
    patiently(rig.ended).await.expect("ended");

    let lines: Vec<serde_json::Value> = lines
        .of("stowgate::access")
        .iter()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let unreadable = lines.iter().filter(|line| line["outcome"] == "unreadable");
    let status: Vec<u64> = unreadable.filter_map(|line| line["status"].as_u64()).collect();
    assert_eq!(status, [400, 414, 431]);
    let read = lines.iter().find(|line| line["path"] == "/read").expect("a line");
    assert_eq!(
        (&read["status"], &read["bytes_in"], &read["outcome"]),
        (&400.into(), &5.into(), &"aborted".into())
    );
    assert!(lines.iter().all(|line| line.to_string().len() < 5000));
}

#[tokio::test]
async fn a_key_cannot_forge_a_line_of_text() {
    let lines = Lines::default();
    let _guard = lines.collect(false);
    let rig = start(Settings::default(), None).await;
    let mut client = rig.client().await;
    client
        .send("GET /one HTTP/1.1\r\nHost: h\r\nConnection: close\r\nUser-Agent: a\tb\r\n\r\n")
        .await;
    client.rest().await;
    let lines = lines.of("key=");
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains(r#"key="a\nb\u{1b}[31m""#), "{}", lines[0]);
    assert!(!lines[0].contains(['\u{1b}', '\t']));
}
