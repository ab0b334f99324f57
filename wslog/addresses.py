"""Which network a client's address is of.

Source: RFC 4291, section 2.2 (how IPv6 addresses are written); a /48 is what one site usually has (RFC 6177).
"""

from __future__ import annotations

from typing import Final

import polars as pl

_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
IPV4: Final = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_V6: Final = r"^[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}$"


def network_of(address: pl.Expr) -> pl.Expr:
    """Return the /24 or /48 of an address, written in one way; null for what is no address (a pseudonym)."""
    address = address.str.replace(r"^::(?i:ffff):", "")  # IPv4 as an IPv6 socket writes it
    v4 = pl.when(address.str.contains(f"^{IPV4}$")).then(address.str.strip_chars_end("0123456789") + "0/24")
    # What stands before `::` are the leading groups; groups that `::` swallowed are zero.
    groups = pl.concat_list(
        address.str.splitn("::", 2).struct.field("field_0").str.to_lowercase().str.split(":"),
        pl.lit(["0", "0", "0"], dtype=pl.List(pl.String)),
    ).list.head(3)
    group = pl.element().str.replace(r"^0*([0-9a-f]*)$", "${1}").replace("", "0")
    return pl.when(address.str.contains(_V6)).then(groups.list.eval(group).list.join(":") + "::/48").otherwise(v4)
