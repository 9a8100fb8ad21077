"""The client of one bucket: obstore's, with time limits, repeated requests, and credentials as its cloud takes them.

obstore (MIT, the Rust crate object_store) is one client for three clouds, knows conditional writes of each
(If-None-Match, generation), repeats requests that a server refuses for a while (429, 5xx, dropped connections), and
splits large uploads. PyArrow's file systems and s3fs have no such write for S3, or not for all three.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from synthkit.errors import SynthError
from synthkit.extras import absent
from synthkit.objects.address import Address

VARIABLE = "SYNTH_OBJECT_TIMEOUT"  # seconds that one request may take
DEFAULT = 60.0
REPEATS = 8
_AWS_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")


def client_of(address: Address) -> Any:
    """An obstore store of the bucket. Raises SynthError where the environment's settings do not fit."""
    seconds = _timeout()
    options: Any = {
        "timeout": timedelta(seconds=seconds),
        "connect_timeout": timedelta(seconds=min(10.0, seconds)),
    }
    retries: Any = {
        "max_retries": REPEATS,
        "retry_timeout": timedelta(seconds=patience()),
        "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=10), "base": 2},
    }
    kinds = {"s3": _s3, "gs": _gs, "az": _az}
    try:
        return kinds[address.scheme](address, options, retries)
    except SynthError:
        raise
    except Exception as error:  # obstore's, pydantic-like and botocore's errors about settings have no common class
        reason = str(error).splitlines()[0]
        hint = "look at the environment variables of the cloud's client (docs/storage.md)"
        raise SynthError(f"{address} cannot be opened: {reason}", hint=hint) from None


def patience() -> float:
    """Seconds that a server is asked for the same thing."""
    return 3 * _timeout()


def _timeout() -> float:
    written = os.environ.get(VARIABLE)
    try:
        seconds = DEFAULT if written is None else float(written)
        if not 0 < seconds <= 3600:
            raise ValueError
    except ValueError:
        raise SynthError(f"{VARIABLE}={written} is no number of seconds", hint="write a number up to 3600") from None
    return seconds


def _s3(address: Address, options: Any, retries: Any) -> Any:
    from obstore.store import S3Store

    endpoint = endpoint_of()
    more: dict[str, Any] = {}
    if endpoint:
        more["endpoint"] = endpoint
        options["allow_http"] = endpoint.startswith("http://")  # who writes http:// means it
    session = profile()
    if session is not None:
        from obstore.auth.boto3 import Boto3CredentialProvider

        more["credential_provider"] = Boto3CredentialProvider(session)
        if session.region_name:
            more["region"] = session.region_name
    return S3Store(address.bucket, client_options=options, retry_config=retries, **more)


def endpoint_of() -> str | None:
    """Where a server of S3 is, where that is not Amazon's."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")


def profile() -> Any:
    """boto3's session where a profile is chosen, or there are only AWS's own files; obstore reads neither."""
    if any(os.environ.get(key) for key in _AWS_KEYS) and not os.environ.get("AWS_PROFILE"):
        return None
    named = os.environ.get("AWS_SHARED_CREDENTIALS_FILE"), os.environ.get("AWS_CONFIG_FILE")
    places = [Path(n) for n in named if n] or [Path.home() / ".aws" / n for n in ("credentials", "config")]
    if not os.environ.get("AWS_PROFILE") and not any(p.is_file() for p in places):
        return None
    lacking = absent("a profile of AWS", "s3", "boto3")
    if lacking is not None:
        raise SynthError(lacking.message, hint=f"{lacking.hint}, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    import boto3

    return boto3.Session()


def _gs(address: Address, options: Any, retries: Any) -> Any:
    from obstore.store import GCSStore

    more: dict[str, Any] = {}
    emulator = os.environ.get("STORAGE_EMULATOR_HOST")  # as Google's own clients take it
    if emulator:
        url = emulator if "://" in emulator else f"http://{emulator}"
        nobody = {"client_email": "", "private_key": "", "private_key_id": ""}
        more["service_account_key"] = json.dumps({"gcs_base_url": url, "disable_oauth": True, **nobody})
        options["allow_http"] = url.startswith("http://")
    return GCSStore(address.bucket, client_options=options, retry_config=retries, **more)


def _az(address: Address, options: Any, retries: Any) -> Any:
    from obstore.store import AzureStore

    if os.environ.get("AZURE_STORAGE_USE_EMULATOR", "").lower() in ("1", "true"):
        options["allow_http"] = True
    return AzureStore(address.bucket, client_options=options, retry_config=retries)
