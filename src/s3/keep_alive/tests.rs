use tokio::sync::oneshot;

use super::*;
use crate::s3::error::Code;
use crate::s3::testing::Gateway;

type Outcome = Result<&'static str, S3Error>;

fn impatient() -> Patience {
    Patience { before: Duration::ZERO, between: Duration::from_millis(1) }
}

async fn answer_of(patience: Patience, work: oneshot::Receiver<Outcome>) -> Result<Reply, S3Error> {
    let ctx = Gateway::new().await.context();
    let work = async move { work.await.unwrap() };
    let headers = |reply: Reply, value: &&'static str| reply.amz("x-amz-version-id", value);
    let write = |writer: &mut Writer, value: &&'static str| writer.text("Value", value);
    answer(&ctx, patience, "Result", work, headers, write).await
}

async fn rest_of(mut body: Payload) -> String {
    let mut rest = Vec::new();
    while let Some(chunk) = body.next().await {
        rest.extend_from_slice(&chunk.unwrap());
    }
    String::from_utf8(rest).unwrap()
}

#[tokio::test]
async fn what_is_done_in_time_is_an_ordinary_answer() {
    let (send, work) = oneshot::channel();
    send.send(Ok("v")).unwrap();
    let response = answer_of(Patience::default(), work).await.unwrap().into_response();
    assert_eq!(response.headers()["x-amz-version-id"], "v");
    assert!(response.body().length().is_some());
    let body = rest_of(response.into_body()).await;
    assert!(body.starts_with("<?xml") && body.contains("<Value>v</Value>"), "{body}");
}

#[tokio::test]
async fn what_fails_in_time_has_its_real_status() {
    let (send, work) = oneshot::channel();
    send.send(Err(S3Error::new(Code::NoSuchUpload))).unwrap();
    let error = answer_of(Patience::default(), work).await.unwrap_err();
    assert_eq!(error.code(), Code::NoSuchUpload);
}

#[tokio::test]
async fn what_takes_longer_begins_with_the_declaration_and_spaces() {
    let (send, work) = oneshot::channel();
    let response = answer_of(impatient(), work).await.unwrap().into_response();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/xml");
    let mut body = response.into_body();
    assert_eq!(body.length(), None);
    assert_eq!(&body.next().await.unwrap().unwrap()[..], xml::DECLARATION.as_bytes());
    for _ in 0..3 {
        assert_eq!(&body.next().await.unwrap().unwrap()[..], b" ");
    }
    send.send(Ok("v")).unwrap();
    let rest = rest_of(body).await;
    assert!(rest.trim_start().starts_with("<Result xmlns="), "{rest}");
    assert!(rest.ends_with("<Value>v</Value></Result>"), "{rest}");
}

#[tokio::test]
async fn what_fails_later_is_an_error_in_the_body() {
    let (send, work) = oneshot::channel();
    let response = answer_of(impatient(), work).await.unwrap().into_response();
    send.send(Err(S3Error::new(Code::NoSuchKey))).unwrap();
    let body = rest_of(response.into_body()).await;
    let error = xml::parse_root(body.as_bytes(), "Error").unwrap();
    assert_eq!(error.required_text("Code"), Ok("NoSuchKey"));
    assert_eq!(error.required_text("RequestId"), Ok("0000000000000007"));
}

#[tokio::test]
async fn dropping_the_body_stops_the_work() {
    let (send, work) = oneshot::channel::<Outcome>();
    let reply = answer_of(impatient(), work).await.unwrap();
    assert!(!send.is_closed());
    drop(reply);
    assert!(send.is_closed());
}
