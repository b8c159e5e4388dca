"""Listings of every form show a company its own, and refuse whatever could show another's."""

import pytest

import s3check
from companies import BELOW, NONE, OWN, THEIRS

FORMS = ("list_objects", "list_objects_v2", "list_object_versions", "list_multipart_uploads")
OUTSIDE = ["", "attachments/", BELOW, f"{BELOW}1", f"{BELOW}2", f"{BELOW}2/", f"{BELOW}11/", f"{BELOW}3/", THEIRS, NONE]


@pytest.mark.parametrize("prefix", OUTSIDE)
def test_listings_of_every_form(company, bucket, prefix, answer, unasked):
    for operation in FORMS:
        for more in ({}, {"Delimiter": "/"}, {"Delimiter": "company_"}, {"EncodingType": "url"}):
            call = getattr(company, operation)
            assert answer(call, Bucket=bucket, Prefix=prefix, **more) == (403, "AccessDenied"), operation
    for more in ({"StartAfter": OWN}, {"MaxKeys": 0}, {"MaxKeys": 1}, {"FetchOwner": True}):
        assert answer(company.list_objects_v2, Bucket=bucket, Prefix=prefix, **more) == (403, "AccessDenied")
    for more in ({"Marker": OWN}, {"MaxKeys": 0}):
        assert answer(company.list_objects, Bucket=bucket, Prefix=prefix, **more) == (403, "AccessDenied")
    for more in ({"KeyMarker": OWN}, {"MaxUploads": 1}):
        assert answer(company.list_multipart_uploads, Bucket=bucket, Prefix=prefix, **more) == (403, "AccessDenied")


@pytest.fixture
def neighbours(alt, bucket):
    """Keys of others on each side of the own."""
    for name in ("0", "10", "11", "2"):
        alt.put_object(Bucket=bucket, Key=f"{BELOW}{name}/secret", Body=b"x")
    return bucket


def test_the_own_prefix_shows_nothing_else(company, neighbours):
    at = {"Bucket": neighbours, "Prefix": f"{BELOW}1/"}
    listings = [
        company.list_objects(**at),
        company.list_objects(**at, Marker=f"{BELOW}0/a"),
        company.list_objects(**at, Delimiter="/"),
        company.list_objects_v2(**at),
        company.list_objects_v2(**at, Delimiter="_"),
        company.list_objects_v2(**at, StartAfter=f"{BELOW}0/a"),
        company.list_objects_v2(**at, StartAfter=f"{BELOW}1/zz"),
        company.list_objects_v2(**at, MaxKeys=1),
        company.list_object_versions(**at),
        company.list_object_versions(**at, KeyMarker=f"{BELOW}0/a"),
    ]
    for listing in listings:
        assert "secret" not in str(listing)
        assert "company_2" not in str(listing)
        assert not listing["IsTruncated"]
    assert s3check.keys(listings[0]) == s3check.keys(listings[3]) == [OWN]
    assert s3check.keys(company.list_objects_v2(**at, StartAfter=f"{BELOW}1/zz")) == []


def test_tokens_of_others_lead_nowhere_else(alt, company, neighbours, answer):
    for prefix in ("", f"{BELOW}2/"):
        token = alt.list_objects_v2(Bucket=neighbours, Prefix=prefix, MaxKeys=1)["NextContinuationToken"]
        own = {"Bucket": neighbours, "Prefix": f"{BELOW}1/", "ContinuationToken": token}
        if answer(company.list_objects_v2, **own) == 200:
            assert "secret" not in str(company.list_objects_v2(**own))
        at = {"Bucket": neighbours, "Prefix": prefix, "ContinuationToken": token}
        assert answer(company.list_objects_v2, **at) == (403, "AccessDenied")


def test_uploads_of_others_are_not_listed(alt, company, bucket):
    for key in (OWN, THEIRS, f"{BELOW}11/secret"):
        alt.create_multipart_upload(Bucket=bucket, Key=key)
    for more in ({}, {"Delimiter": "_"}, {"KeyMarker": f"{BELOW}0"}, {"MaxUploads": 1}):
        listed = company.list_multipart_uploads(Bucket=bucket, Prefix=f"{BELOW}1/", **more)
        names = [it["Key"] for it in listed.get("Uploads", ())] + s3check.prefixes(listed)
        assert names and all(name.startswith(f"{BELOW}1/") for name in names), listed
        assert "secret" not in str(listed)
