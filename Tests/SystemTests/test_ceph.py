"""The store is a real Ceph object gateway: what it can is found out, clips go up whole and in parts, are compared, played and removed.

Needs Debian's packages radosgw, ceph-mon, ceph-osd and ceph-common, which are large: without them it is skipped.
"""

import hashlib
import os
import subprocess
import urllib.request

import ceph
from spooled import fill
from stores import ACCESS_KEY, BUCKET, FaultyS3, Moto, SECRET_KEY
from test_record import EVERY, footage
from test_storage import StorageCase
from waiting import wait_for

CLIENT = ("import boto3, botocore.client, sys; client = boto3.client('s3', endpoint_url=sys.argv[1], aws_access_key_id=sys.argv[2], "
          "aws_secret_access_key=sys.argv[3], region_name='default'); ")


class CephGateway(StorageCase):
    """Somebody else's store, not made for tests."""

    cameras_wanted = 1

    def client(self, store, code):
        """Amazon's own client does something; what it prints."""
        python = os.path.join(Moto.HOME, "bin/python")
        return subprocess.run([python, "-c", CLIENT + code, store.endpoint, ACCESS_KEY, SECRET_KEY], check=True, capture_output=True, text=True,
                              timeout=60).stdout

    def test_ceph(self):
        """All of a clip's life, in a bucket of Ceph."""
        if not ceph.is_installed():
            self.skipTest("Ceph is not installed: apt-get install radosgw ceph-mon ceph-osd ceph-common")
        if not os.path.exists(os.path.join(Moto.HOME, "bin/python")):
            self.skipTest("boto3 is not there; test_storage installs it")
        store = self.kept(ceph.Ceph(ACCESS_KEY, SECRET_KEY))
        self.client(store, f"client.create_bucket(Bucket='{BUCKET}')")
        box = self.fitted(storage__folder=None, **EVERY)
        box.call("PUT", "/storage/target", FaultyS3.target(store, region="default"))
        tried = box.call("POST", "/storage/test", {})
        steps = {step["name"]: step["ok"] for step in tried["steps"]}
        self.assertEqual((steps["write"], steps["read"], steps["delete"]), (True, True, True), tried)
        print("; ".join(f"{step['name']}: {step['sentence']}" for step in tried["abilities"]))
        clip = box.await_stored(box.trigger(box.channels[0]))
        link = box.get(f"/clips/{clip['id']}/link")["url"]
        with urllib.request.urlopen(link, timeout=30) as answer:
            self.assertEqual(hashlib.sha256(answer.read()).hexdigest(), clip["sha256"])
        box.stop()
        fill(box, 3, 12_000_000)
        box.start()
        wait_for(lambda: box.get("/storage")["stored"]["clips"] == 4, 120, lambda: f"four clips in Ceph: {box.get('/storage')}")
        tags = self.client(store, f"print(sorted(client.get_object(Bucket='{BUCKET}', Key=object['Key'])['ETag'].count('-') for object in "
                                  f"client.list_objects_v2(Bucket='{BUCKET}')['Contents'] if object['Key'].endswith('.mp4')))")
        self.assertEqual(tags.strip(), "[0, 1, 1, 1]", "the large ones went up in parts")

        def told():
            chains = box.get("/storage/chain")["chains"]
            return sum(chain["links"] - chain["waiting"] for chain in chains) == 4
        wait_for(told, 60, "a record of four clips")
        code, out, err = footage("verify", "--bucket", BUCKET, "--endpoint", store.endpoint, "--region", "default", keys=(ACCESS_KEY, SECRET_KEY))
        self.assertEqual(code, 0, out + err)
        self.assertIn("4 clips", out)

    test_ceph.limit = 400
