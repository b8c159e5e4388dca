//! ListObjectsV2: `GET /bucket?list-type=2`.

use super::Execute;
use super::list_objects::write_entries;
use crate::auth::Sealed;
use crate::object::{BucketName, ListPage, ListQuery, Owner};
use crate::s3::context::Context;
use crate::s3::error::S3Error;
use crate::s3::header::Head;
use crate::s3::listing::{Encoding, parse_limit};
use crate::s3::reply::Reply;
use crate::s3::token::{TokenKey, TokenScope};
use crate::s3::xml::Writer;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListObjectsV2 {
    bucket: BucketName,
    prefix: String,
    delimiter: Option<String>,
    token: Option<String>,
    start_after: Option<String>,
    limit: usize,
    encoding: Encoding,
    fetch_owner: bool,
}

impl Execute for ListObjectsV2 {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        let text = |name| head.parameter(name).map(str::to_owned);
        Ok(Self {
            bucket: head.bucket()?.clone(),
            prefix: text("prefix").unwrap_or_default(),
            delimiter: text("delimiter").filter(|delimiter| !delimiter.is_empty()),
            token: text("continuation-token"),
            start_after: text("start-after"),
            limit: parse_limit("max-keys", head.parameter("max-keys"))?,
            encoding: Encoding::parse(head.parameter("encoding-type"))?,
            fetch_owner: parse_fetch_owner(head)?,
        })
    }

    async fn run(self, ctx: &Context, _: Sealed) -> Result<Reply, S3Error> {
        let page = ctx.store.list_objects(&self.bucket, &self.query(&ctx.token_key)?).await?;
        let owner = ctx.bucket_owner()?;
        let key = &ctx.token_key;
        let reply = Reply::xml("ListBucketResult", |w| self.write(w, &page, owner, key));
        Ok(reply.amz("x-amz-bucket-region", &*ctx.region))
    }
}

impl ListObjectsV2 {
    /// What is asked of the store: a token wins over `start-after`, an empty one is none.
    fn query(&self, key: &TokenKey) -> Result<ListQuery, S3Error> {
        let token = self.token.as_deref().filter(|token| !token.is_empty());
        let after = match token {
            Some(token) => Some(key.open(self.scope(), token).map_err(|_| {
                S3Error::invalid_argument(
                    "continuation-token",
                    token,
                    "The continuation token provided is incorrect",
                )
            })?),
            None => self.start_after.clone().filter(|text| !text.is_empty()),
        };
        let (prefix, delimiter) = (self.prefix.clone(), self.delimiter.clone());
        Ok(ListQuery { prefix, delimiter, after, limit: self.limit })
    }

    fn scope(&self) -> TokenScope<'_> {
        TokenScope::Objects(self.bucket.as_str())
    }

    fn write(&self, w: &mut Writer, page: &ListPage, owner: &Owner, key: &TokenKey) {
        let encoding = self.encoding;
        w.text("Name", self.bucket.as_str());
        encoding.text(w, "Prefix", &self.prefix);
        w.value("KeyCount", page.entries.len());
        w.value("MaxKeys", self.limit);
        encoding.optional(w, "Delimiter", self.delimiter.as_deref());
        encoding.echo(w);
        w.value("IsTruncated", page.next.is_some());
        w.optional("ContinuationToken", self.token.as_deref());
        let next = page.next.as_deref().map(|next| key.seal(self.scope(), next));
        w.optional("NextContinuationToken", next.as_deref());
        encoding.optional(w, "StartAfter", self.start_after.as_deref());
        write_entries(w, encoding, page, Some(owner).filter(|_| self.fetch_owner));
    }
}

fn parse_fetch_owner(head: &Head) -> Result<bool, S3Error> {
    match head.parameter("fetch-owner") {
        None | Some("") => Ok(false),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(text) => {
            Err(S3Error::invalid_argument("fetch-owner", text, "fetch-owner is true or false"))
        }
    }
}
