"""The service in OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

from mesocosm.rules.outputs import Output
from mesocosm.serving.sessions import Limits


def openapi(limits: Limits, is_frozen: bool = False, output: Output = "classes") -> dict[str, Any]:
    """What can be asked of a rule that answers so, and what is answered; limits stand in it as they are."""
    number = {"type": "number"}
    example = {"type": "array", "items": number, "minItems": 1, "maxItems": limits.numbers}
    x = {"type": "array", "items": example, "minItems": 1, "maxItems": limits.examples}
    pair = {"type": "array", "items": example, "minItems": 2, "maxItems": 2}
    learnt = {"type": "array", "items": pair, "minItems": 1, "maxItems": limits.examples // 2}
    row = {"type": "array", "items": number, "minItems": 1}
    y: dict[str, Any] = {
        "classes": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        "numbers": {"type": "array", "items": {"oneOf": [number, row]}},
        "order": {"type": "array", "items": {"enum": [0, 0.5, 1]}},
    }[output]
    scores = {"type": "array", "items": row if output == "numbers" else number}
    logits = {"type": "array", "items": {"type": "array", "items": number}}
    answer = _object({"y": y, "logits": logits} if output == "classes" else {"y": scores})
    counted = {"type": "integer", "minimum": 0, "description": "examples that this session has learnt from"}
    named = _object({"session": {"type": "string"}, "examples": counted})
    paths: dict[str, Any] = {
        "/sessions": {"post": _asks("Begin a session that has learnt nothing.", None, named, 201)},
        "/sessions/{session}": {
            "get": _asks("How much it has learnt.", None, named),
            "delete": _asks("Forget it.", None, None, 204),
        },
        "/sessions/{session}/predict": {
            "post": _asks(f"The {_ANSWERS[output]} of each example.", _object({"x": x}), answer)
        },
        "/metrics": {"get": {"summary": "Counters, in the text format of Prometheus.", "responses": _ANY}},
    }
    if not is_frozen:
        told = _object({"x": learnt if output == "order" else x, "y": y, "after": counted}, required=["x", "y"])
        does = "Learn from examples in their order; `after`: only if so many were learnt from before (else 409)."
        paths["/sessions/{session}/learn"] = {"post": _asks(does, told, _object({"examples": counted}))}
    for path, methods in paths.items():
        if "{session}" in path:
            where = {"name": "session", "in": "path", "required": True, "schema": {"type": "string"}}
            methods["parameters"] = [where]
    limit = f"At most {limits.rate:g} requests a second and session, {limits.body} bytes each."
    return {
        "openapi": "3.1.0",
        "info": {"title": "A learning rule", "version": "1", "description": limit},
        "paths": paths,
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}],
    }


_ANSWERS = {"classes": "class", "numbers": "numbers", "order": "score"}


def _object(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


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
