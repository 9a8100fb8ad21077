"""Where the libraries of lakes find an object store: by the same variables as our own client (docs/storage.md)."""

from __future__ import annotations

import os

from synthkit.objects.client import endpoint_of, profile
from synthkit.project.addresses import scheme_of


def options_of(address: str | None) -> dict[str, str]:
    """Options of deltalake's object store for an address; its credentials it takes from the environment, too."""
    if scheme_of(address) != "s3":
        return {}
    found: dict[str, str] = {}
    endpoint = endpoint_of()
    if endpoint:
        found |= {"aws_endpoint": endpoint, "aws_allow_http": str(endpoint.startswith("http://")).lower()}
    session = profile()
    if session is not None:
        found |= {f"aws_{k}": v for k, v in keys_of(session).items()}
    elif os.environ.get("AWS_REGION") is None and os.environ.get("AWS_DEFAULT_REGION"):
        found["aws_region"] = os.environ["AWS_DEFAULT_REGION"]
    return found


def keys_of(session: object) -> dict[str, str]:
    """The credentials and region of boto3's session, as they are now."""
    given = session.get_credentials()  # type: ignore[attr-defined]
    keys = None if given is None else given.get_frozen_credentials()
    named = (
        {}
        if keys is None
        else {
            "access_key_id": keys.access_key,
            "secret_access_key": keys.secret_key,
            "session_token": keys.token,
        }
    )
    return {k: str(v) for k, v in {**named, "region": session.region_name}.items() if v}  # type: ignore[attr-defined]


def file_options_of(address: str | None) -> dict[str, str]:
    """Options of pyiceberg's files for an address; what its own configuration says of a catalogue is added to them."""
    if scheme_of(address) != "s3":
        return {}
    found: dict[str, str] = {}
    endpoint, session = endpoint_of(), profile()
    if endpoint:
        found["s3.endpoint"] = endpoint
    named = {
        "access_key_id": "access-key-id",
        "secret_access_key": "secret-access-key",
        "session_token": "session-token",
    }
    given = {} if session is None else keys_of(session)
    found |= {f"s3.{named.get(k, k)}": v for k, v in given.items()}
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if "s3.region" not in found and region:
        found["s3.region"] = region
    return found
