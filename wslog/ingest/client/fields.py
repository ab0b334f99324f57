"""How teams name what a close record holds: alias tables, and JSON inside strings.

Keys are compared without case, `_`, `-`, `.`, `@`, `$` and spaces. A nested key counts under its own name inside the
containers below (`event.code` as `code`), and everywhere under its joined name (`user.id` as `userid`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from wslog.errors import OptionError
from wslog.ingest.values.json_values import load


def words(text: str) -> tuple[str, ...]:
    """Return the words of a table's cell."""
    return tuple(text.split())


# Ours → theirs, the surest name first. Ours are columns of `schema.EVENTS` and a few that lead to one.
ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    ours: words(theirs)
    for ours, theirs in {
        "connection_id": "connid connectionid wsid websocketid socketid wsconnectionid wsconnid connectionuuid cid",
        "session_id": "sessionid sid session clientsessionid userid uid user clientid deviceid anonymousid",
        "url": "wsurl websocketurl socketurl url endpoint targeturl uri wsuri wsendpoint currenttargeturl urlfull "
        "wspath websocketpath socketpath",
        "close_code": "closecode wsclosecode eventcode closeeventcode wscode websocketcode disconnectcode code "
        "websocketclosecode closestatuscode statuscode",
        "close_reason": "closereason wsclosereason eventreason closeeventreason reasontext reason disconnectreason",
        "was_clean": "wasclean eventwasclean clean isclean closeclean cleanclose",
        "created_at": "createdat wscreatedat started startedat starttime connectingat",
        "opened_at": "openedat opened openat opentime wsopenedat connectedat connectedtime connecttime",
        "closed_at": "closedat closed closetime closedtime closedts closeat disconnectedat eventtime ts time "
        "timestamp clienttimestamp date datetime iso isotime at timestampms tsms timems receivedat loggedat "
        "eventtimestamp",
        "last_sent_at": "lastsentat lastsendat lastsent lastsend lastsenttime lastsentts lastoutat",
        "last_received_at": "lastrecvat lastreceivedat lastrecv lastreceived lastmessageat lastmessagetime "
        "lastmessage lastmessagets lastmsgat lastmsgtime lastinat lastpongat lastpong",
        "last_activity_at": "lastactivityat lastactivity lastframeat lastactiveat lastseenat",
        "close_called_at": "closecalledat closecalled closerequestedat",
        "hidden_at": "hiddenat lasthiddenat",
        "visibility": "visibilitystate visibility documentvisibility documentvisibilitystate pagevisibility",
        "is_hidden": "documenthidden hidden ishidden",
        "is_online": "online isonline navigatoronline browseronline",
        "is_persisted": "persisted ispersisted",
        "attempt": "attempt reconnectattempt reconnectattempts attempts retry retries retrycount attemptnumber",
        "trace_id": "traceid amzntraceid xamzntraceid awstraceid",
        "request_id": "requestid xrequestid reqid",
        "user_agent": "useragent ua navigatoruseragent browserua",
        "client_ip": "clientip ip remoteip ipaddress sourceip clientaddress remoteaddress remoteaddr userip",
        "is_opened": "opened wasopened wasopen everopened hasopened didopen handshakesucceeded handshakeok",
    }.items()
}
# Spans of time: theirs → seconds in one of theirs; None: the name does not say, the file's values do.
_UNIT: Final = {
    "ms": 1e-3,
    "millis": 1e-3,
    "milliseconds": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "secs": 1.0,
    "seconds": 1.0,
    "": None,
}


def _with_units(stems: str) -> dict[str, float | None]:
    return {f"{stem}{unit}": seconds for unit, seconds in _UNIT.items() for stem in stems.split()}


SPANS: Final[Mapping[str, Mapping[str, float | None]]] = {
    "duration": _with_units(
        "duration connectionduration connectedduration openduration lifetime uptime connectedfor openfor age elapsed "
        "sessionduration connduration socketduration wsduration connectionlifetime connectionage"
    ),
    "idle": _with_units(
        "idle idletime idlefor sincelastmessage timesincelastmessage sincelastactivity lastmessageago lastmsgago "
        "lastactivityago"
    ),
    "open_after": _with_units("openafter handshake handshaketime connectduration timetoopen handshakeduration"),
}
# Their plain key → our fields that it may fill, each with its rank among that field's names (0: the surest).
FIELDS_OF: Final[dict[str, list[tuple[str, int]]]] = {}
for _ours, _theirs in (*ALIASES.items(), *((ours, tuple(names)) for ours, names in SPANS.items())):
    for _rank, _name in enumerate(_theirs):
        FIELDS_OF.setdefault(_name, []).append((_ours, _rank))
# What our own record (CONTRACT) calls things, for `--client-field`: `code=ws.status` works as well as `close_code=…`.
_OURS: Final = {
    "code": "close_code",
    "reason": "close_reason",
    "connid": "connection_id",
    "lastrecvat": "last_received_at",
    "visibilitystate": "visibility",
    "online": "is_online",
    "persisted": "is_persisted",
    "opened": "is_opened",
    "time": "closed_at",
}
NAMES: Final = frozenset(words("event type eventtype eventname wsevent name action kind msg message topic"))

# What a close code and a number of attempts may be, from and to.
CLOSE_CODES: Final = (1000, 4999)
ATTEMPTS: Final = (0, 1_000_000)

_SEPARATORS: Final = re.compile(r"[_\-.@$\s]+")
CONTAINERS: Final = frozenset(
    words(
        "event detail details data payload context attributes extra meta metadata fields props properties body params "
        "closeevent close ws websocket socket record log info msg message error err client browser ev evt closeinfo"
    )
)


@lru_cache(maxsize=4_096)
def plain_key(key: str) -> str:
    """Return a key as the tables have it."""
    return _SEPARATORS.sub("", key).lower()


_OUR_NAMES: Final[Mapping[str, str]] = {
    **{plain_key(name): name for name in (*ALIASES, *SPANS, "event")},
    **_OURS,
}


def our_name(name: str) -> str:
    """Return the field that the left side of a `--client-field` means.

    Raises:
        OptionError: If there is none.
    """
    found = _OUR_NAMES.get(plain_key(name))
    if found is None:
        raise OptionError(
            f"no client field is called {name!r}",
            where="--client-field",
            mend=f"Use one of {', '.join(sorted(set(_OUR_NAMES.values())))}",
        )
    return found


def inner(value: object) -> object:
    """Return JSON that stands inside a string (a `message` that is itself a record), parsed once."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return load(value)
        except ValueError:
            return value
    return value


def at_path(record: Mapping[str, object], path: str) -> object:
    """Return the value at a dotted path (`payload.close.status`), or None; a key that holds dots itself comes first."""
    if path in record:
        return record[path]
    value: object = record
    for step in path.split("."):
        value = inner(value)
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step[:9]) < len(value):
            value = value[int(step[:9])]
        else:
            return None
    return value
