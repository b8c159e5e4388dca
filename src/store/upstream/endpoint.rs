//! Where a bucket is asked for: the SDK's rules, applied once for each bucket rather than twice
//! for each call.
//!
//! The SDK remembers what it was last asked, key included, so that no two objects profit. Its
//! rules never look at keys, prefixes or copy sources; everything else that they look at and that
//! differs between the calls of one client is compared here.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use aws_sdk_s3::config::endpoint::{
    DefaultResolver, Endpoint, EndpointFuture, Params, ResolveEndpoint,
};

/// Resolves endpoints and remembers the last.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    rules: DefaultResolver,
    last: ArcSwapOption<(Asked, Endpoint)>,
}

/// What the endpoint depends on within one client.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    bucket: Option<String>,
    no_access_points: Option<bool>,
    express_control: Option<bool>,
    object_lambda: Option<bool>,
}

impl Asked {
    fn of(params: &Params) -> Self {
        Self {
            bucket: params.bucket().map(str::to_owned),
            no_access_points: params.disable_access_points(),
            express_control: params.use_s3_express_control_endpoint(),
            object_lambda: params.use_object_lambda_endpoint(),
        }
    }

    fn is_by(&self, params: &Params) -> bool {
        self.bucket.as_deref() == params.bucket()
            && self.no_access_points == params.disable_access_points()
            && self.express_control == params.use_s3_express_control_endpoint()
            && self.object_lambda == params.use_object_lambda_endpoint()
    }
}

impl ResolveEndpoint for Endpoints {
    fn resolve_endpoint<'a>(&'a self, params: &'a Params) -> EndpointFuture<'a> {
        if let Some(last) = self.last.load().as_ref()
            && last.0.is_by(params)
        {
            return EndpointFuture::ready(Ok(last.1.clone()));
        }
        EndpointFuture::new(async move {
            let endpoint = ResolveEndpoint::resolve_endpoint(&self.rules, params).await?;
            self.last.store(Some(Arc::new((Asked::of(params), endpoint.clone()))));
            Ok(endpoint)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(bucket: Option<&str>, key: &str, service: bool, path_style: bool) -> Params {
        Params::builder()
            .region("eu-central-1")
            .set_bucket(bucket.map(str::to_owned))
            .key(key)
            .prefix(key)
            .copy_source(format!("other/{key}"))
            .force_path_style(path_style)
            .disable_access_points(service)
            .use_s3_express_control_endpoint(service)
            .build()
            .unwrap()
    }

    #[tokio::test]
    async fn whatever_is_asked_in_whatever_order_is_what_the_rules_say() {
        for path_style in [false, true] {
            let endpoints = Endpoints::default();
            let buckets = [Some("alpha"), Some("beta"), Some("With.Dots"), None, Some("alpha")];
            for bucket in buckets {
                for key in ["a", "b/ c?d", "", "a"] {
                    for service in [false, true, false] {
                        let params = params(bucket, key, service, path_style);
                        let rules = DefaultResolver::new();
                        let right = ResolveEndpoint::resolve_endpoint(&rules, &params).await;
                        let found = endpoints.resolve_endpoint(&params).await;
                        assert_eq!(found.unwrap(), right.unwrap(), "{params:?}");
                    }
                }
            }
        }
    }
}
