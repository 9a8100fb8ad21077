"""Whom Google takes a reader for."""

from __future__ import annotations

from typing import Any

from synthkit.sources.warehouses.address import Address

_SCOPE = "https://www.googleapis.com/auth/bigquery"


def credentials(address: Address) -> Any:
    """Those that the url names; None for those that Google's libraries find on this machine."""
    import google.auth
    from google.auth.credentials import AnonymousCredentials
    from google.oauth2.credentials import Credentials

    if "token" in address.secret:
        return Credentials(address.secret["token"])
    if "credentials" in address.options:
        return google.auth.load_credentials_from_file(address.options["credentials"], scopes=[_SCOPE])[0]
    if address.options.get("endpoint", "").startswith("http://"):  # an emulator
        return AnonymousCredentials()
    return None
