#!/usr/bin/python3
"""Runs the system tests: each module in a process of its own, some at a time, with progress, time limits and a clean end."""

import argparse
import ctypes
import glob
import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)
from waiting import command_line, descendants, is_alive  # noqa: E402

PR_SET_CHILD_SUBREAPER = 36
GRACE = 30  # seconds that a test has to tidy up after its time is over


class TimeIsOver(BaseException):
    """A test took longer than it may. Not an Exception, so that no test catches it."""


class Result(unittest.TestResult):
    """Tells the parent process of each test as it ends, as a line of JSON."""

    def __init__(self, channel, limit):
        super().__init__()
        self.channel, self.limit = channel, limit
        self.began, self.outcome = 0, None

    def tell(self, **what):
        """One line to the parent."""
        self.channel.write(json.dumps(what) + "\n")
        self.channel.flush()

    def startTest(self, test):
        super().startTest(test)
        self.began, self.outcome = time.monotonic(), ("ok", "")
        own = getattr(getattr(test, getattr(test, "_testMethodName", ""), None), "limit", 0)
        signal.alarm(max(self.limit, own))
        self.tell(start=test.id())

    def stopTest(self, test):
        signal.alarm(2 * self.limit)  # for what comes between tests
        super().stopTest(test)
        self.tell(test=test.id(), outcome=self.outcome[0], text=self.outcome[1], seconds=time.monotonic() - self.began)

    def failed(self, test, error):
        """A test, a subtest or a fixture failed."""
        text = "".join(traceback.format_exception(*error))
        if isinstance(test, unittest.TestCase) and self.outcome is not None:
            self.outcome = ("FAIL", (self.outcome[1] + "\n" + text).strip())
        else:  # setUpClass or the module itself
            self.tell(test=str(test), outcome="FAIL", text=text, seconds=0)

    def addError(self, test, err):
        self.failed(test, err)

    def addFailure(self, test, err):
        self.failed(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            told = f"{subtest._subDescription()}\n"  # which one it was
            self.outcome = ("FAIL", (self.outcome[1] + "\n" + told + "".join(traceback.format_exception(*err))).strip())

    def addSkip(self, test, reason):
        if self.outcome is not None and isinstance(test, unittest.TestCase):
            if self.outcome[0] == "ok":
                self.outcome = ("skip", reason)
        else:
            self.tell(test=str(test), outcome="skip", text=reason, seconds=0)


def suites(module, wanted):
    """The module's test classes, each a suite, with the tests whose names contain one of `wanted`."""
    def cases(suite):
        for test in suite:
            if isinstance(test, unittest.TestSuite):
                yield from cases(test)
            else:
                yield test
    for suite in unittest.defaultTestLoader.loadTestsFromName(module):
        chosen = [test for test in cases(suite) if not wanted or any(part in test.id() for part in wanted)]
        if chosen:
            yield unittest.TestSuite(chosen)


def work(module, wanted, limit):
    """Run one module's tests in this process; results go to descriptor 3."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)

    def over(*_):
        signal.alarm(GRACE)  # and once more, should the tidying hang
        raise TimeIsOver("the test took longer than it may")

    signal.signal(signal.SIGALRM, over)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    result = Result(os.fdopen(3, "w"), limit)
    try:
        for suite in suites(module, wanted):
            try:
                signal.alarm(2 * limit)  # for the class's preparations
                suite.run(result)
            finally:
                signal.alarm(0)
                left = end_left_overs()
                if left:
                    result.tell(note=f"ended what {module} left over: {'; '.join(left)}")
    except TimeIsOver as error:
        result.tell(test=f"{module} (tidying up)", outcome="FAIL", text=str(error), seconds=0)
    os._exit(0)  # threads of peers may still wait


def leave(*_):
    """End at once, with everything that the tests started."""
    end_left_overs()
    with open("/proc/mounts") as file:
        for place in [line.split()[1] for line in file if "/gatehouse-test-" in line]:
            subprocess.run(["umount", "-l", place], check=False)
    os._exit(1)


def end_left_overs():
    """Kill all processes below this one that do not end by themselves, as a browser's helpers do a moment after it; what they were."""
    deadline = time.monotonic() + 3
    while any(is_alive(pid) for pid in descendants(os.getpid())) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = [(pid, command_line(pid)) for pid in descendants(os.getpid())]
    for pid, _ in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    deadline = time.monotonic() + 5
    while any(is_alive(pid) for pid, _ in left) and time.monotonic() < deadline:
        time.sleep(0.05)
    return [text for _, text in left if text]


class Run:
    """All modules."""

    def __init__(self, options):
        self.options, self.lock = options, threading.Lock()
        self.outcomes, self.processes = [], []
        self.queue = list(options.modules)

    def say(self, text):
        """A line to the terminal."""
        with self.lock:
            print(text, flush=True)

    def lane(self):
        """Run modules one after the other until none is left."""
        while True:
            with self.lock:
                if not self.queue:
                    return
                module = self.queue.pop(0)
            self.module(module)

    def module(self, module):
        """Run one module in a process of its own."""
        reading, writing = os.pipe()
        command = [sys.executable, os.path.realpath(__file__), "--worker", module, "--limit", str(self.options.limit)]
        for part in self.options.tests:
            command += ["-k", part]

        def give():
            os.dup2(writing, 3)
            ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # end with the runner

        process = subprocess.Popen(command, cwd=HERE, pass_fds=(3,) if writing == 3 else (), close_fds=False, preexec_fn=give,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        self.processes.append(process)
        os.close(writing)
        printer = threading.Thread(target=self.output, args=(process, module), daemon=True)
        printer.start()
        last = None
        with os.fdopen(reading) as channel:
            for line in channel:
                last = self.take(module, json.loads(line), last)
        if process.wait() or last:
            self.outcome(last or module, "FAIL", f"the module's process ended with {process.returncode}", 0)

    def take(self, module, told, running):
        """One line of a worker; the test that runs now."""
        if "start" in told:
            return told["start"]
        if "note" in told:
            self.say(f"       {told['note']}")
            self.outcome(f"{module} leaves nothing behind", "FAIL", told["note"], 0)
            return running
        self.outcome(told["test"], told["outcome"], told["text"], told["seconds"])
        return None

    def output(self, process, module):
        """What the tests print."""
        for line in process.stdout:
            self.say(f"       {module.removeprefix('test_')}: {line.rstrip()}")

    def outcome(self, name, outcome, text, seconds):
        """Note and print the outcome of one test."""
        with self.lock:
            self.outcomes.append((name, outcome, text))
        self.say(f"{outcome:4} {seconds:6.1f} s  {name}" + (f": {text}" if outcome == "skip" else ""))
        if outcome == "FAIL":
            self.say("\n".join("     | " + line for line in text.splitlines()[-60:]))

    def all(self):
        """Run everything; the exit status."""
        began = time.monotonic()
        lanes = [threading.Thread(target=self.lane) for _ in range(self.options.jobs)]
        try:
            for lane in lanes:
                lane.start()
            for lane in lanes:
                lane.join()
        except KeyboardInterrupt:
            self.queue.clear()
        finally:
            for process in self.processes:
                if process.poll() is None:
                    process.terminate()
        counts = {kind: [one for one in self.outcomes if one[1] == kind] for kind in ("ok", "FAIL", "skip")}
        for name, _, reason in counts["skip"]:
            print(f"skipped: {name}: {reason}")
        for name, _, _ in counts["FAIL"]:
            print(f"failed: {name}")
        print(f"{time.monotonic() - began:.0f} s, {len(counts['skip'])} skipped")
        print(f"{len(counts['ok'])} passed, {len(counts['FAIL'])} failed", flush=True)
        return 1 if counts["FAIL"] or not counts["ok"] else 0


def main():
    """The command line."""
    known = sorted((os.path.basename(path)[:-3] for path in glob.glob(os.path.join(HERE, "test_*.py"))),
                   key=lambda name: LONGEST_FIRST.index(name) if name in LONGEST_FIRST else len(LONGEST_FIRST))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="modules to run, with or without test_: " + ", ".join(name[5:] for name in known))
    parser.add_argument("-k", dest="tests", action="append", default=[], help="only tests whose name contains this")
    parser.add_argument("--jobs", type=int, default=3, help="modules at a time (default: 3)")
    parser.add_argument("--limit", type=int, default=240, help="seconds that a test may take (default: 240)")
    parser.add_argument("--list", action="store_true", help="list the tests and leave")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker, options.tests, options.limit)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options.modules = ["test_" + name.removeprefix("test_").removesuffix(".py") for name in options.modules] or known
    for name in options.modules:
        if name not in known:
            parser.error(f"there is no module {name}; known: {', '.join(known)}")
    if options.list:
        for module in options.modules:
            for suite in suites(module, options.tests):
                for test in suite:
                    print(f"{test.id()}: {test.shortDescription()}")
        return
    sys.exit(Run(options).all())


LONGEST_FIRST = ("test_refill", "test_refill_kills", "test_flapping", "test_storage", "test_device_events", "test_survival", "test_encryption", "test_cameras",
                 "test_second_storage", "test_main_job", "test_accessibility", "test_live", "test_page_devices", "test_discovery", "test_devices", "test_real_stores", "test_page", "test_recording",
                 "test_record", "test_plans", "test_footage_key", "test_hostile_devices", "test_bad_input", "test_page_live", "test_device_upkeep")

if __name__ == "__main__":
    main()
