"""What the box says: the English sentences in the Swift sources that may reach a person by the API, with {0} for what is put in."""

import glob
import os
import re

SOURCES = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "Sources")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
CLOSING = {"(": ")", "[": "]", "{": "}"}
WORD = re.compile(r"[#@.\w]*$")  # what stands before a bracket: logger.warning, #expect
# Only for a terminal or the log: calls (the last word counts, or the whole with a point), and labels of arguments.
HIDDEN_CALLS = re.compile(r"(^|\.)(logger|log)\.|^(fatalError|precondition|preconditionFailure|assert|assertionFailure|print|execute|query|ArgumentHelp|CommandConfiguration|SettingsError|ValidationError)$|^#")
HIDDEN_LABELS = re.compile(r"\b(help|abstract|discussion|usage|sql)\s*:\s*$")


class Literal:
    """A string: its text, its line, what is called with it and all that this is in, and whether it is put into another one."""

    def __init__(self, text, line, calls, before, inner):
        self.text, self.line, self.calls, self.before, self.inner = text, line, calls, before, inner


class SwiftFile:
    """Reads Swift just well enough to find its literals."""

    def __init__(self, source):
        self.source, self.at, self.calls, self.depth = source, 0, [""], 0
        self.literals = []
        self.code(None)
        self.literals.sort(key=lambda one: one.start)

    def code(self, end):
        """Up to the bracket that closes what is open."""
        source = self.source
        while self.at < len(source):
            char, two = source[self.at], source[self.at:self.at + 2]
            if two == "//":
                self.at = (source + "\n").index("\n", self.at)
            elif two == "/*":
                self.comment()
            elif char == "#" and re.match(r'#+"', source[self.at:self.at + 4]):
                self.literal(len(re.match(r"#+", source[self.at:]).group()))
            elif char == '"':
                self.literal(0)
            elif char in CLOSING:
                name = WORD.search(source[max(0, self.at - 60):self.at]).group() if char == "(" else ""
                self.at += 1
                self.calls.append(name)
                self.code(CLOSING[char])
                self.calls.pop()
            elif char == end:
                self.at += 1
                return
            else:
                self.at += 1

    def comment(self):
        """A comment, which may have others in it."""
        depth = 0
        while True:
            mark = re.compile(r"/\*|\*/").search(self.source, self.at)
            depth += 1 if mark.group() == "/*" else -1
            self.at = mark.end()
            if depth == 0:
                return

    def literal(self, raw):
        """A literal, and those that are joined to it with +."""
        start, before, calls = self.at, self.source[max(0, self.at - 80):self.at], tuple(self.calls)
        text, number = self.piece(raw, 0)
        while True:
            more = re.compile(r'\s*\+\s*(?=")').match(self.source, self.at)
            if not more:
                break
            self.at = more.end()
            piece, number = self.piece(0, number)
            text += piece
        found = Literal(text, self.source.count("\n", 0, start) + 1, calls, before, self.depth > 0)
        found.start = start
        self.literals.append(found)

    def piece(self, raw, number):
        """One literal: its text, with placeholders from this number on; and the next number."""
        source, escape = self.source, "\\" + "#" * raw
        self.at += raw
        quote = '"""' if source.startswith('"""', self.at) else '"'
        self.at += len(quote)
        text, closing = "", quote + "#" * raw
        while not source.startswith(closing, self.at):
            if source.startswith(escape + "(", self.at):
                self.at += len(escape) + 1
                self.depth += 1
                self.calls.append("")
                self.code(")")
                self.calls.pop()
                self.depth -= 1
                text += f"{{{number}}}"
                number += 1
            elif source.startswith(escape, self.at):
                self.at += len(escape)
                character = source[self.at]
                if character == "u":
                    code = re.compile(r"u\{(\w+)\}").match(source, self.at)
                    text, self.at = text + chr(int(code.group(1), 16)), code.end()
                elif character == "\n":  # the line goes on
                    text, self.at = text + "\0", self.at + 1
                else:
                    text, self.at = text + ESCAPES.get(character, character), self.at + 1
            else:
                text += source[self.at]
                self.at += 1
        self.at += len(closing)
        if quote == '"""':
            lines = text.replace("\0", "\0\n").split("\n")[1:]
            text = "\n".join(line.removeprefix(lines[-1]) for line in lines[:-1]).replace("\0\n", "")
        return text, number


