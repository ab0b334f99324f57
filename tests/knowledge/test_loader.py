"""Loading timers: a team's own file is laid over the built-in one, and a broken one says what to mend and where."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslog.errors import KnowledgeError
from wslog.knowledge import TimerKind, load_timeouts, near
from wslog.schema import Tier

OWN = """
[[timeout]]
id = "our-gateway-idle"
tier = "network"
kind = "idle"
default_s = 90
resets_on = "any byte"
mend = "Ask the platform team to raise it."
source = "platform handbook, page 12"
checked = 2026-11-01
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "ours.toml"
    path.write_text(text, encoding="utf-8")
    return path


def failure(folder: Path, text: str) -> KnowledgeError:
    with pytest.raises(KnowledgeError) as caught:
        load_timeouts(write(folder, text))
    assert caught.value.mend
    return caught.value


def test_own_timers_are_added(tmp_path: Path) -> None:
    """A team's timer stands beside ours, in the short form: `idle` is idle-any, no example is unverified."""
    known = {t.id: t for t in load_timeouts(write(tmp_path, OWN))}
    own = known["our-gateway-idle"]
    assert (own.default_s, own.kind, own.tier, own.is_verified) == (90.0, TimerKind.IDLE_ANY, Tier.NETWORK, False)
    assert "aws-alb-idle" in known
    assert list(known) == sorted(known)


def test_an_example_makes_an_own_timer_verified(tmp_path: Path) -> None:
    """A team that shows a log line has checked it, unless it says otherwise."""
    known = {t.id: t for t in load_timeouts(write(tmp_path, OWN + 'example = "gw: idle 90s, closing"\n'))}
    assert known["our-gateway-idle"].is_verified


def test_the_same_id_replaces_ours(tmp_path: Path) -> None:
    """A team whose ALB is set to 300 s says so once, and the built-in 60 s is gone; the next load is untouched."""
    own = OWN.replace("our-gateway-idle", "aws-alb-idle").replace("= 90", "= 300")
    changed = [t for t in load_timeouts(write(tmp_path, own)) if t.id == "aws-alb-idle"]
    assert [t.default_s for t in changed] == [300.0]
    assert len(load_timeouts(write(tmp_path, own))) == len(load_timeouts())
    assert [t.default_s for t in load_timeouts() if t.id == "aws-alb-idle"] == [60.0]


