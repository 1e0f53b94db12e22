"""What the page says is there in each of its languages. Nothing is run for it: the scripts and the dictionaries are read."""

import collections
import glob
import json
import os
import re
import unittest

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


def frame(text):
    """What a translation must have as well: placeholders, and blanks at the ends."""
    return sorted(re.findall(r"\{\d+\}", text)), text[:1].isspace(), text[-1:].isspace()


class Languages(unittest.TestCase):
    """The dictionaries against the scripts."""

    @classmethod
    def setUpClass(cls):
        cls.sentences = sentences()
        cls.dictionaries = {os.path.basename(path)[:-5]: dictionary(path) for path in glob.glob(os.path.join(WEB, "languages", "*.json"))}

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
        named.add("watchByRTSP")  # what is done beside the API
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
