"""Many uploads to a store that fails nearly every third time: nothing twice, nothing overwritten, nothing lost.

`GATEHOUSE_UPLOADS` says how many (25), `GATEHOUSE_SEED` repeats a run.
"""

import os
import secrets
import time

from accounts import left_over, manifests, stored
from case import Case
from spooled import fill
from stores import FaultyS3
from waiting import wait_for

COUNT = int(os.environ.get("GATEHOUSE_UPLOADS", "25"))
LIMIT = 120 + COUNT * 3  # seconds


class ManyUploads(Case):
    """A spool full of clips and a store in a bad mood."""

    def test_mixed_faults(self):
        """With three of ten requests failing, each clip is stored once, as it was."""
        seed = int(os.environ.get("GATEHOUSE_SEED") or secrets.randbelow(1 << 32))
        store = self.kept(FaultyS3())
        box = self.box(storage__folder=None, upload__longest_wait_seconds=1)
        box.claim()
        box.stop()
        fill(box, COUNT, 3_000)
        expected = {name: manifest["clip"]["sha256"] for name, manifest in manifests(box.state).items()}
        self.assertEqual(len(expected), COUNT)
        box.start()
        store.mix(0.3, seed)
        began = time.monotonic()
        box.call("PUT", "/storage/target", store.target())
        wait_for(lambda: box.get("/storage")["stored"]["clips"] == COUNT, LIMIT, lambda: f"all in the store, seed {seed}: {box.get('/storage')}", 1)
        store.chance = 0
        seconds = time.monotonic() - began
        found = stored(store)
        self.assertEqual({name: manifest["clip"]["sha256"] for name, manifest in found.items()}, expected, f"seed {seed}")
        self.assertEqual(store.written_twice(), {}, f"seed {seed}")
        wait_for(lambda: not os.listdir(box.spool), 30, "an empty spool")
        self.assertEqual(left_over(box.state), [])
        self.assertEqual(box.get("/storage/gaps")["items"], [])
        failed = sum(1 for request in store.requests if not request.status or request.status >= 400)
        puts = sum(1 for request in store.requests if request.method == "PUT")
        print(f"{COUNT} clips with {puts} uploads of objects in {len(store.requests)} requests, {failed} of which failed, in {seconds:.0f} s, seed {seed}: "
              "none lost, none twice, none changed")

    test_mixed_faults.limit = LIMIT + 60
