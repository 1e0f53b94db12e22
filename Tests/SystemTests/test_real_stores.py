"""All of a clip's life in stores that were not made for tests: Ceph's object gateway, LocalStack's S3, and a folder.

Ceph needs Debian's packages radosgw, ceph-mon, ceph-osd and ceph-common, which are large; LocalStack is installed by
`python3 Tests/SystemTests/localstack_peer.py`. Without them their tests are skipped.
"""

import hashlib
import os
import subprocess
import urllib.request

import ceph
import localstack_peer
from accounts import stored
from spooled import fill
from stores import ACCESS_KEY, BUCKET, FaultyS3, Folder, Moto, SECRET_KEY
from test_record import EVERY, RecordCase
from waiting import wait_for

CLIENT = ("import boto3, botocore.client, sys; client = boto3.client('s3', endpoint_url=sys.argv[1], aws_access_key_id=sys.argv[2], "
          "aws_secret_access_key=sys.argv[3], region_name=sys.argv[4]); ")


class RealStores(RecordCase):
    """The same for each."""

    def client(self, store, region, code):
        """Amazon's own client does something; what it prints."""
        python = next((path for path in (os.path.join(Moto.HOME, "bin/python"), localstack_peer.PYTHON) if os.path.exists(path)), None)
        if not python:
            self.skipTest("boto3 is not there; test_storage installs it")
        return subprocess.run([python, "-c", CLIENT + code, store.endpoint, ACCESS_KEY, SECRET_KEY, region], check=True, capture_output=True, text=True,
                              timeout=60).stdout

    def life(self, target, place, keys=None):
        """A clip and three large ones go up, whole and in parts, are compared, told of in the record, found by it, and expire; the box."""
        box = self.fitted(storage__folder=None, **EVERY)
        box.call("PUT", "/storage/target", target)
        tried = box.call("POST", "/storage/test", {})
        steps = {step["name"]: step["ok"] for step in tried["steps"]}
        self.assertEqual((steps["write"], steps["read"], steps["conditional"], steps["delete"]), (True,) * 4, tried)
        box.abilities = {step["name"]: step["ok"] for step in tried["abilities"]}
        print("; ".join(f"{step['name']}: {step['sentence']}" for step in tried["abilities"]))
        clip = box.await_stored(box.trigger(box.channels[0]))
        self.assertEqual(hashlib.sha256(box.client.request("GET", f"/clips/{clip['id']}/video").body).hexdigest(), clip["sha256"])
        if target["kind"] == "s3":
            with urllib.request.urlopen(box.get(f"/clips/{clip['id']}/link")["url"], timeout=30) as answer:
                self.assertEqual(hashlib.sha256(answer.read()).hexdigest(), clip["sha256"])
        box.stop()
        fill(box, 3, 12_000_000)
        box.start()
        wait_for(lambda: box.get("/storage")["stored"]["clips"] == 4, 120, lambda: f"four clips in the store: {box.get('/storage')}")
        self.recorded(box, 4)
        code, found = self.verify(*place, keys=keys)
        self.assertEqual((code, found["clips"], found["findings"]), (0, 4, []), found)
        return box

    def bucket(self, store, region):
        """The same in a bucket, with a look from outside."""
        self.client(store, region, f"client.create_bucket(Bucket='{BUCKET}')")
        box = self.life(FaultyS3.target(store, region=region), ["--bucket", BUCKET, "--endpoint", store.endpoint, "--region", region], (ACCESS_KEY, SECRET_KEY))
        parts = self.client(store, region, f"print(sorted(client.get_object(Bucket='{BUCKET}', Key=object['Key'])['ETag'].count('-') for object in "
                                           f"client.list_objects_v2(Bucket='{BUCKET}')['Contents'] if object['Key'].endswith('.mp4')))")
        self.assertEqual(parts.strip(), "[0, 1, 1, 1]", "the large ones went up in parts")
        key = self.client(store, region, f"print([object['Key'] for object in client.list_objects_v2(Bucket='{BUCKET}')['Contents'] "
                                         "if object['Key'].endswith('.mp4')][0])").strip()
        self.client(store, region, f"client.put_object(Bucket='{BUCKET}', Key='{key}', Body=b'another')")
        code, found = self.verify("--bucket", BUCKET, "--endpoint", store.endpoint, "--region", region, keys=(ACCESS_KEY, SECRET_KEY))
        self.assertEqual(code, 1)
        self.assertIn(("changed", key), {(finding["kind"], finding["key"]) for finding in found["findings"]})
        return box

    def test_ceph(self):
        """Ceph's object gateway: no overwriting, tags, parts of 5 MiB, no checksums."""
        if not ceph.is_installed():
            self.skipTest("Ceph is not installed: apt-get install radosgw ceph-mon ceph-osd ceph-common")
        box = self.bucket(self.kept(ceph.Ceph(ACCESS_KEY, SECRET_KEY)), "default")
        self.assertTrue(box.abilities["conditions"])

    test_ceph.limit = 400

    def test_localstack(self):
        """LocalStack's S3: no overwriting, tags, parts, and checksums that it compares."""
        if not localstack_peer.is_installed():
            self.skipTest("LocalStack is not installed: python3 Tests/SystemTests/localstack_peer.py")
        box = self.bucket(self.kept(localstack_peer.LocalStack()), "us-east-1")
        self.assertTrue(box.abilities["checksum"] and box.abilities["conditions"], box.abilities)

    test_localstack.limit = 400

    def test_folder(self):
        """A folder."""
        folder = self.folder()
        self.life({"kind": "folder", "path": folder}, ["--folder", folder])
        self.assertEqual(len(stored(Folder(folder))), 4)
