"""The API's document and the reference that is made of it: every operation has examples that are as its schemas say, and docs/api.md is current."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

from answers import Schemas
from mutations import Document

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
JSON = "application/json"


class Reference(unittest.TestCase):
    """What people read about the API."""

    @classmethod
    def setUpClass(cls):
        with open(os.path.join(REPOSITORY, "Sources", "ManagementAPI", "openapi.json"), encoding="utf-8") as file:
            cls.text = file.read()
        cls.document = Document(json.loads(cls.text))
        cls.schemas = Schemas(cls.document.document)
        with open(os.path.join(REPOSITORY, "docs", "api.md"), encoding="utf-8") as file:
            cls.reference = file.read()

    def contents(self):
        """(where, media type object) of every JSON body and every JSON answer that is no error."""
        for method, path, operation in self.document.operations():
            body = operation.get("requestBody", {}).get("content", {})
            answers = {status: self.document.resolve(answer).get("content", {}) for status, answer in operation["responses"].items() if status.startswith("2")}
            for what, content in {"body": body, **answers}.items():
                if JSON in content:
                    yield f"{method} {path} {what}", content[JSON]

    def test_reference_is_current(self):
        """docs/api.md is what tools/api-reference makes of the document."""
        outcome = subprocess.run([os.path.join(REPOSITORY, "tools", "api-reference"), "--check"], capture_output=True, text=True)
        self.assertEqual((outcome.returncode, outcome.stderr), (0, ""))

    def test_check_finds_what_is_old(self):
        """With --check the tool says so, and writes nothing, where the reference is not what the document says."""
        with tempfile.TemporaryDirectory(prefix="gatehouse-test-") as folder:
            for name in ("tools/api-reference", "Sources/ManagementAPI/openapi.json", "docs/api.md"):
                os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
                shutil.copy2(os.path.join(REPOSITORY, name), os.path.join(folder, name))
            for change in (lambda path: open(path, "a", encoding="utf-8").write("old"), os.remove):
                change(os.path.join(folder, "docs", "api.md"))
                outcome = subprocess.run([os.path.join(folder, "tools", "api-reference"), "--check"], capture_output=True, text=True)
                self.assertEqual(outcome.returncode, 1, outcome.stderr)
                self.assertIn("not current", outcome.stderr)
            self.assertFalse(os.path.exists(os.path.join(folder, "docs", "api.md")))

    def test_every_operation_is_in_the_reference(self):
        """Each operation has a section, and each link inside of the reference leads to one."""
        for method, path, operation in self.document.operations():
            with self.subTest(operation=operation["operationId"]):
                self.assertIn(f"\n### `{method} {path}`\n\n{operation['summary']}", self.reference)
        headings = {line.lstrip("# ").lower().replace(" ", "-") for line in self.reference.splitlines() if line.startswith("#")}
        links = {part.partition(")")[0] for part in self.reference.split("](#")[1:]}
        self.assertGreater(len(links), 100)
        self.assertEqual(links - headings, set())

    def test_every_operation_has_examples(self):
        """Each JSON body and each JSON answer has an example, and every example is as the schema says."""
        count, wrong = 0, []
        for where, content in self.contents():
            examples = [content["example"]] if "example" in content else [one["value"] for one in content.get("examples", {}).values()]
            if not examples or "example" in content and "examples" in content:
                wrong.append(f"{where}: has {'both kinds of examples' if examples else 'no example'}")
            for example in examples:
                count += 1
                wrong += [f"{where}: {mistake}" for mistake in self.schemas.compare(content["schema"], example, "")]
        print(f"{count} examples", flush=True)
        self.assertGreater(count, 200)
        self.assertEqual(wrong, [])

    def test_form_of_the_document(self):
        """The document is written as Python's json writes it, so that a change shows what was changed and nothing else."""
        self.assertEqual(self.text, json.dumps(self.document.document, indent=2, ensure_ascii=False) + "\n")
