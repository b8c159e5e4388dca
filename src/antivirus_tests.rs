use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::ReadBuf;
use tokio::net::{TcpListener, UnixListener};

use super::*;

/// Reads what a client streams up to its end: the content.
async fn content(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut begin = [0; BEGIN.len()];
    stream.read_exact(&mut begin).await.ok()?;
    assert_eq!(begin, *BEGIN);
    let mut content = Vec::new();
    loop {
        let length = stream.read_u32().await.ok()?;
        if length == 0 {
            return Some(content);
        }
        let mut piece = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut piece).await.ok()?;
        content.extend_from_slice(&piece);
    }
}

fn client(address: ClamAddress) -> ClamAv {
    let second = Duration::from_secs(1);
    ClamAv { address, connect_timeout: second, scan_timeout: second }
}

/// A daemon that answers one body so.
async fn daemon(answer: &'static str) -> (ClamAv, tokio::task::JoinHandle<Option<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let content = content(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
        content
    });
    (client(ClamAddress::Tcp(address)), serving)
}

async fn scanned(clam: &ClamAv, body: &'static [u8]) -> Result<Verdict, ScanFault> {
    let mut scan = clam.begin().await?;
    scan.read(Bytes::from_static(body)).await?;
    scan.verdict().await
}

#[tokio::test]
async fn the_daemon_gets_the_whole_and_its_answer_is_read() {
    static LARGE: [u8; 200_000] = [7; 200_000];
    for (answer, expected) in [
        ("stream: OK\0", Ok(Verdict::Clean)),
        ("stream: Eicar-Signature FOUND\0", Ok(Verdict::Infected("Eicar-Signature".to_owned()))),
        ("INSTREAM size limit exceeded. ERROR\0", Err(ScanFault::TooLarge)),
    ] {
        let (clam, serving) = daemon(answer).await;
        assert_eq!(scanned(&clam, &LARGE).await, expected);
        assert_eq!(serving.await.unwrap().unwrap(), LARGE);
    }
    for answer in ["", "stream: lstat() failed. ERROR\0", "UNKNOWN COMMAND\0"] {
        let (clam, _serving) = daemon(answer).await;
        let verdict = scanned(&clam, b"x").await;
        assert!(matches!(verdict, Err(ScanFault::Away(_))), "{verdict:?}");
    }
}

/// Gives an answer, and breaks.
struct Broken(&'static [u8]);

impl AsyncRead for Broken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.0.is_empty() {
            return Poll::Ready(Err(std::io::ErrorKind::ConnectionReset.into()));
        }
        let (now, later) = self.0.split_at(self.0.len().min(into.remaining()));
        into.put_slice(now);
        self.0 = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Broken {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Whoever hangs up on what they have not read break the connection behind their last words.
#[tokio::test]
async fn last_words_are_heard_over_a_broken_connection() {
    let said = async |answer: &'static [u8]| {
        let second = Duration::from_secs(1);
        let stream = Box::new(Broken(answer));
        Scanning { stream, patience: second, scan_timeout: second }.verdict().await
    };
    let larger = said(b"INSTREAM size limit exceeded. ERROR\0").await;
    assert_eq!(larger, Err(ScanFault::TooLarge));
    for half in [&b""[..], b"INSTREAM size limit exceeded.", b"stream: OK"] {
        let verdict = said(half).await;
        assert!(matches!(verdict, Err(ScanFault::Away(_))), "{verdict:?}");
    }
}

#[tokio::test]
async fn a_socket_of_the_machine_will_do_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clamd.ctl");
    let listener = UnixListener::bind(&path).unwrap();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let content = content(&mut stream).await;
        stream.write_all(b"stream: OK\0").await.unwrap();
        content
    });
    assert_eq!(scanned(&client(ClamAddress::Unix(path)), b"body").await, Ok(Verdict::Clean));
    assert_eq!(serving.await.unwrap().unwrap(), b"body");
}

#[tokio::test]
async fn whoever_is_not_there_is_away() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let verdict = scanned(&client(ClamAddress::Tcp(address)), b"x").await;
    assert!(matches!(verdict, Err(ScanFault::Away(_))), "{verdict:?}");
    let nowhere = ClamAddress::Unix("/nonexistent/clamd.ctl".into());
    assert!(matches!(scanned(&client(nowhere), b"x").await, Err(ScanFault::Away(_))));
}

#[tokio::test]
async fn a_daemon_that_never_answers_is_away() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = ClamAddress::Tcp(listener.local_addr().unwrap());
    let clam = ClamAv { scan_timeout: Duration::from_millis(50), ..client(address) };
    let verdict = scanned(&clam, b"x").await;
    assert!(matches!(&verdict, Err(ScanFault::Away(why)) if why.contains("end")), "{verdict:?}");
}
