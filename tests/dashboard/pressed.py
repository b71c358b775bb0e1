"""What a browser sends to a callback: `press(client, id, values)`; `texts_of(component)` is what people read of one."""

from collections.abc import Mapping
from typing import Any

import httpx
from dash.development.base_component import Component


def press(asking: httpx.Client, name: str, values: Mapping[str, Any]) -> httpx.Response:
    """The answer of the callback that listens to the component `name`: a button that was pressed once, or what has one
    of the `values`, which are those of other components, too.
    """
    known = asking.get("/_dash-dependencies").json()
    spec = next(one for one in known if name in ids(one["inputs"]) and not one.get("clientside_function"))
    given = {
        kind: [part | {"value": values.get(part["id"], 1 if part["id"] == name else None)} for part in spec[kind]]
        for kind in ("inputs", "state")
    }
    output = spec["output"]
    places = [dict(zip(("id", "property"), one.rsplit(".", 1), strict=True)) for one in output.strip(".").split("...")]
    body = {"output": output, "outputs": places if output.startswith("..") else places[0]}
    changed = [f"{part['id']}.{part['property']}" for part in spec["inputs"] if part["id"] == name]
    return asking.post("/_dash-update-component", json=body | given | {"changedPropIds": changed})


def ids(parts: list[dict[str, Any]]) -> set[str]:
    """The ids of inputs."""
    return {part["id"] for part in parts}


def texts_of(component: Any) -> str:
    """All texts below a component, one after the other."""
    if isinstance(component, Component):
        return texts_of(getattr(component, "children", None))
    if isinstance(component, list | tuple):
        return " ".join(map(texts_of, component))
    return "" if component is None else str(component)
