"""LocalStack's S3 from PyPI, in a virtual environment of its own, on loopback.

`python3 Tests/SystemTests/localstack_peer.py` installs it (120 packages): the last release for this Python, with what it needs as it was then.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from ports import free_port

HOME = os.path.expanduser("~/.cache/gatehouse-tests/localstack")
PACKAGES = ("localstack-core[base-runtime]==4.3.0", "moto-ext==5.1.1.post2", "cbor2==5.6.5", "pyopenssl==25.0.0", "cryptography<45", "service-identity==24.2.0")
PYTHON = os.path.join(HOME, "bin/python")


def is_installed():
    """Whether it can be started."""
    return subprocess.run([PYTHON, "-c", "import localstack.aws.components"], check=False, capture_output=True).returncode == 0 \
        if os.path.exists(PYTHON) else False


def install():
    """Make the virtual environment."""
    subprocess.run([sys.executable, "-m", "venv", HOME], check=True)
    subprocess.run([PYTHON, "-m", "pip", "install", "-q", *PACKAGES], check=True)


class LocalStack:
    """One that runs, with nothing but S3."""

    def __init__(self):
        self.folder, self.port = tempfile.mkdtemp(prefix="gatehouse-localstack-"), free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        environment = {**os.environ, "SERVICES": "s3", "STRICT_SERVICE_LOADING": "1", "GATEWAY_LISTEN": f"127.0.0.1:{self.port}", "DISABLE_EVENTS": "1",
                       "SKIP_SSL_CERT_DOWNLOAD": "1", "FILESYSTEM_ROOT": self.folder, "HOME": self.folder, "DNS_ADDRESS": "0"}
        self.log = open(os.path.join(self.folder, "log"), "wb")
        self.process = subprocess.Popen([PYTHON, "-m", "localstack.runtime.main"], env=environment, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            self.await_ready(time.monotonic() + 120)
        except BaseException:
            self.close()
            raise

    def await_ready(self, deadline):
        """Wait until it answers."""
        while True:
            try:
                urllib.request.urlopen(f"{self.endpoint}/_localstack/health", timeout=5).close()
                return
            except (OSError, urllib.error.URLError):
                if time.monotonic() > deadline or self.process.poll() is not None:
                    with open(self.log.name, encoding="utf-8") as file:
                        raise AssertionError(f"LocalStack did not start: {file.read()[-2000:]}") from None
                time.sleep(0.3)

    def close(self):
        """End it and remove what it wrote."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


if __name__ == "__main__":
    install()
