"""Where people open the page: told apart from where the server listens."""

from __future__ import annotations

import ipaddress
import re

from components.errors import RlhfError

_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+")
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def checked_address(text: str) -> str:
    """An address without a path, as a browser writes it.

    Raises:
        RlhfError: it is none.
    """
    address = text.rstrip("/").lower()
    if not _ADDRESS.fullmatch(address):
        raise RlhfError(
            f"{text[:80]!a} is no address", "write it as https://judge.example.org, without a path"
        )
    scheme, _, host = address.partition("://")
    # Browsers leave the usual port out.
    return f"{scheme}://{host.removesuffix(':443' if scheme == 'https' else ':80')}"


def is_loopback(host: str) -> bool:
    return host == "localhost" or (_is_ip(host) and ipaddress.ip_address(host).is_loopback)


def is_near(address: str) -> bool:
    """Whether only this machine's users reach an address: behind any other a proxy leads from elsewhere.

    Raises:
        RlhfError: it is none.
    """
    host = checked_address(address).partition("://")[2]
    return is_loopback(re.sub(r":\d+$", "", host).strip("[]"))


def addresses_of(host: str, port: int, address: str | None) -> frozenset[str]:
    """Where people may open the page: `address` alone where it is given.

    Raises:
        RlhfError: the server listens everywhere, and nobody says under which name it is known.
    """
    if address is not None:
        return frozenset({checked_address(address)})
    if is_loopback(host):
        return frozenset(checked_address(f"http://{name}:{port}") for name in _LOOPBACK)
    if _is_ip(host) and ipaddress.ip_address(host).is_unspecified:
        remedy = "say where people open it: --address http://NAME:PORT; other names are refused"
        raise RlhfError(f"{host} is every address of this machine and none that people open", remedy)
    return frozenset({checked_address(f"http://{f'[{host}]' if ':' in host else host}:{port}")})


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
