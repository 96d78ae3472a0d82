"""The service of rules that answer numbers, or put things in order: what is taught and told is what the rule does."""

import asyncio
import json

import jsonschema
import numpy as np
import pytest

from mesocosm import rules
from mesocosm.rules import handwritten
from mesocosm.rules.form import RuleForm
from mesocosm.rules.rule import Rule, build_net

pytest.importorskip("starlette", reason="needs the extra serve")
pytest.importorskip("uvicorn", reason="needs the extra serve")
from mesocosm.serving.server import Service
from mesocosm.serving.sessions import Limits, Sessions

RNG = np.random.default_rng(0)


def asked(service, method, path, body=None):
    """Status and answer, without a socket."""
    sent, content = [], b"" if body is None else json.dumps(body).encode()
    scope = {"type": "http", "method": method, "path": path, "headers": [(b"authorization", b"Bearer t")]}
    scope |= {"query_string": b"", "http_version": "1.1", "scheme": "http", "root_path": ""}

    async def receive():
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(service.application()(scope, receive, send))
    return sent[0]["status"], json.loads(b"".join(m.get("body", b"") for m in sent))


def order_rule():
    form = RuleForm("bilinear", messages=1, memory=2, normalise=False, output="order")
    return Rule(form, handwritten.delta(build_net(form, (5, 1)), 0.4))


@pytest.mark.parametrize(
    ("rule", "lesson", "x", "y"),
    [
        (rules.load("delta"), "numbers", RNG.normal(size=(6, 5)), RNG.normal(size=(6, 2))),
        (rules.load("delta"), "numbers", RNG.normal(size=(6, 5)), RNG.normal(size=6)),
        (order_rule(), "order", RNG.normal(size=(6, 2, 5)), np.array([0, 1, 0.5, 1, 0, 1])),
    ],
    ids=["rows of numbers", "numbers", "order"],
)
def test_it_learns_and_answers_as_the_rule_in_ones_hands(tmp_path, rule, lesson, x, y):
    service = Service(Sessions(rule, tmp_path, Limits()), "t")
    schema = asked(service, "GET", "/openapi.json")[1]
    name = asked(service, "POST", "/sessions")[1]["session"]
    body = {"x": x.tolist(), "y": y.tolist()}
    assert asked(service, "POST", f"/sessions/{name}/learn", body) == (200, {"examples": 6})
    examples = RNG.normal(size=(3, 5))
    status, answer = asked(service, "POST", f"/sessions/{name}/predict", {"x": examples.tolist()})
    expected = rule.fresh().learn(x, y).logits(examples)
    found = np.array(answer["y"]).reshape(expected.shape)
    assert status == 200 and set(answer) == {"y"} and np.allclose(found, expected, atol=2e-5)
    assert np.ptp(expected) > 0.01 and np.ndim(answer["y"]) == (1 if lesson == "order" else 2)
    for path, sent, got in (("learn", body, None), ("predict", {"x": examples.tolist()}, answer)):
        post = schema["paths"][f"/sessions/{{session}}/{path}"]["post"]
        jsonschema.validate(sent, post["requestBody"]["content"]["application/json"]["schema"])
        if got:
            jsonschema.validate(got, post["responses"]["200"]["content"]["application/json"]["schema"])


