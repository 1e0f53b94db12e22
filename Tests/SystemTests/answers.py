"""Answers of the API compared with the schemas of its own OpenAPI document."""

import re

KINDS = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict, "null": type(None), "number": (int, float)}

SIZES = {name + kind: size for name in ("min", "max") for kind, size in {
    "imum": lambda value: value if is_kind(value, "number") else None, "Length": lambda value: len(value) if isinstance(value, str) else None,
    "Items": lambda value: len(value) if isinstance(value, list) else None}.items()}


def is_kind(value, kind):
    """Whether a JSON value is of a JSON Schema type; a boolean is no number."""
    return isinstance(value, KINDS[kind]) and not (isinstance(value, bool) and kind in ("integer", "number"))


class Schemas:
    """The schemas of an OpenAPI 3.1 document: of JSON Schema what the document uses."""

    def __init__(self, document):
        self.document = document

    def mistakes(self, method, path, answer):
        """What is wrong with an answer to the operation `method` on `path`."""
        place = "/api/v1" + path.partition("?")[0]
        names = [name for name in self.document["paths"] if re.fullmatch(re.sub("{.*?}", "[^/]+", name), place)]
        operation = self.document["paths"][min(names, key=lambda name: name.count("{"))][method.lower()]
        described = self.resolve(operation["responses"].get(str(answer.status), {}))
        schema = next(iter(described.get("content", {}).values()), {}).get("schema")
        return [f"{answer.status} of {method} {path} is not described"] if schema is None else self.compare(schema, answer.json, "")

    def resolve(self, node):
        """What a reference leads to."""
        while "$ref" in node:
            found = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = {**found, **{key: value for key, value in node.items() if key != "$ref"}}
        return node

    def compare(self, schema, value, where):
        """What is wrong with `value`."""
        schema = self.resolve(schema)
        wrong = [mistake for part in schema.get("allOf", []) for mistake in self.compare(part, value, where)]
        for name in ("oneOf", "anyOf"):
            branches = [self.compare(self.with_known(branch, schema), value, where) for branch in schema.get(name, [])]
            if branches and all(branches):
                wrong += min(branches, key=len)
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if kinds and not any(is_kind(value, kind) for kind in kinds):
            wrong.append(f"{where}: {value!r} is not {'/'.join(kinds)}")
        if "enum" in schema and value not in schema["enum"] or "const" in schema and value != schema["const"]:
            wrong.append(f"{where}: {value!r} is not one of {schema.get('enum', schema.get('const'))}")
        if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
            wrong.append(f"{where}: {value!r} is not like {schema['pattern']}")
        wrong += [f"{where}: {value!r} is beyond its {name}" for name, size in SIZES.items() if name in schema and (told := size(value)) is not None
                  and (told < schema[name] if name.startswith("min") else told > schema[name])]
        if isinstance(value, dict):
            wrong += self.of_object(schema, value, where)
        if isinstance(value, list) and "items" in schema:
            wrong += [mistake for number, one in enumerate(value) for mistake in self.compare(schema["items"], one, f"{where}/{number}")]
        return wrong

    def with_known(self, branch, schema):
        """A branch that says more about some properties of `schema`, which knows the others as well."""
        branch = self.resolve(branch)
        return {**branch, "properties": {**schema["properties"], **branch["properties"]}} if "properties" in schema and "properties" in branch else branch

    def of_object(self, schema, value, where):
        """What is wrong with an object's properties; one that the schema does not name is wrong where it names any."""
        known = schema.get("properties", {})
        wrong = [f"{where}/{name} is missing" for name in schema.get("required", []) if name not in value]
        if known and "additionalProperties" not in schema or schema.get("additionalProperties") is False:
            wrong += [f"{where}/{name} is not described" for name in value if name not in known and not schema.get("allOf") and not schema.get("oneOf")]
        return wrong + [mistake for name, one in value.items() if name in known for mistake in self.compare(known[name], one, f"{where}/{name}")]
