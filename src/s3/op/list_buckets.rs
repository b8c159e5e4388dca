//! ListBuckets.

use super::Execute;
use crate::auth::Sealed;
use crate::object::{Bucket, BucketsPage, BucketsQuery, Owner};
use crate::s3::context::Context;
use crate::s3::error::S3Error;
use crate::s3::header::Head;
use crate::s3::reply::Reply;
use crate::s3::token::TokenScope;
use crate::s3::xml::Writer;

const MAX_BUCKETS: usize = 10_000;

/// The caller's own buckets.
pub(super) struct ListBuckets {
    limit: usize,
    prefix: Option<String>,
    token: Option<String>,
    region: Option<String>,
}

impl Execute for ListBuckets {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        let text = |name| head.parameter(name).map(str::to_owned);
        Ok(Self {
            limit: head.parameter("max-buckets").map_or(Ok(MAX_BUCKETS), limit)?,
            prefix: text("prefix"),
            token: text("continuation-token").filter(|token| !token.is_empty()),
            region: text("bucket-region").filter(|region| !region.is_empty()),
        })
    }

    async fn run(self, ctx: &Context, _body: Sealed) -> Result<Reply, S3Error> {
        let owner = &ctx.identity()?.owner;
        let page = self.page(ctx, owner).await?;
        let next = page
            .next
            .as_deref()
            .map(|position| ctx.token_key.seal(TokenScope::Buckets(&owner.id), position));
        Ok(Reply::xml("ListAllMyBucketsResult", |writer| {
            writer.element("Owner", |writer| {
                writer.text("ID", &owner.id);
                writer.text("DisplayName", &owner.display_name);
            });
            writer.element("Buckets", |writer| {
                for bucket in &page.buckets {
                    write_bucket(writer, bucket, &ctx.region);
                }
            });
            writer.optional("Prefix", self.prefix.as_deref());
            writer.optional("ContinuationToken", next.as_deref());
        }))
    }
}

impl ListBuckets {
    async fn page(&self, ctx: &Context, owner: &Owner) -> Result<BucketsPage, S3Error> {
        // All buckets are in this region: in any other there are none.
        if self.region.as_deref().is_some_and(|region| region != &*ctx.region) {
            return Ok(BucketsPage::default());
        }
        let after = self.token.as_deref().map(|token| {
            ctx.token_key.open(TokenScope::Buckets(&owner.id), token).map_err(|_| {
                let message = "The continuation token provided is incorrect";
                S3Error::invalid_argument("continuation-token", token, message)
            })
        });
        let query = BucketsQuery {
            owner: Some(owner.id.clone()),
            prefix: self.prefix.clone().unwrap_or_default(),
            after: after.transpose()?,
            limit: self.limit,
        };
        Ok(ctx.store.list_buckets(&query).await?)
    }
}

fn write_bucket(writer: &mut Writer, bucket: &Bucket, region: &str) {
    writer.element("Bucket", |writer| {
        writer.text("Name", bucket.name.as_str());
        writer.text("CreationDate", &bucket.created.iso8601());
        writer.text("BucketRegion", region);
    });
}

fn limit(text: &str) -> Result<usize, S3Error> {
    text.parse().ok().filter(|limit| (1..=MAX_BUCKETS).contains(limit)).ok_or_else(|| {
        S3Error::invalid_argument(
            "max-buckets",
            text,
            format!("Argument max-buckets must be an integer between 1 and {MAX_BUCKETS}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::error::Code;
    use crate::s3::header::tests::head;

    #[test]
    fn the_page_size_has_bounds() {
        let limit =
            |target: &str| ListBuckets::parse(&head("GET", target, &[])).map(|list| list.limit);
        assert_eq!(limit("/").unwrap(), MAX_BUCKETS);
        assert_eq!(limit("/?max-buckets=1").unwrap(), 1);
        for text in ["0", "10001", "-1", "x", ""] {
            let error = limit(&format!("/?max-buckets={text}")).unwrap_err();
            assert_eq!(error.code(), Code::InvalidArgument);
        }
    }
}
