"""Makes buckets on S3-compatible storage, where they are missing: `python make_buckets.py ENDPOINT NAME...`

The login comes from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import boto3


def make_buckets(endpoint: str, names: Sequence[str]) -> list[str]:
    """Returns those that are new."""
    client = boto3.client("s3", endpoint_url=endpoint)
    there = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    new = [name for name in names if name not in there]
    for name in new:
        client.create_bucket(Bucket=name)
    return new


if __name__ == "__main__":
    sys.stdout.write(f"made: {make_buckets(sys.argv[1], sys.argv[2:])}\n")
