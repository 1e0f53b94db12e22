"""What the page and the box say is there in each of the page's languages. Nothing is run for it: scripts, sources and dictionaries are read."""

import collections
import glob
import json
import os
import re
import unittest

from box_sentences import MADE, SwiftFile, is_sentence, said
from page_words import WEB, Script, scripts, sentences, unmarked

FORMS = {"it": {"one", "other"}}  # what a language tells apart, by Intl.PluralRules; "many", of millions, is as other


def dictionary(path):
    """A dictionary, in which nothing is there twice."""
    def once(pairs):
        twice = [key for key, number in collections.Counter(key for key, _ in pairs).items() if number > 1]
        assert not twice, f"{path} has twice: {twice}"
        return dict(pairs)
    with open(path, encoding="utf-8") as file:
        return json.load(file, object_pairs_hook=once)


def dictionaries(pattern):
    """{language: dictionary} of the files whose names have the language in them."""
    found = {}
    for path in glob.glob(os.path.join(WEB, "languages", "*.json")):
        name = re.fullmatch(pattern, os.path.basename(path))
        if name:
            found[name.group(1)] = dictionary(path)
    return found


def frame(text):
    """What a translation must have as well: placeholders, and blanks at the ends."""
    return sorted(re.findall(r"\{\d+\}", text)), text[:1].isspace(), text[-1:].isspace()


class Languages(unittest.TestCase):
    """The dictionaries against the scripts."""

    @classmethod
    def setUpClass(cls):
        cls.sentences = sentences()
        cls.dictionaries = dictionaries(r"(\w+)\.json")

    def test_a_scripts_are_read(self):
        """The reader of scripts sees what is there: or all else would prove nothing."""
        script = Script("const a = tr`One ${b ? tr`two \\` ${c}` : ''} ${x.replace(/[`'/]/g, '')}`; // tr`not this`\ncount(n, 'sheep', 'sheep'); count(f(1, 2), 'dog')")
        self.assertEqual({one.text for one in script.literals if one.tag}, {"One {0} {1}", "two ` {0}"})
        self.assertEqual([one[:2] for one in script.counts], [("sheep", "sheep"), ("dog", "dogs")])
        self.assertEqual([text for _, text in unmarked("x.js", Script("h('p', { class: 'big red' }, 'Hello there', on ? 'off' : tr`on`, icon('camera'))"))], ["Hello there", "off"])
        self.assertGreater(len(self.sentences), 1000)

    def test_b_everything_is_marked(self):
        """Nothing that people read stands in a script without tr`…` or count(…)."""
        found = [f"{place}: {text!r}" for name, script in scripts() for place, text in unmarked(name, script)]
        self.assertFalse(found, "say tr`…`, or count(n, 'one', 'many'); or name it in page_words.py, if it is the same in every language")

    def test_c_everything_is_translated(self):
        """Each sentence is in each dictionary, and nothing else is."""
        self.assertIn("it", self.dictionaries)
        for language, words in self.dictionaries.items():
            with self.subTest(language):
                self.assertFalse({key: place for key, place in self.sentences.items() if key not in words}, "these have no translation")
                self.assertFalse([key for key in words if key not in self.sentences], "these are said nowhere")

    def test_d_translations_fit(self):
        """Placeholders are the same, forms of number are there, nothing is empty, no meaning meant for translators is shown."""
        for language, words in self.dictionaries.items():
            for key, text in words.items():
                with self.subTest(language, key=key):
                    counted = isinstance(text, dict)
                    if counted:
                        self.assertEqual(set(text), FORMS[language])
                    for form in text.values() if counted else [text]:
                        self.assertTrue(form.strip())
                        self.assertEqual(frame(form), frame(key.partition("|")[0]))
                        self.assertNotIn("|", form)
                        self.assertNotRegex(form, "'", "say ’")

    def test_e_languages_are_offered(self):
        """Each dictionary can be chosen on the page."""
        with open(os.path.join(WEB, "js", "language.js"), encoding="utf-8") as file:
            offered = re.findall(r"\['(\w\w)', '\w+'\]", file.read())
        self.assertEqual(set(offered), {"en", *self.dictionaries})

    def test_f_what_was_done(self):
        """The log has words for each operation that changes something, and for what is noted though it only looks."""
        with open(os.path.join(WEB, "..", "openapi.json"), encoding="utf-8") as file:
            paths = json.load(file)["paths"].values()
        with open(os.path.join(WEB, "js", "operation-words.js"), encoding="utf-8") as file:
            known = set(re.findall(r"(\w+): tr`", file.read()))
        named = {one["operationId"] for path in paths for method, one in path.items() if method in ("post", "put", "patch", "delete")}
        named |= {"watchByRTSP", "restoreBackup"}  # what is done beside the API
        with open(os.path.join(WEB, "..", "AccessRules.swift"), encoding="utf-8") as file:
            looks = set(re.findall(r'\.get, "[^"]+", "(\w+)"[^\n]*? log: \.(?:always|oncePerMinute)', file.read()))
        self.assertIn("getSnapshot", looks)
        named |= looks
        self.assertFalse(named ^ known, "not in operation-words.js, or no longer in the API")

    def test_g_why_it_was_not_done(self):
        """The log has words for each problem that the box answers with."""
        with open(os.path.join(WEB, "..", "openapi.json"), encoding="utf-8") as file:
            slugs = set(re.findall(r"problems/([a-z-]+)", file.read()))
        with open(os.path.join(WEB, "..", "..", "Access", "AccessDenied.swift"), encoding="utf-8") as file:
            slugs |= set(re.findall(r'case \w+ = "([a-z-]+)"', file.read()))
        with open(os.path.join(WEB, "js", "operation-results.js"), encoding="utf-8") as file:
            known = set(re.findall(r"'([a-z-]+)': tr`", file.read()))
        self.assertGreater(len(slugs), 70)
        self.assertFalse(slugs - known, "not in operation-results.js")