def test_what_is_refused_is_a_sentence(tmp_path):
    numbers = Service(Sessions(rules.load("delta"), tmp_path / "numbers", Limits()), "t")
    order = Service(Sessions(order_rule(), tmp_path / "order", Limits()), "t")
    x, pairs = RNG.normal(size=(2, 5)).tolist(), RNG.normal(size=(2, 2, 5)).tolist()
    for service, body, said in (
        (numbers, {"x": x, "y": [1]}, "y: must be a list of 2: a number, or a row of them, for each example"),
        (numbers, {"x": x, "y": [[1, 2], [3]]}, "y: must be a list of 2"),
        (numbers, {"x": x, "y": [True, 1]}, "y: must be a list of 2"),
        (numbers, {"x": x, "y": [1, 1e30]}, "y: example 1 holds 1e+30"),
        (numbers, {"x": x, "y": [10**400, 1]}, "y: must hold finite numbers only"),
        (numbers, {"x": x, "y": [[1, 2], [-(10**4000), 1]]}, "y: must hold finite numbers only"),
        (numbers, {"x": [[10**400] * 5, [1] * 5], "y": [1, 1]}, "x: must hold finite numbers only"),
        (numbers, {"x": x, "y": [[], []]}, "y: must be a list of 2"),
        (numbers, {"x": x, "y": [1, 1], "after": 10**4000}, "after = 1000"),
        (numbers, {"x": x, "y": [1, 1], "after": -1}, "after = -1: must be a whole number"),
        (order, {"x": pairs, "y": [10**400, 1]}, "y: must hold finite numbers only"),
        (order, {"x": x, "y": [1, 0]}, "x: must be a list of pairs, each of two examples"),
        (order, {"x": pairs, "y": [1]}, "y: must be a list of 2: 1 where the first of a pair is above"),
        (order, {"x": pairs, "y": [1, 2]}, "y: must be 1 where the first of a pair is above"),
        (order, {"x": [[[1], [2, 3]]], "y": [1]}, "x: examples must have equally many numbers"),
    ):
        name = asked(service, "POST", "/sessions")[1]["session"]
        status, told = asked(service, "POST", f"/sessions/{name}/learn", body)
        assert status == 422 and said in told["error"], told
        assert asked(service, "GET", f"/sessions/{name}")[1]["examples"] == 0


def test_a_client_gets_no_larger_net_than_the_limits_say(tmp_path):
    """Outputs are as many as are told of an example, inputs as many as it has: both are the client's."""
    limits = Limits(outputs=3, connections=12)
    numbers = Service(Sessions(rules.load("delta"), tmp_path / "numbers", limits), "t")
    classes = Service(Sessions(rules.load("class-mean"), tmp_path / "classes", limits), "t")
    deep = Service(Sessions(rules.load("class-mean", classes=2, hidden=(3,)), tmp_path / "deep", limits), "t")
    eyes = Service(Sessions(rules.load("eyes-0", classes=2, hidden=(2,)), tmp_path / "eyes", limits), "t")
    for service, inputs, y, said in (
        (numbers, 4, [[1, 2, 3]], None),
        (numbers, 3, [[1, 2, 3, 4]], "y: asks for 4 outputs; 3 at most"),
        (numbers, 5, [[1, 2, 3]], "x: a net of 5, 3 neurons has 15 connections; 12 at most, send fewer numbers"),
        (classes, 4, [2], None),
        (classes, 4, [2**31 - 1], "y: asks for 2147483648 outputs; 3 at most"),
        (deep, 2, [1], None),
        (deep, 3, [1], "x: a net of 3, 3, 2 neurons has 15 connections; 12 at most"),
        (eyes, 16, [1], None),
    ):
        name = asked(service, "POST", "/sessions")[1]["session"]
        body = {"x": [RNG.normal(size=inputs).tolist()], "y": y}
        status, told = asked(service, "POST", f"/sessions/{name}/learn", body)
        assert status == (413 if said else 200) and (said or "") in told.get("error", ""), told
        assert asked(service, "GET", f"/sessions/{name}")[1]["examples"] == (0 if said else 1)


def test_the_schema_tells_these_limits(tmp_path):
    limits = Limits(outputs=3, connections=12, examples=4)
    for rule, one, none in (
        (rules.load("delta"), [[1, 2, 3]], [[1, 2, 3, 4]]),
        (rules.load("delta"), [1] * 4, [1] * 5),
        (rules.load("class-mean", classes=2), [1] * 4, [1] * 5),
        (order_rule(), [1, 0.5], [1, 0.5, 0]),
    ):
        schema = asked(Service(Sessions(rule, tmp_path, limits), "t"), "GET", "/openapi.json")[1]
        post = schema["paths"]["/sessions/{session}/learn"]["post"]
        sent = post["requestBody"]["content"]["application/json"]["schema"]["properties"]
        x = [[[1.0], [2.0]]] * 3 if sent["x"]["items"]["items"]["type"] == "array" else [[1.0]] * 5
        for part, taken, refused in ((sent["y"], one, none), (sent["x"], x[:-1], x)):
            jsonschema.validate(taken, part)
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate(refused, part)
        assert "at most 12 connections" in schema["info"]["description"]
