"""The description of the REST API: examples everywhere, and such as the API would take and answer."""

from typing import Any

import jsonschema
import pytest

from dashboard.api import create_api
from tests.dashboard import fake_store


@pytest.fixture(scope="module")
def described(tmp_path_factory) -> dict[str, Any]:
    return create_api(fake_store.config_in(tmp_path_factory.mktemp("described"))).state.rest.openapi()


def contents(described: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The bodies of requests and of answers that are no problems, with where they stand."""
    found = []
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            bodies = {"request": operation.get("requestBody", {})} | operation["responses"]
            for name, body in bodies.items():
                if name < "3" or name == "request":
                    found += [(f"{method} {path} {name}", content) for content in body.get("content", {}).values()]
    return found


def examples(described: dict[str, Any], schema: dict[str, Any]) -> list[Any]:
    """Those of a schema, of what it refers to, of one of its forms, or of its items."""
    if own := schema.get("examples"):
        return list(own)
    if name := schema.get("$ref", "").rpartition("/")[2]:
        return examples(described, described["components"]["schemas"][name])
    if "items" in schema:
        return [[one] for one in examples(described, schema["items"])]
    return [one for form in schema.get("anyOf", ()) for one in examples(described, form)]


def test_every_body_and_parameter_has_an_example(described):
    lacking = [
        where
        for where, content in contents(described)
        if not (content.get("example") or examples(described, content.get("schema", {})))
    ]
    assert [where for where in lacking if not where.startswith("get /jobs/{job_id}/result")] == []  # has any form
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", ()):
                told = {"default", "examples", "example", "enum"} & {*parameter, *parameter["schema"]}
                assert told, f"{method} {path} {parameter['name']}"


def test_the_examples_have_the_form_that_is_described(described):
    checked = 0
    for name, schema in described["components"]["schemas"].items():
        whole = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
        for example in schema.get("examples", ()):
            jsonschema.Draft202012Validator(whole).validate(example)
            unknown = set(example) - set(schema["properties"])
            assert not unknown, name
            checked += 1
    assert checked > 20