def test_the_example_in_the_documentation_loads(tmp_path: Path) -> None:
    """Who copies the file from docs/timeouts.md gets a timer, with every field as documented."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "timeouts.md").read_text(encoding="utf-8")
    block = page.split("```toml\n")[1].split("```")[0]
    own = {t.id: t for t in load_timeouts(write(tmp_path, block))}["our-gateway-idle"]
    assert (own.default_s, own.kind, own.setting, own.is_verified) == (90.0, TimerKind.IDLE_ANY, "gateway.idle", True)
    assert all(f"`{kind}`" in page for kind in TimerKind)


def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    """A file saved by a Windows editor is read."""
    path = tmp_path / "ours.toml"
    path.write_bytes(b"\xef\xbb\xbf" + OWN.encode())
    assert "our-gateway-idle" in {t.id for t in load_timeouts(path)}


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('tier = "network"', 'tier = "cdn"', "`tier` cannot be 'cdn'"),
        ('kind = "idle"', 'kind = "sometimes"', "`kind` cannot be 'sometimes'"),
        ('kind = "idle"', "kind = [1]", "`kind` cannot be [1]"),
        ("default_s = 90", 'default_s = "90"', "`default_s` cannot be '90'"),
        ("default_s = 90", "default_s = 0", "`default_s` cannot be 0"),
        ("default_s = 90", "default_s = true", "`default_s` cannot be True"),
        ("default_s = 90", "default_s = nan", "`default_s` cannot be nan"),
        ("default_s = 90", "default_s = inf", "`default_s` cannot be inf"),
        ("default_s = 90", "defaults = 90", "unknown key `defaults`"),
        ('source = "platform handbook, page 12"', "", "the key `source` is missing"),
        ('mend = "Ask the platform team to raise it."', 'mend = " "', "`mend` is empty"),
        ('resets_on = "any byte"', "resets_on = 5", "`resets_on` must be text, not 5"),
        ("checked = 2026-11-01", 'checked = "yesterday"', "`checked` cannot be 'yesterday'"),
        ("checked = 2026-11-01", "checked = 2026-11-01\nis_verified = 1", "`is_verified` cannot be 1"),
        (
            "checked = 2026-11-01",
            "checked = 2026-11-01\nis_verified = true",
            "it is marked verified and has no example",
        ),
    ],
)
def test_a_broken_entry_says_what_and_where(tmp_path: Path, old: str, new: str, what: str) -> None:
    """A broken entry is named by file and id, and its fault in one sentence."""
    assert old in OWN
    error = failure(tmp_path, OWN.replace(old, new))
    assert error.what == what
    assert error.where == f"{tmp_path / 'ours.toml'}: our-gateway-idle"


def test_a_misspelt_key_gets_a_suggestion(tmp_path: Path) -> None:
    """`defaults_s` is answered with the key that was meant."""
    assert failure(tmp_path, OWN.replace("default_s", "defaults_s")).mend == "Did you mean `default_s`?"


def test_a_closed_set_is_listed(tmp_path: Path) -> None:
    """Who names an unknown tier is told the known ones."""
    mend = failure(tmp_path, OWN.replace('"network"', '"cdn"')).mend
    assert mend == "Use one of: client, network, alb, nginx, app, unknown."


@pytest.mark.parametrize("key", ["", 'id = "Our_Gateway"', "id = 7", 'id = "a--b"'])
def test_a_bad_id_is_found_by_its_place(tmp_path: Path, key: str) -> None:
    """An entry that cannot be named is counted, from 1."""
    error = failure(tmp_path, OWN + OWN.replace('id = "our-gateway-idle"', key))
    assert error.where == f"{tmp_path / 'ours.toml'}: entry 2"


def test_an_id_twice_in_one_file_is_an_error(tmp_path: Path) -> None:
    """Within one file the second entry would silently win, so it is refused."""
    error = failure(tmp_path, OWN + OWN)
    assert (error.what, error.where) == ("this id is used twice", f"{tmp_path / 'ours.toml'}: our-gateway-idle")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "holds no [[timeout]] entry"),
        ("timeout = 5", "holds no [[timeout]] entry"),
        ("timeout = [1]", "holds no [[timeout]] entry"),
        ('[[timeouts]]\nid = "a"', "has the unknown top-level key `timeouts`"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str, what: str) -> None:
    """A TOML file that holds no timers says so."""
    error = failure(tmp_path, text)
    assert (error.what, error.where) == (what, str(tmp_path / "ours.toml"))


def test_broken_toml_is_found_by_its_line(tmp_path: Path) -> None:
    """The place in `where` is `file:line`, as in every other message."""
    error = failure(tmp_path, "[[timeout]]\nid = our-gateway\n")
    assert error.where == f"{tmp_path / 'ours.toml'}:2"
    assert error.what.startswith("is not valid TOML: ")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """A binary file given by mistake is an error with a mend, not a traceback."""
    path = tmp_path / "ours.toml"
    path.write_bytes(b"\x1f\x8b\x08\xff")
    with pytest.raises(KnowledgeError, match="is not UTF-8 text"):
        load_timeouts(path)


def test_a_missing_file_is_an_error_with_its_path(tmp_path: Path) -> None:
    """A path that does not exist, or is a folder, names itself."""
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(KnowledgeError, match="cannot be read") as caught:
            load_timeouts(path)
        assert caught.value.where == str(path)


def test_near_takes_a_third_of_a_second_or_one_percent() -> None:
    """Lazy timers of nginx end up to 0.3 s early: 59.65 s is near 60 s and 59.3 s is not; long timers get 1 %."""
    known = load_timeouts()
    assert "nginx-proxy-read-timeout" in {t.id for t in near(known, 59.65)}
    assert "nginx-proxy-read-timeout" not in {t.id for t in near(known, 59.3)}
    assert "aws-nlb-idle" in {t.id for t in near(known, 353.4)}
    assert "aws-nlb-idle" not in {t.id for t in near(known, 354.0)}


def test_near_puts_the_nearest_first() -> None:
    """606 s is 1 % from 600 s and from 610 s, and nearer to the latter."""
    assert list(dict.fromkeys(t.default_s for t in near(load_timeouts(), 606))) == [610.0, 600.0]


@given(st.floats(min_value=0.001, max_value=1e6))
def test_near_never_returns_what_is_far(seconds: float) -> None:
    """Whatever is near lies within the tolerance, and timers without a default never do."""
    for timeout in near(load_timeouts(), seconds):
        assert timeout.default_s is not None
        assert abs(timeout.default_s - seconds) <= max(0.35, 0.01 * seconds) + 1e-6
