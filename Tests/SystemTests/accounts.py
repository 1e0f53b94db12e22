"""What must hold of spool and store: accepted clips are stored exactly once with their SHA-256, and nothing is left lying about."""

import hashlib
import json
import os
import re

ACCEPTED = ("captured", "ready")


def manifests(state):
    """The manifests of all clip directories in a state folder, by clip id."""
    found, spool = {}, os.path.join(state, "spool")
    for name in os.listdir(spool) if os.path.isdir(spool) else []:
        try:
            with open(os.path.join(spool, name, "clip.json")) as file:
                found[name] = json.load(file)
        except FileNotFoundError:
            continue  # never accepted, or freed by and by
    return found


def accepted(state):
    """The manifests of the clips that are accepted and still in the spool."""
    return {name: manifest for name, manifest in manifests(state).items() if manifest["stage"] in ACCEPTED}


def left_over(folder):
    """Temporary files below a folder."""
    return [os.path.join(path, name) for path, _, names in os.walk(folder) for name in names
            if name.endswith((".part", ".tmp")) or ".part." in name]


def besides_record(keys):
    """Keys without those of the signed record, which a box writes by itself."""
    return [key for key in keys if "/chain/" not in key and os.path.basename(key) not in ("box.json", "checkpoint.json")]


def stored(store, under_way=False):
    """The manifests in a store by clip id, each checked against its objects.

    Proves: each JSON's SHA-256 and size are its video's, its picture is there, no clip lies under two keys, and, unless uploads are
    under way, no video is without JSON.
    """
    found = {}
    videos, pictures = set(store.keys(".mp4")), set(store.keys(".jpg")) | {key.removesuffix(".enc") for key in store.keys(".jpg.enc")}
    for key in store.keys(".json"):
        if not re.fullmatch("[0-9a-f]{32}", os.path.basename(key)[:-5]):
            continue  # the signed record's own
        manifest = json.loads(store.read(key))
        base = key.removesuffix(".json")
        if os.path.basename(base) != manifest["id"] or manifest["id"] in found:
            raise AssertionError(f"clip {manifest['id']} lies under {key} and {found.get(manifest['id'])}")
        if base + ".mp4" not in videos:
            raise AssertionError(f"{key} has no video")
        body = store.read(base + ".mp4")
        digest = hashlib.sha256(body).hexdigest()
        if manifest["clip"]["sha256"] != digest or manifest["clip"]["bytes"] != len(body):
            raise AssertionError(f"{base}.mp4 has {len(body)} bytes with {digest}, its JSON says {manifest['clip']}")
        if manifest.get("thumbnail") and base + ".jpg" not in pictures:
            raise AssertionError(f"{key} has no picture")
        found[manifest["id"]] = manifest
    lonely = {os.path.basename(key)[:-4] for key in videos} - set(found)
    if lonely and not under_way:
        raise AssertionError(f"videos without JSON: {lonely}")
    return found


class Account:
    """Takes down what was ever accepted by a box, and settles up at the end."""

    def __init__(self, box, store):
        self.box, self.store = box, store
        self.seen = {}

    def sample(self, state=None):
        """Take down what is accepted now; the number of clips seen so far."""
        for name, manifest in accepted(state or self.box.state).items():
            earlier = self.seen.get(name)
            if not earlier or manifest["stage"] == "ready":
                self.seen[name] = manifest
        return len(self.seen)

    def settle(self, seconds=90):
        """Let the running box drain, end it, and check that everything is as it must be; the stored manifests."""
        box = self.box
        box.await_drained(seconds)
        states = {clip["id"]: clip for clip in box.everything("/clips")}
        try:
            box.stop()
        finally:  # whatever it ended with, what it left must be right
            found = self.check(states)
        return found

    def check(self, states):
        """Check spool and store of the ended box, whose clips were `states`; the stored manifests."""
        box = self.box
        remains = os.listdir(box.spool)
        if remains:
            raise AssertionError(f"the spool holds {remains}")
        rubbish = left_over(box.state) + (left_over(self.store.root) if hasattr(self.store, "root") else [])
        if rubbish:
            raise AssertionError(f"temporary files are left: {rubbish}")
        twice = self.store.written_twice()
        if twice:
            raise AssertionError(f"written more than once: {twice}")
        found = stored(self.store)
        lost = {name: manifest for name, manifest in self.seen.items() if name not in found}
        if lost:
            raise AssertionError(f"{len(lost)} of {len(self.seen)} accepted clips are not in the store: "
                                 + "; ".join(f"{name} ({manifest['stage']}): {states.get(name)}" for name, manifest in lost.items()))
        for name, manifest in self.seen.items():
            if manifest["stage"] == "ready" and manifest["clip"]["sha256"] != found[name]["clip"]["sha256"]:
                raise AssertionError(f"clip {name} was ready with {manifest['clip']} and is stored as {found[name]['clip']}")
        for name in found:
            if name not in states or states[name]["state"] != "stored" or not states[name]["storedAt"]:
                raise AssertionError(f"clip {name} is in the store and its state is {states.get(name)}")
        for name, clip in states.items():
            if name not in found and clip["state"] != "dropped":
                raise AssertionError(f"the box says {clip['state']} of {name}, which is not in the store")
        return found

    def told(self, found):
        """The account in words, given the manifests that are stored."""
        counts = {name: sum(manifest[name] for manifest in found.values()) for name in ("interrupted", "asItCame")}
        return (f"{len(self.seen)} clips seen accepted, {len(found)} stored, of these {counts['interrupted']} interrupted, "
                f"{counts['asItCame']} as they came")
