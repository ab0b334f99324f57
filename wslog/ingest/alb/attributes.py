"""Timers of a load balancer, out of the JSON that the AWS command line prints.

Source: `aws elbv2 describe-load-balancer-attributes` and `describe-target-group-attributes`,
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeLoadBalancerAttributes.html
Limits: the answer does not name the load balancer; its timers then count for all of them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final

from wslog.knowledge.model import Setting
from wslog.knowledge.own_timers import ALB_ATTRIBUTES

NAME_KEYS: Final = ("LoadBalancerName", "TargetGroupName", "Name", "LoadBalancerArn", "TargetGroupArn", "ResourceArn")
_BEGINNING: Final = re.compile(r"^\s*[\[{]")
_ATTRIBUTE: Final = re.compile(r'"Key"\s*:\s*"[a-z0-9_]+(?:\.[a-z0-9_]+)+"')
_ARN_NAME: Final = re.compile(
    r"^arn:[^:]*:elasticloadbalancing:.*?(?:loadbalancer/(?:app|net|gwy)|targetgroup)/([^/]+)/"
)


def is_alb_attributes(text: str) -> bool:
    """Tell whether a file's beginning looks like attributes of a load balancer or target group."""
    return bool(_BEGINNING.match(text)) and '"Attributes"' in text and bool(_ATTRIBUTE.search(text))


def read_alb_attributes(text: str, *, shown: str) -> tuple[Setting, ...]:
    """Return the timers set in *text*: one JSON document or several in a row, each of one load balancer or more.

    Args:
        text: The file; what is no JSON ends the reading.
        shown: Its name in `ref`.
    """
    places = {key: [match.start() for match in re.finditer(re.escape(f'"{key}"'), text)] for key in ALB_ATTRIBUTES}
    settings = []
    for scope, key, value in _timers(text):
        at = places[key].pop(0) if places[key] else 0
        seconds = _seconds(value)
        if seconds is not None:
            ref = f"{shown}:{text.count(chr(10), 0, at) + 1}"
            settings.append(Setting(timeout_id=ALB_ATTRIBUTES[key], value_s=seconds, scope=scope, host="", ref=ref))
    return tuple(settings)


def _timers(text: str) -> Iterator[tuple[str, str, object]]:
    """Yield (scope, key, value) in the order of the text."""
    decoder = json.JSONDecoder()
    position = 0
    while match := re.compile(r"\s*(?=[\[{])").match(text, position):
        try:
            document, position = decoder.raw_decode(text, match.end())
        except (ValueError, RecursionError):
            return
        yield from _in_document(document, "")


def _in_document(document: Any, scope: str) -> Iterator[tuple[str, str, object]]:
    if isinstance(document, list):
        for item in document:
            yield from _in_document(item, scope)
    elif isinstance(document, dict):
        scope = next((_name(document[key]) for key in NAME_KEYS if isinstance(document.get(key), str)), scope)
        if document.get("Key") in ALB_ATTRIBUTES and "Value" in document:
            yield scope, document["Key"], document["Value"]
        for value in document.values():
            yield from _in_document(value, scope)


def _name(text: str) -> str:
    match = _ARN_NAME.match(text)
    return match.group(1) if match else text


def _seconds(value: object) -> float | None:
    try:
        seconds = float(str(value))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
