"""Life-cycle rules as boto3 sets and reads them, told by other answers, and carried out."""

import datetime

import pytest

from connect import connect
from gateway import MAIN, Gateway
from s3check import refused, status
from waiting import eventually

DAY = datetime.timedelta(days=1)
RULE = {
    "ID": "drafts & more",
    "Status": "Enabled",
    "Filter": {"Prefix": "drafts/"},
    "Expiration": {"Days": 30},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3},
}


def put_rules(s3, bucket, *rules, **more):
    return s3.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": list(rules)}, **more
    )


def midnight(days):
    """The midnight that many days after the last one."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + days * DAY


def test_rules_are_set_shown_and_removed(s3, bucket):
    put_rules(s3, bucket, RULE)
    told = s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert told["Rules"] == [RULE]
    assert told["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
    put_rules(s3, bucket, RULE, TransitionDefaultMinimumObjectSize="varies_by_storage_class")
    told = s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert told["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"
    s3.delete_bucket_lifecycle(Bucket=bucket)
    with refused("NoSuchLifecycleConfiguration", 404):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)


def test_the_older_form(s3, bucket):
    old = {"Status": "Enabled", "Prefix": "logs/", "Expiration": {"Date": midnight(5)}}
    put_rules(s3, bucket, old)
    [told] = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert told.pop("ID") and told == old


@pytest.mark.parametrize(
    "change, code, number",
    [
        ({"Expiration": {"Days": 0}}, "InvalidArgument", 400),
        ({"ID": "x" * 256}, "InvalidArgument", 400),
        ({"Status": "enabled"}, "MalformedXML", 400),
        ({"Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]}, "NotImplemented", 501),
        ({"Filter": {"Tag": {"Key": "k", "Value": "v"}}}, "InvalidRequest", 400),
    ],
)
def test_what_is_refused(s3, bucket, change, code, number):
    with refused(code, number):
        put_rules(s3, bucket, RULE | change)
    with refused("InvalidArgument", 400):
        put_rules(s3, bucket, RULE, RULE)


def test_answers_tell_what_is_going_to_happen(s3, bucket):
    put_rules(s3, bucket, RULE)
    date = midnight(31).strftime("%a, %d %b %Y %H:%M:%S GMT")
    expected = f'expiry-date="{date}", rule-id="drafts%20%26%20more"'
    assert s3.put_object(Bucket=bucket, Key="drafts/a", Body=b"x")["Expiration"] == expected
    assert s3.head_object(Bucket=bucket, Key="drafts/a")["Expiration"] == expected
    assert s3.get_object(Bucket=bucket, Key="drafts/a")["Expiration"] == expected
    assert "Expiration" not in s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="drafts/u")
    assert upload["AbortDate"] == midnight(4) and upload["AbortRuleId"] == "drafts%20%26%20more"
    names = {"Bucket": bucket, "Key": "drafts/u", "UploadId": upload["UploadId"]}
    assert s3.list_parts(**names)["AbortDate"] == midnight(4)


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """A gateway that carries rules out all the time."""
    config = '[lifecycle]\nperiod = "1s"\n'
    with Gateway(tmp_path_factory.mktemp("busy"), config=config) as running:
        yield running
        assert running.stop() == 0, running.tail()


def test_what_is_due_goes_and_nothing_else(busy):
    s3 = connect(busy, MAIN)
    s3.create_bucket(Bucket="due")
    for key, tagging, size in [
        ("old/a", "", 5), ("old/tagged", "keep=yes", 5), ("old/large", "", 5000),
        ("new/a", "", 5), ("tagged", "keep=no", 5),
    ]:  # fmt: skip
        s3.put_object(Bucket="due", Key=key, Body=b"x" * size, Tagging=tagging)
    past, future = {"Date": midnight(-3)}, {"Date": midnight(3)}
    small = {"And": {"Prefix": "old/", "ObjectSizeLessThan": 100}}
    tagged = {"Tag": {"Key": "keep", "Value": "no"}}
    put_rules(
        s3, "due",
        {"ID": "small", "Status": "Enabled", "Filter": small, "Expiration": past},
        {"ID": "tagged", "Status": "Enabled", "Filter": tagged, "Expiration": past},
        {"ID": "future", "Status": "Enabled", "Filter": {"Prefix": "new/"}, "Expiration": future},
        {"ID": "off", "Status": "Disabled", "Filter": {}, "Expiration": past},
    )  # fmt: skip

    def left():
        return [entry["Key"] for entry in s3.list_objects_v2(Bucket="due").get("Contents", [])]

    eventually(lambda: left() == ["new/a", "old/large"], 20, "what is due goes")
    with refused("404", 404):
        s3.head_object(Bucket="due", Key="old/a")
    # The date has passed and the rule is still there: what is stored now goes as well.
    assert status(s3.put_object(Bucket="due", Key="old/again", Body=b"x")) == 200
    eventually(lambda: left() == ["new/a", "old/large"], 20, "what is stored later goes too")
    s3.delete_bucket_lifecycle(Bucket="due")
