"""Requests that mean harm, make no sense, or ask for the extreme: for the explorer's server."""

import json

import numpy as np

WRONG = [None, True, "", "0.5", [], {},
         [1], -1, 0, 1e308, -1e308, 1e-308, 10**30, 0.5, "polyak", "own", "inf", "\x00",
         "../../etc/passwd", "<script>alert(1)</script>", "'; drop table", "__class__", {"$ne": 1},
         "\ud83d\ude00" * 50]  # fmt: skip
PATHS = ["/", "/main.js", "/api/start", "/api/stop", "/../../etc/passwd", "/%2e%2e%2f%2e%2e%2fetc/passwd", "/api/%00",
         "/api/curve/../../x", "/static/..;/", "/api/" + "a" * 4000, "/?" + "x=1&" * 500, "//", "/api/eval",
         "/.git/config"]  # fmt: skip
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "PROPFIND"]
HEADERS = [
    {"host": "evil.example"}, {"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"},
    {"content-type": "text/plain"}, {"content-type": "multipart/form-data; boundary=x"}, {"content-length": "-1"},
    {"x-forwarded-host": "evil.example"}, {"cookie": "jominy=" + "a" * 3000}, {"authorization": "Bearer ../x"},
]  # fmt: skip


def hostile_request(rng: np.random.Generator, shapes: dict) -> tuple[str, str, dict, bytes]:
    """Method, path, headers and body; about half are well-formed questions with values from anywhere."""
    name = str(rng.choice(list(shapes)))
    method, path = "POST", f"/api/{name}"
    headers = {"content-type": "application/json"}
    body = json.dumps(_question(rng, shapes[name])).encode()
    for mischief in range(5):
        if rng.random() > 0.12:
            continue
        if mischief == 0:
            method = str(rng.choice(METHODS))
        elif mischief == 1:
            path = str(rng.choice(PATHS))
        elif mischief == 2:
            headers |= HEADERS[rng.integers(len(HEADERS))]
        elif mischief == 3:
            body = body[: rng.integers(len(body) + 1)] + bytes(rng.integers(0, 256, rng.integers(40)).astype(np.uint8))
        else:
            body = [b"[" * 9000, b'{"a":' * 2000, b" " * 20_000, b"\xff\xfe", b"null", b"1e9999", b'"' * 999][
                rng.integers(7)
            ]
    return method, path, headers, body


def _question(rng: np.random.Generator, shape) -> dict:
    """Some of the fields, some within their bounds, some far beyond, some that do not exist."""
    asked = {}
    for name, field in shape.model_fields.items():
        if rng.random() < 0.6 and not field.is_required():
            continue
        nested = [
            part
            for part in (field.annotation, *getattr(field.annotation, "__args__", ()))
            if hasattr(part, "model_fields")
        ]
        if nested:
            asked[name] = _question(rng, nested[0])
        elif rng.random() < 0.2:
            asked[name] = WRONG[rng.integers(len(WRONG))]
        else:
            asked[name] = _within(rng, field)
    if rng.random() < 0.05:
        asked[str(rng.choice(["path", "file", "__proto__", "folder", "seed"]))] = WRONG[rng.integers(len(WRONG))]
    return asked


def _within(rng: np.random.Generator, field):
    bounds = {type(rule).__name__: rule for rule in field.metadata}
    if "Ge" in bounds and "Le" in bounds:
        low, high = bounds["Ge"].ge, bounds["Le"].le
        value = [low, high, low + (high - low) * rng.random()][rng.integers(3)]
        return int(value) if field.annotation is int else float(value)
    if "MaxLen" in bounds:
        paths = ["data.dimension", "schedule.rate", "data.components.0.weight", "__class__", "../x", "start"]
        return {str(rng.choice(paths)): float(rng.choice([0, 1, -1, 1e6, 1e300, 0.5])) for _ in range(rng.integers(4))}
    options = [one for one in getattr(field.annotation, "__args__", ()) if isinstance(one, str)]
    return str(rng.choice(options)) if options else bool(rng.random() < 0.5)