SWIFT = r'''
// "Not this one."
let a = "One \(b ? "two \(c) \"x\"" : f("three")) four." + " Five \(d)"
    + " six."
let e = """
    Seven \(g(1, "eight")) \
    nine.
      Ten\n
    """
logger.warning("Eleven is for the log.")
/* "Nor /* this */ one." */ let h = #"Twelve \(i) \#(j)."#
'''


class BoxSentences(unittest.TestCase):
    """The dictionaries of the box's own sentences against the Swift sources."""

    @classmethod
    def setUpClass(cls):
        cls.sentences, cls.literals = said()
        cls.dictionaries = dictionaries(r"box-(\w+)\.json")

    def test_a_sources_are_read(self):
        """The reader of Swift sees what is there, or all else would prove nothing."""
        self.assertEqual([one.text for one in SwiftFile(SWIFT).literals],
                         ["One {0} four. Five {1} six.", 'two {0} "x"', "three", "Seven {0} nine.\n  Ten\n", "eight", "Eleven is for the log.", "Twelve \\(i) {0}."])
        self.assertEqual([is_sentence(text) for text in ("It works.", " Try again in {0} s.", "It says: {0}", "It is so. {0}", "Not this", "{0}.", "a.b", "SELECT a FROM b WHERE c = ?")],
                         [True, True, False, True, False, False, False, False])
        self.assertGreater(len(self.sentences), 800)
        for text in ("The camera works.", " One more try, then it locks.", "The device refused the request: {0}", "Parts of one object must be of equal size, as the box's are."):
            self.assertIn(text, self.sentences)

    def test_b_everything_is_translated(self):
        """Each sentence is in each dictionary. What else is there is put into sentences, and is said somewhere."""
        self.assertEqual(set(self.dictionaries), set(dictionaries(r"(\w+)\.json")))
        for language, words in self.dictionaries.items():
            with self.subTest(language):
                self.assertFalse({text: place for text, place in self.sentences.items() if text not in words}, "these have no translation")
                self.assertFalse([key for key in words if key not in self.sentences and (key not in self.literals or (is_sentence(key) and key not in MADE))],
                                 "these are said nowhere, or to nobody on the page")
                self.assertEqual(list(words), sorted(words), "sort them")

    def test_c_translations_fit(self):
        """Placeholders are the same, blanks at the ends as well."""
        for language, words in self.dictionaries.items():
            for key, text in words.items():
                with self.subTest(language, key=key):
                    self.assertTrue(text.strip())
                    self.assertEqual(frame(text), frame(key))
                    self.assertNotRegex(text, "'", "say ’")

    def test_d_fields(self):
        """The page looks up the fields that the API describes as sentences, and no others."""
        with open(os.path.join(WEB, "js", "box-words.js"), encoding="utf-8") as file:
            listed = re.findall(r"const (?:SENTENCES|LISTS) = new Set\(\[(.*?)\]\)", file.read())
        known = set(re.findall(r"'(\w+)'", " ".join(listed)))
        with open(os.path.join(WEB, "..", "openapi.json"), encoding="utf-8") as file:
            schemas = json.load(file)["components"]["schemas"]
        fields, described = set(), set()

        def read(schema):
            if isinstance(schema, list):
                for one in schema:
                    read(one)
            elif isinstance(schema, dict):
                for name, field in (schema.get("properties") or {}).items():
                    fields.add(name)
                    if re.search(r"\b[Ss]entences?\b", field.get("description", "")) and field.get("type") != "object":
                        described.add(name)
                for one in schema.values():
                    read(one)
        read(schemas)
        self.assertFalse(known - fields, "the API has no such fields")
        self.assertFalse(described - known - {"detail"}, "these are sentences, too")  # detail is of problems, which problemOf reads