def files():
    """(name, SwiftFile) of each file of the box."""
    for path in sorted(glob.glob(os.path.join(SOURCES, "**", "*.swift"), recursive=True)):
        with open(path, encoding="utf-8") as file:
            yield os.path.relpath(path, SOURCES), SwiftFile(file.read())


STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|PRAGMA)\b|(=|>=|<>|[<>]) \?")  # SQL ends with a question mark at times
# What has sentences that no answer of the API has, and why.
ELSEWHERE = {
    "Gatehouse/": "the command line, and settings that the box does not start with",
    "Access/OperationLog.swift": "gatehouse log verify",
    "CloudStorage/Chain/FootageVerification.swift": "gatehouse footage verify",
    "CloudStorage/Encryption/LockedSiteKey.swift": "in the file that is saved, for whoever opens it in years",
    "Exports/EvidenceNote.swift": "in the file that goes along with an export",
    "Firmware/Catalogue/ReleaseRepository+DeviceFirmware.swift": "gatehouse release",
    "Firmware/Releases/ReleaseBuilder.swift": "gatehouse release",
    "Firmware/Releases/ReleasePublishing.swift": "gatehouse release",
    "Firmware/Upgrades/Rescue.swift": "gatehouse-updater, which nobody's page shows",
    "Firmware/Upgrades/UpgradeReport.swift": "the log",
    "Updater/": "for whoever stands before the box, and the log",
    "Launcher/": "for whoever stands before the box, and the log",
    "ManagementAPI/APIServer.swift": "a box that does not start",
    "ManagementAPI/SupportBundle.swift": "in the file that is saved, for whoever helps from afar",
    "ManagementAPI/Metrics.swift": "for Prometheus",
    "Messaging/MessageTexts.swift": "files of messages that are not taken, in the log",
}
# Words that the box makes of names in its sources; they are put in for placeholders.
MADE = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
PROFILES = os.path.join(SOURCES, "..", "Profiles")
ADVICE = re.compile(r'(?:firmwareAdvice: |remarks: \[|", )"((?:[^"\\]|\\.)*)"')  # what profiles of cameras and storage providers advise


def files():
    """(name, SwiftFile) of each file of the box."""
    for path in sorted(glob.glob(os.path.join(SOURCES, "**", "*.swift"), recursive=True)):
        with open(path, encoding="utf-8") as file:
            yield os.path.relpath(path, SOURCES), SwiftFile(file.read())


def is_sentence(text):
    """Whether it reads as a sentence, or as the beginning or the end of one: what is put in last may be another one."""
    words = re.sub(r"\{\d+\}", "", text)
    said = re.sub(r"(\s*\(?\{\d+\}\)?)+$", "", text)
    if " " not in words or not re.search(r"[A-Za-z]{2}", words) or STATEMENT.search(text):
        return False
    return bool(re.search(r"[.…?!] ?$", said) or (said != text and re.search(r"^([A-Z]|\{0\} ).* .* .*:$", said)))


def is_hidden(name, literal):
    """Whether it goes to a terminal or the log only."""
    return name.startswith(tuple(ELSEWHERE)) or any(HIDDEN_CALLS.search(call) for call in literal.calls) or bool(HIDDEN_LABELS.search(literal.before))


def advice():
    """{sentence: place} of what the profiles have."""
    found = {}
    for path in sorted(glob.glob(os.path.join(PROFILES, "cameras", "*.yaml")) + glob.glob(os.path.join(PROFILES, "storage", "*.yaml"))):
        with open(path, encoding="utf-8") as file:
            for text in ADVICE.findall(file.read()):
                found.setdefault(text, os.path.basename(path))
    return found


def said():
    """({sentence: place}, all literals): what the box says, and all that may be put into it."""
    found, literals = advice(), set(MADE)
    for name, swift in files():
        for literal in swift.literals:
            literals.add(literal.text)
            if is_sentence(literal.text) and not is_hidden(name, literal):
                found.setdefault(literal.text, f"{name}:{literal.line}")
    return found, literals
