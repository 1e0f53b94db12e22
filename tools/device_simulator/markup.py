"""XML as devices write it: trees that keep attributes and order, without namespace processing."""

import xml.parsers.expat
from xml.sax.saxutils import escape, quoteattr

MOST_BYTES = 4_000_000


class BadMarkup(ValueError):
    """The text is not XML that a device takes."""


class Node:
    """One element. Namespace declarations are attributes like others."""

    __slots__ = ("name", "attributes", "text", "children")

    def __init__(self, name, attributes=None, text="", children=None):
        self.name, self.attributes, self.text = name, dict(attributes or {}), text
        self.children = list(children or [])

    @property
    def local(self):
        """The name without its prefix."""
        return self.name.rpartition(":")[2]

    def find(self, path):
        """The first descendant along a path of local names, or None."""
        node = self
        for step in path.split("/"):
            node = next((child for child in node.children if child.local == step), None)
            if node is None:
                return None
        return node

    def all(self, name):
        """The children of this local name."""
        return [child for child in self.children if child.local == name]

    def walk(self):
        """This node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def value(self, path, default=None):
        """The text of a descendant, or the default."""
        node = self.find(path)
        return default if node is None else node.text.strip()

    def put(self, path, value):
        """Set the text of a descendant, making it where it is missing."""
        node = self
        for step in path.split("/"):
            child = node.find(step)
            if child is None:
                child = Node(step)
                node.children.append(child)
            node = child
        node.text = str(value)

    def merge(self, other):
        """Take over what another node of the same name says; lists are taken whole, items that have an id are merged by it."""
        self.text = other.text if not other.children else ""
        if not other.children and self.children:
            if self.local.endswith("List"):
                self.children = []
            return
        if self.local.endswith("List"):
            known = {child.value("id"): child for child in self.children if child.value("id")}
            self.children = [merged(known.get(child.value("id")), child) for child in other.children]
            return
        for name in dict.fromkeys(child.local for child in other.children):
            new, old = other.all(name), self.all(name)
            if len(new) == 1 and len(old) == 1:
                old[0].merge(new[0])
            else:
                at = next((index for index, child in enumerate(self.children) if child.local == name), len(self.children))
                self.children = [child for child in self.children if child.local != name]
                self.children[at:at] = new

    def copy(self):
        """A copy of the whole tree."""
        return Node(self.name, self.attributes, self.text, [child.copy() for child in self.children])

    def write(self, indent=""):
        """The element as text."""
        start = indent + "<" + self.name + "".join(f" {key}={quoteattr(value)}" for key, value in self.attributes.items())
        if self.children:
            inner = "\n".join(child.write(indent + "  ") for child in self.children)
            return f"{start}>\n{inner}\n{indent}</{self.name}>"
        return f"{start}>{escape(self.text)}</{self.name}>"


def merged(old, new):
    """The old item with what the new one says; the new one where there is no old."""
    if old is None or old.local != new.local:
        return new
    old.merge(new)
    return old


def parse(data):
    """The root node of a text; BadMarkup when it is none, has a document type or is too long."""
    if len(data) > MOST_BYTES:
        raise BadMarkup("too long")
    parser = xml.parsers.expat.ParserCreate()
    stack, roots = [], []

    def start(name, attributes):
        node = Node(name, attributes)
        if len(stack) > 64:
            raise BadMarkup("too deep")
        (stack[-1].children if stack else roots).append(node)
        stack.append(node)

    def doctype(*_):
        raise BadMarkup("document type")

    def text(data):
        if stack:
            stack[-1].text += data

    parser.StartElementHandler, parser.EndElementHandler = start, lambda _: stack.pop()
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, doctype
    try:
        parser.Parse(data, True)
    except xml.parsers.expat.ExpatError as error:
        raise BadMarkup(str(error)) from error
    for node in roots[0].walk():
        if node.children:
            node.text = ""
    return roots[0]


def from_mapping(mapping):
    """The root node of what xmltodict made of a document."""
    (name, content), = mapping.items()
    return node_from(name, content)


def node_from(name, content):
    """A node from xmltodict's form of its content."""
    node = Node(name)
    if isinstance(content, dict):
        for key, value in content.items():
            if key.startswith("@"):
                node.attributes[key[1:]] = "" if value is None else str(value)
            elif key == "#text":
                node.text = str(value)
            else:
                node.children += [node_from(key, item) for item in (value if isinstance(value, list) else [value])]
    elif content is not None:
        node.text = str(content)
    return node


def document(node):
    """A whole document as bytes."""
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + node.write() + "\n").encode()
