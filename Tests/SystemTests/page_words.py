"""The words in the page's scripts: sentences that are marked for translation, and what looks as if it should be."""

import glob
import os
import re

WEB = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "Sources", "ManagementAPI", "Web")
BEFORE_PATTERN = re.compile(r"(?:[(,=:\[!&|?{};+>]|\breturn|^)\s*$")  # what stands before a / that begins a regular expression
PATTERN = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\[])+/\w*")
CLOSING = {"(": ")", "[": "]", "{": "}", "${": "}"}


class Literal:
    """A string or template: its text, with {0} for what is put in; its line and tag; what encloses it, and what stands before and behind."""

    def __init__(self, text, line, tag, inside, before):
        self.text, self.line, self.tag, self.before, self.behind = text, line, tag, before, ""
        self.called, self.index = inside.name, inside.index
        key = re.search(r"[{,]\s*['\"]?([\w-]+)['\"]?:[^,{}`]*$", before)  # with a choice between two, too
        self.key = key.group(1) if inside.name == "{" and key else None


class Bracket:
    """What is open: what is called, the argument that is read, and the strings that were given."""

    def __init__(self, name):
        self.name, self.index, self.given = name, 0, {}


class Script:
    """Reads a script just well enough to find its literals, and the words of each count(n, 'one', 'many')."""

    def __init__(self, source):
        self.source, self.at, self.open = source, 0, [Bracket("")]
        self.literals, self.counts = [], []
        self.code(None)

    def code(self, end):
        """Up to the bracket that closes what is open."""
        source = self.source
        while self.at < len(source):
            char, two = source[self.at], source[self.at:self.at + 2]
            if two == "//":
                self.at = (source + "\n").index("\n", self.at)
            elif two == "/*":
                self.at = source.index("*/", self.at) + 2
            elif char == "/" and BEFORE_PATTERN.search(source[max(0, self.at - 12):self.at]):
                self.at = PATTERN.match(source, self.at).end()
            elif char in "'\"":
                self.string(char)
            elif char == "`":
                self.template()
            elif char in CLOSING:
                self.bracket(char)
            elif char == end:
                self.at += 1
                return
            else:
                self.open[-1].index += char == ","
                self.at += 1

    def bracket(self, opening):
        """What is in brackets."""
        name = re.search(r"([\w$]*)$", self.source[max(0, self.at - 40):self.at]).group(1) if opening == "(" else opening
        line = self.line(self.at)
        self.at += len(opening)
        self.open.append(Bracket(name))
        self.code(CLOSING[opening])
        given = self.open.pop().given
        if name == "count" and 1 in given:
            self.counts.append((given[1], given.get(2, given[1] + "s"), line))

    def line(self, at):
        """The number of a line."""
        return self.source.count("\n", 0, at) + 1

    def add(self, text, start, tag):
        """One more literal."""
        literal = Literal(text, self.line(start), tag, self.open[-1], self.source[max(0, start - 80):start])
        literal.behind = self.source[self.at:self.at + 12]
        self.literals.append(literal)
        self.open[-1].given.setdefault(self.open[-1].index, text)

    def string(self, quote):
        """A quoted string."""
        start = self.at
        self.at = re.compile(rf"{quote}(?:\\.|[^{quote}\\])*{quote}").match(self.source, start).end()
        self.add(re.sub(r"\\(.)", r"\1", self.source[start + 1:self.at - 1]), start, None)

    def template(self):
        """A template, with the code in it."""
        start, text, number = self.at, "", 0
        tag = re.search(r"([\w$]+)$", self.source[max(0, start - 20):start])
        self.at += 1
        while self.source[self.at] != "`":
            if self.source[self.at] == "\\":
                text += {"n": "\n"}.get(self.source[self.at + 1], self.source[self.at + 1])
                self.at += 2
            elif self.source.startswith("${", self.at):
                self.bracket("${")
                text += f"{{{number}}}"
                number += 1
            else:
                text += self.source[self.at]
                self.at += 1
        self.at += 1
        self.add(text, start, tag and tag.group(1))


def scripts():
    """(name, Script) of each script of the page."""
    for path in sorted(glob.glob(os.path.join(WEB, "js", "*.js"))):
        with open(path, encoding="utf-8") as file:
            yield os.path.basename(path), Script(file.read())


def sentences():
    """{key: place} of what is marked for translation: tr`Share with ${name}` is "Share with {0}", count(n, 'camera') is "{0} cameras"."""
    found = {}
    for name, script in scripts():
        for literal in script.literals:
            if literal.tag == "tr":
                found.setdefault(literal.text, f"{name}:{literal.line}")
        for _, many, line in script.counts:
            found.setdefault(many if "{0}" in many else "{0} " + many, f"{name}:{line}")
    return found


# Where texts are shown: arguments of these from this one on, and properties of these names.
SHOWN_FROM = {"h": 2, "head": 0, "card": 0, "toast": 0, "wrong": 1, "say": 1, "title": 0, "button": 0, "sentence": 1, "announce": 0, "gateCard": 1, "bar": 1, "fill": 1}
ONE_ONLY = {"button", "toast", "title", "bar", "say"}  # what comes after is not shown
SHOWN_AS = {"label", "title", "hint", "text", "busy", "aria-label", "placeholder", "alt", "word", "sentence", "action", "detail", "emptyDay", "forOwner", "lead"}
HIDDEN_AS = {"class", "look", "style", "points", "d", "transform", "aria-describedby"}
FOR_SUPPORT = {"Error", "noConnection", "problemOf", "details", "later"}
SELECTORS = {"closest", "matches", "querySelector", "querySelectorAll"}
# The same in every language.
NAMES = {"Edge", "Opera", "Gatehouse", "gatehouse reset-password", "admin", "English", "Italiano", "HTTPS", "ISAPI", "ONVIF", "RTSP", "TCP", "UDP", "Opus", "ABCD-2345",
         "7K4P-2MWD-9QTR-H6VB", "gatehouse picture 1", "SHA-256", "AES-256", "-----BEGIN CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----", "{0} min{1}", "{0} ms"}
ELSEWHERE = {("api.js", "status {0}, {1}"), ("clip.js", "off")}  # what support is told, and a tone


def unmarked(name, script):
    """What is shown, or reads like a sentence, and is not marked for translation: (place, text)."""
    for literal in script.literals:
        words = re.sub(r"\{\d+\}", "", literal.text)
        if literal.tag or literal.text in NAMES or (name, literal.text) in ELSEWHERE or literal.called in {"count"} | FOR_SUPPORT | SELECTORS or not re.search(r"[A-Za-z]{2}", words):
            continue
        if literal.key in HIDDEN_AS or re.search(r"(===|!==|\bcase|className =) $", literal.before) or re.match(r" (===|!==)", literal.behind):
            continue
        if re.search(r"\bclass: `[^`]*$|\bclassName = `[^`]*$", literal.before):  # a choice in a class
            continue
        first = SHOWN_FROM.get(literal.called)
        shown = literal.key in SHOWN_AS or (first is not None and (literal.index == first or literal.index > first and literal.called not in ONE_ONLY))
        reads = re.search(r"^[A-Z][a-z]+( [a-z]|…|[.:!?]?$)|[a-z][,.;:]? [a-z]+[ .:]|[a-z]\. ?$|…|^[a-z]+ \{0\}|\{0\} [a-z]{2,}\b", literal.text)
        if shown or (reads and not re.search(r"[_=/\[#<\n]|^\w+-\w+$|^\w+ \w+-\w+$|^banner|^card |^h-|^plain-", literal.text)):
            yield f"{name}:{literal.line}", literal.text
