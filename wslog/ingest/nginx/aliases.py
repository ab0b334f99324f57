"""Which nginx variable a user's key means: `rt`, `request_time`, `http.request.uri` … by alias lists, then by values.

Key names in key=value and JSON access logs are the user's own; only these lists and the values tell what they hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

# Keys are compared in lower case with everything but letters and digits taken out.
_ALIASES: Final = {
    "msec": "msec epoch epochmsec",
    "time_iso8601": "timeiso8601 iso8601",
    "time_local": "timelocal localtime",
    "time": "time timestamp ts t date datetime at logtime requesttimestamp eventtime timems timestampms tsms epochms",
    "remote_addr": "remoteaddr remoteip clientip clientaddr ip client addr raddr remote sourceip srcip networkclientip "
    "sourceaddress",
    "remote_port": "remoteport clientport rport networkclientport srcport",
    "realip_remote_addr": "realipremoteaddr peeraddr",
    "realip_remote_port": "realipremoteport",
    "connection": "connection conn cid connid connectionno connectionid connectionserial",
    "connection_requests": "connectionrequests connreqs",
    "pid": "pid workerpid worker processid",
    "request_id": "requestid rid id reqid xrequestid",
    "request": "request req requestline",
    "request_method": "requestmethod method verb httpmethod httprequestmethod",
    "request_uri": "requesturi uri url path requestpath requesturl httpurl urlpath urloriginal requestpathquery",
    "args": "args query querystring urlquery requestquery",
    "status": "status st s statuscode httpstatus code responsecode responsestatus responsestatuscode httpstatuscode "
    "httpresponsestatuscode",
    "bytes_sent": "bytessent bytes bs sent bytesout sentbytes responsebytes httpresponsebytes",
    "body_bytes_sent": "bodybytessent body bbs bodybytes bodysize size bodybytesout httpresponsebodybytes",
    "request_length": "requestlength reqlen rl reqlength bytesin requestbytes requestsize",
    "request_time": "requesttime rt reqtime duration durations requestduration elapsed responsetime latency took",
    "request_time_ms": "requesttimems durationms latencyms elapsedms responsetimems",
    "request_time_ns": "eventduration durationns",  # Elastic's Common Schema
    "request_completion": "requestcompletion compl completion complete requestcompleted",
    "upstream_addr": "upstreamaddr uaddr up upaddr upstream backend upstreamhost upstreamaddress",
    "upstream_status": "upstreamstatus us ustatus upstatus upstreamstatuscode",
    "upstream_connect_time": "upstreamconnecttime uct upstreamconnect",
    "upstream_header_time": "upstreamheadertime uht upstreamheader",
    "upstream_response_time": "upstreamresponsetime urt upstreamtime upstreamresponse uprt upstreamrt apptime",
    "upstream_bytes_received": "upstreambytesreceived ubr ubin",
    "upstream_bytes_sent": "upstreambytessent ubs ubout",
    "http_upgrade": "httpupgrade upg upgrade requestupgrade",
    "sent_http_upgrade": "senthttpupgrade supg sentupgrade",
    "http_x_forwarded_for": "httpxforwardedfor xff xforwardedfor forwardedfor xforwarded",
    "http_x_amzn_trace_id": "httpxamzntraceid trace traceid xamzntraceid amzntraceid amzn xray",
    "http_user_agent": "httpuseragent useragent ua agent requestuseragent uagent useragentoriginal browser",
    "http_host": "httphost",
    "host": "host vhost domain authority requesthost serverhost urldomain h",
    "server_name": "servername server",
    "hostname": "hostname",
}
VARIABLE_OF_KEY: Final = {key: variable for variable, keys in _ALIASES.items() for key in keys.split()}

MOSTLY: Final = 0.7
_ADDRESS: Final = re.compile(r"(?:\d+\.\d+\.\d+\.\d+|\[[0-9a-fA-F:.]+\]|[\w.-]+):\d+|unix:\S*")
_PROTOCOL: Final = re.compile("websocket|h2c", re.IGNORECASE)
# What the values of a variable look like; a key whose values look otherwise means something else.
_FORMS: Final = {
    "status": r"\d{3}",
    "request_time": r"\d+(?:\.\d+)?",
    "request_time_ms": r"\d+(?:\.\d+)?",
    "request_time_ns": r"\d+",
    "request_uri": r"/.*|\w+://.*|\*",
    "request": r"[A-Za-z]+ \S.*",
    "request_method": r"[A-Za-z]+",
    "connection": r"\d+(?:/\d+)?",
    "pid": r"\d+",
    "bytes_sent": r"\d+",
    "body_bytes_sent": r"\d+",
    "request_length": r"\d+",
    "request_completion": r"OK",
    "upstream_status": r"[\d, :-]+",
    "upstream_response_time": r"[\d., :-]+",
    "upstream_connect_time": r"[\d., :-]+",
    "upstream_header_time": r"[\d., :-]+",
    "remote_addr": r"[0-9a-fA-F.:\[\]]+|unix:",
    "remote_port": r"\d+",
    "msec": r"\d{9,}(?:\.\d+)?",
}
# What a time key holds; `time` remains for times with a fraction and for mixtures.
_CLOCKS: Final = (
    ("msec", r"\d{9,}\.\d{3}|\d{12,14}"),
    ("time_iso8601", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:?\d\d)"),
    ("time_local", r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}"),
)


def plain_key(key: str) -> str:
    """Return *key* in the form in which keys are compared."""
    return re.sub(r"[^a-z0-9]", "", key.lower())


def variable_of(key: str, values: Sequence[str]) -> str | None:
    """Return the nginx variable that *key* means, given some of its values; None: not known.

    `ua` is an address list in some logs and the user agent in others, `up` a server or an upgrade: the values decide.
    """
    variable = VARIABLE_OF_KEY.get(plain_key(key))
    filled = [value for value in values if value not in ("", "-")]
    if variable == "http_user_agent" and plain_key(key) == "ua" and _mostly(is_address_list, filled):
        return "upstream_addr"
    if variable == "upstream_addr" and plain_key(key) == "up" and _mostly(_PROTOCOL.fullmatch, filled):
        return "http_upgrade"
    if variable == "time":
        return next(
            (name for name, form in _CLOCKS if filled and all(re.fullmatch(form, value) for value in filled)), "time"
        )
    form = _FORMS.get(variable or "")
    if form and filled and not _mostly(lambda value: re.fullmatch(form, value, re.S), filled):
        return None
    return variable


def _mostly(test: Callable[[str], object], values: Sequence[str]) -> bool:
    """Tell whether a test holds for enough values to name a key; junk from clients stands in every log."""
    return bool(values) and sum(1 for value in values if test(value)) >= MOSTLY * len(values)


def is_address_list(value: str) -> bool:
    """Tell whether a text is `host:port` or a list of such, as `$upstream_addr` prints it."""
    return all(_ADDRESS.fullmatch(part) for part in re.split(r", ?| : ", value) if part not in ("", "-"))
