"""Whoever sells plans: an issuer with a key pair, who makes vouchers by the command line; and a box whose time goes by."""

import json
import os
import sqlite3
import subprocess

from box import binary

MONTH, YEAR = "30-days-month", "30-days-year"


class Issuer:
    """An issuer whose files lie in a folder."""

    def __init__(self, folder):
        self.folder, self.made = folder, 0
        self.key = os.path.join(folder, "issuer.key")
        self.public = self.run("issuer-key", "--output", self.key).stdout.strip()

    @staticmethod
    def run(*arguments, expect=0):
        """A `gatehouse plan` command, done."""
        done = subprocess.run([binary(), "plan", *arguments], capture_output=True, text=True, timeout=60)
        if done.returncode != expect:
            raise AssertionError(f"gatehouse plan {' '.join(arguments)}: {done.returncode}: {done.stdout[-400:]} {done.stderr[-800:]}")
        return done

    def issue(self, package=MONTH, count=1, box=None, redeem_until=None, stock=False):
        """Service keys (none with `stock`) and the path of their voucher."""
        self.made += 1
        path = os.path.join(self.folder, f"voucher-{self.made}.json")
        more = (["--box", box] if box else []) + (["--redeem-until", redeem_until] if redeem_until else []) + (["--stock"] if stock else [])
        done = self.run("issue", "--issuer-key", self.key, "--package", package, "--count", str(count), "--output", path, *more)
        return done.stdout.split(), path

    @staticmethod
    def voucher(path):
        """A voucher file's content."""
        with open(path) as file:
            return json.load(file)

    def give(self, box, /, *arguments, **more):
        """Issue and import into the box; the keys."""
        keys, path = self.issue(*arguments, **more)
        box.call("POST", "/plans/vouchers", self.voucher(path))
        return keys


def plan(box, channel):
    """The plan of a channel."""
    return next(one for one in box.get("/plans")["channels"] if one["channelId"] == channel["id"])


def activate(box, channel, key):
    """Activate or renew by a service key."""
    return box.call("PUT", f"/channels/{channel['id']}/plan", {"serviceKey": key})


def pass_days(box, days):
    """Let days go by for plans and stored footage: the box is stopped, its dates are moved into the past, and it is started again."""
    box.stop()
    database = sqlite3.connect(os.path.join(box.state, "box.sqlite"))
    with database:
        for table, columns in {"planPeriod": ("from", "until"), "clip": ("storedAt", "expiresAt")}.items():
            for column in columns:
                database.execute(f'UPDATE {table} SET "{column}" = strftime("%Y-%m-%d %H:%M:%f", "{column}", ?)', (f"-{days} days",))
    database.close()
    box.start()
