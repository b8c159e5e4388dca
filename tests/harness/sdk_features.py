"""What the installed boto3 can say, read from its own model of the service."""

import importlib.util

import botocore.session
import pytest

_model = botocore.session.get_session().get_service_model("s3")


def knows(operation, member):
    """Whether the operation takes this argument."""
    return member in _model.operation_model(operation).input_shape.members


def _needs(operation, member):
    reason = f"this boto3 has no {member} on {operation}"
    return pytest.mark.skipif(not knows(operation, member), reason=reason)


needs_conditional_writes = _needs("PutObject", "IfMatch")
needs_conditional_deletes = _needs("DeleteObject", "IfMatch")
needs_crc64nvme = _needs("PutObject", "ChecksumCRC64NVME")
# boto3 computes CRC32C and CRC64NVME with awscrt alone.
needs_crt = pytest.mark.skipif(
    importlib.util.find_spec("awscrt") is None, reason="awscrt is not installed"
)
needs_checksum_type = _needs("CreateMultipartUpload", "ChecksumType")
needs_object_size = _needs("CompleteMultipartUpload", "MpuObjectSize")
