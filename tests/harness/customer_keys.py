"""Keys that customers bring (SSE-C), as boto3 takes them."""

import base64


def own(key, before=""):
    """The parameters of a call under this key; `before` is what stands before their names."""
    return {f"{before}SSECustomerAlgorithm": "AES256", f"{before}SSECustomerKey": key}


def files_with(directory, key):
    """The files below a directory that have the key in them, in any form it is written in."""
    forms = (key, base64.b64encode(key), key.hex().encode())
    files = ((path, path.read_bytes()) for path in directory.rglob("*") if path.is_file())
    return [path for path, content in files if any(form in content for form in forms)]
