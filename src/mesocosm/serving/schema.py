"""The service in OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

from mesocosm.rules.outputs import Output
from mesocosm.serving.sessions import Limits


def openapi(limits: Limits, is_frozen: bool = False, output: Output = "classes") -> dict[str, Any]:
    """What can be asked of a rule that answers so, and what is answered; limits stand in it as they are."""
    paths: dict[str, Any] = {
        "/sessions": {"post": _asks("Begin a session that has learnt nothing.", None, _NAMED, 201)},
        "/sessions/{session}": {
            "get": _asks("How much it has learnt.", None, _NAMED),
            "delete": _asks("Forget it.", None, None, 204),
        },
        "/sessions/{session}/predict": {"post": _predict(limits, output)},
        "/metrics": {"get": {"summary": "Counters, in the text format of Prometheus.", "responses": _ANY}},
    }
    if not is_frozen:
        paths["/sessions/{session}/learn"] = {"post": _learn(limits, output)}
    for path, methods in paths.items():
        if "{session}" in path:
            where = {"name": "session", "in": "path", "required": True, "schema": {"type": "string"}}
            methods["parameters"] = [where]
    limit = f"At most {limits.rate:g} requests a second and session, {limits.body} bytes each; nets of at most "
    limit += f"{limits.connections} connections."
    return {
        "openapi": "3.1.0",
        "info": {"title": "A learning rule", "version": "1", "description": limit},
        "paths": paths,
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}],
    }


def _predict(limits: Limits, output: Output) -> dict[str, Any]:
    """Examples, and what a rule answers of each."""
    logits = _list(_list(_NUMBER))
    answer = {
        "classes": {"y": _list(_CLASS), "logits": logits},
        "numbers": {"y": _list(_list(_NUMBER, limits.outputs))},
        "order": {"y": _list(_NUMBER)},
    }[output]
    examples = _list(_list(_NUMBER, limits.numbers), limits.examples)
    return _asks(f"The {_ANSWERS[output]} of each example.", _object({"x": examples}), _object(answer))


def _learn(limits: Limits, output: Output) -> dict[str, Any]:
    """Examples or pairs of them, and what is told of each."""
    example = _list(_NUMBER, limits.numbers)
    pair = {"type": "array", "items": example, "minItems": 2, "maxItems": 2}
    most = limits.examples // 2 if output == "order" else limits.examples
    told = {
        "classes": _CLASS,
        "numbers": {"oneOf": [_NUMBER, _list(_NUMBER, limits.outputs)]},
        "order": {"enum": [0, 0.5, 1]},
    }[output]
    x = _list(pair if output == "order" else example, most)
    body = _object({"x": x, "y": _list(told, most), "after": _COUNTED}, required=["x", "y"])
    does = "Learn from examples in their order; `after`: only if so many were learnt from before (else 409)."
    return _asks(does, body, _object({"examples": _COUNTED}))


def _list(items: dict[str, Any], most: int | None = None) -> dict[str, Any]:
    """One or more of these."""
    return {"type": "array", "items": items, "minItems": 1} | ({} if most is None else {"maxItems": most})


_ANSWERS = {"classes": "class", "numbers": "numbers", "order": "score"}


def _object(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


_NUMBER: dict[str, Any] = {"type": "number"}
_CLASS: dict[str, Any] = {"type": "integer", "minimum": 0}
_COUNTED = {"type": "integer", "minimum": 0, "description": "examples that this session has learnt from"}
_NAMED = _object({"session": {"type": "string"}, "examples": _COUNTED})
_REFUSED = {"description": "a sentence that says why", "content": {"application/json": {"schema": {"type": "object"}}}}
_ANY: dict[str, Any] = {"200": {"description": "as asked"}, "default": _REFUSED}


def _asks(summary: str, body: Any, answer: Any, status: int = 200) -> dict[str, Any]:
    said: dict[str, Any] = {"description": "as asked"}
    if answer is not None:
        said["content"] = {"application/json": {"schema": answer}}
    out: dict[str, Any] = {"summary": summary, "responses": {str(status): said, "default": _REFUSED}}
    if body is not None:
        out["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return out
