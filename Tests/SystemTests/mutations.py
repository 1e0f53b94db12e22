"""Wrong request bodies made from the API's own OpenAPI document: each breaks one rule of one property."""

import copy

LONG = 20000


class Document:
    """An OpenAPI 3.1 document."""

    def __init__(self, document):
        self.document = document

    def resolve(self, schema):
        """A schema with its references followed, and allOf put together."""
        while "$ref" in schema:
            node = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                node = node[part]
            schema = {**node, **{key: value for key, value in schema.items() if key != "$ref"}}
        for part in schema.get("allOf", []):
            part = self.resolve(part)
            schema = {**part, **schema, "properties": {**part.get("properties", {}), **schema.get("properties", {})}}
        return schema

    def variant(self, schema, value):
        """The branch of a oneOf or anyOf that `value` belongs to."""
        schema = self.resolve(schema)
        branches = [self.resolve(branch) for branch in schema.get("oneOf") or schema.get("anyOf") or []]
        nullable = any(branch.get("type") == "null" for branch in branches)
        branches = [branch for branch in branches if branch.get("type") != "null"]
        if not branches:
            return schema
        kind = value.get("kind") if isinstance(value, dict) else None
        for branch in branches:
            told = self.resolve(branch.get("properties", {}).get("kind", {}))
            if kind is not None and kind in told.get("enum", [told.get("const")]):
                break
        else:
            branch = next((one for one in branches if isinstance(value, dict) and set(one.get("required", [])) <= set(value)), branches[0])
        if "properties" in schema:  # the branches only say more about some of them
            branch = {**{key: value for key, value in schema.items() if key not in ("oneOf", "anyOf")},
                      "properties": {**schema["properties"], **branch.get("properties", {})},
                      "required": [*schema.get("required", []), *branch.get("required", [])]}
        types = branch.get("type", "object")
        return {**branch, "type": [*([types] if isinstance(types, str) else types), "null"]} if nullable else branch

    def operations(self):
        """(method, path, operation) of all operations."""
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                if method in ("get", "put", "post", "patch", "delete", "head"):
                    yield method.upper(), path, {**operation, "parameters": item.get("parameters", []) + operation.get("parameters", [])}

    def body_schema(self, operation):
        """The schema of an operation's JSON body, or None."""
        content = self.resolve(operation.get("requestBody", {})).get("content", {})
        return content.get("application/json", {}).get("schema")

    def mutations(self, schema, good):
        """(name of the property, what is wrong, body) for everything that can be wrong with the body `good`."""
        yield from self.of_object(self.variant(schema, good), good, lambda part: part)

    def of_object(self, schema, good, whole):
        """Break each property of an object; `whole` puts the broken object where it belongs."""
        def broken(name, value):
            changed = copy.deepcopy(good)
            changed[name] = value
            return whole(changed)

        for name in schema.get("required", []):
            if name in good:
                yield name, "missing", whole({key: value for key, value in good.items() if key != name})
        yield "zebra", "a property that nobody knows", broken("zebra", 1)
        for name, described in schema.get("properties", {}).items():
            described = self.variant(described, good.get(name))
            for what, value in self.wrong_values(described, good.get(name)):
                yield name, what, broken(name, value)
            inner = good.get(name)
            if isinstance(inner, dict):
                yield from self.of_object(described, inner, lambda part, name=name: broken(name, part))
            if isinstance(inner, list) and inner and isinstance(inner[0], dict):
                item = self.variant(described.get("items", {}), inner[0])
                yield from self.of_object(item, inner[0], lambda part, name=name, rest=inner[1:]: broken(name, [part, *rest]))

    def wrong_values(self, schema, good):
        """Values that a property must not have, with what is wrong about them."""
        types = schema.get("type", [])
        types = {types} if isinstance(types, str) else set(types)
        examples = {"string": "x", "integer": 7, "boolean": True, "array": [], "object": {}, "null": None, "number": 1.5}
        for kind, value in examples.items():
            fits = kind in types or (kind in ("integer", "number") and "number" in types)
            if types and not fits:
                yield f"{kind} instead of {'/'.join(sorted(types))}", value
        if "string" in types:
            yield from self.wrong_strings(schema)
        if types & {"integer", "number"}:
            for name, step in (("minimum", -1), ("maximum", 1)):
                if name in schema:
                    yield f"beyond its {name}", schema[name] + step
            yield "beyond all bounds", 10 ** 30
            yield "far below", -10 ** 15
        if "array" in types:
            yield from self.wrong_arrays(schema, good)

    @staticmethod
    def wrong_strings(schema):
        """Texts that are too long, too short or not of the listed words."""
        if "enum" in schema or "const" in schema:
            yield "no such word", "zebra"
            yield "an empty word", ""
        else:
            if schema.get("minLength", 0) > 0:
                yield "empty", ""
            if schema.get("minLength", 0) > 1:
                yield "too short", "x" * (schema["minLength"] - 1)
            yield "too long", "x" * (schema["maxLength"] + 1 if "maxLength" in schema else LONG)
            yield "control characters", "a\0b\x1b" + "c" * 12

    @staticmethod
    def wrong_arrays(schema, good):
        """Lists of wrong things, and too long ones."""
        yield "a list of the wrong things", [[]] * max(1, schema.get("minItems", 1))
        yield "a list of nothing", [None] * max(1, schema.get("minItems", 1))
        if good:
            yield "too long", good[:1] * (schema.get("maxItems", 1000) + 1)
        if schema.get("minItems", 0) > 1 and good:
            yield "too short", good[:schema["minItems"] - 1]
