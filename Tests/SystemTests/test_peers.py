"""The strict store of these tests against Amazon's own client: what it accepts and refuses is what S3 would."""

import json
import os
import subprocess
import urllib.error
import urllib.request

from case import Case
from stores import ACCESS_KEY, BUCKET, REGION, SECRET_KEY, FaultyS3, Moto

CLIENT = """
import boto3, botocore, json, sys
from botocore.config import Config
endpoint, key, secret, region, bucket, token = json.load(sys.stdin)
def client(secret=secret, key=key, token=token):
    return boto3.client("s3", endpoint_url=endpoint, aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token,
        region_name=region, config=Config(s3={"addressing_style": "path", "payload_signing_enabled": True},
        retries={"max_attempts": 1}, request_checksum_calculation="when_required", response_checksum_validation="when_required"))
def tried(call):
    try:
        call()
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return "well"
name = "a/b c+d~e.bin"
print(json.dumps([
    tried(lambda: client().put_object(Bucket=bucket, Key=name, Body=b"hello", IfNoneMatch="*")),
    tried(lambda: client().put_object(Bucket=bucket, Key=name, Body=b"other", IfNoneMatch="*")),
    client().get_object(Bucket=bucket, Key=name, Range="bytes=1-3")["Body"].read().decode(),
    tried(lambda: client(secret="wrong").get_object(Bucket=bucket, Key=name)),
    tried(lambda: client(key="wrong").get_object(Bucket=bucket, Key=name)),
    tried(lambda: client(token="wrong").get_object(Bucket=bucket, Key=name)),
    tried(lambda: client().get_object(Bucket=bucket, Key="nothing")),
]))
"""


class StrictStore(Case):
    """FaultyS3 without faults."""

    def test_as_amazons_client_sees_it(self):
        """It takes what is signed well and honours If-None-Match; wrong keys, secrets, tokens and no signature at all are refused."""
        try:
            self.kept(Moto())  # has the client beside it
        except (OSError, subprocess.SubprocessError) as error:
            self.skipTest(f"moto cannot be installed: {error}")
        store = self.kept(FaultyS3(session_token="the token"))
        done = subprocess.run([os.path.join(Moto.HOME, "bin/python"), "-c", CLIENT], check=True, stdout=subprocess.PIPE, timeout=60,
                              input=json.dumps([store.endpoint, ACCESS_KEY, SECRET_KEY, REGION, BUCKET, "the token"]), text=True)
        self.assertEqual(json.loads(done.stdout), ["well", "PreconditionFailed", "ell", "SignatureDoesNotMatch", "InvalidAccessKeyId",
                                                   "InvalidToken", "NoSuchKey"])
        self.assertEqual(store.written_twice(), {})
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{store.endpoint}/{BUCKET}/a/b%20c%2Bd~e.bin", timeout=10)
        self.addCleanup(caught.exception.close)
        self.assertEqual(caught.exception.code, 403)
