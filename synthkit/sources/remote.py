"""Files of sources in object stores: listed at every look, fetched once for each state of theirs.

A fetched file lies below ``target/cache/objects``, under a hash of its address, its size, and the tag that the store
gives a content (an ETag). From there on it is a file as any other: read in bounded memory, and known by the SHA-256 of
its content. So one that is uploaded once more as it was, also under another tag, trains nothing again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from synthkit.digests import digest
from synthkit.errors import BuildError, Location, SynthError, nearest
from synthkit.files import own_folder, replacing
from synthkit.objects.address import parsed, refused
from synthkit.objects.bucket import Bucket
from synthkit.objects.objects import Object

_GLOB = re.compile(r"[*?\[]")
_LOG = "_delta_log"


def cache_of(root: Path) -> Path:
    return root / "target" / "cache" / "objects"


@dataclass(frozen=True)
class Fetched:
    """Files that were fetched, in the order of their keys.

    Args:
        base: where they lie as they did in the store, below what the address fixes.
        table: whether ``base`` is the folder of a Delta table.
        folders: those of the cache that hold them.
    """

    files: list[Path]
    base: Path
    table: bool = False
    folders: frozenset[Path] = frozenset()


def remote_files(address: str, root: Path, where: Location | None) -> Fetched:
    """The files that an address, a pattern below one, or a folder names: fetched.

    Raises:
        SynthError: there is none, or the store does not answer.
    """
    plain = re.sub(_GLOB, "xxx", address)  # a pattern is no part of a bucket's name
    fault = refused(plain)
    if fault is not None:
        raise SynthError(f"{address}: {fault[0]}", where, fault[1])
    there = parsed(address)
    if _GLOB.search(there.bucket):
        raise SynthError(f"{address}: a pattern stands after the bucket's name", where, "name the bucket")
    if not there.prefix:
        raise SynthError(f"{address} is a bucket", where, f"write {address.rstrip('/')}/FOLDER/*.csv")
    bucket = Bucket(f"{there.scheme}://{there.bucket}")
    try:
        found = list(_matching(bucket, there.prefix))
        if not found:
            raise SynthError(f"no object matches {address!r}", where, _hint(bucket, there.prefix))
        return _gathered(bucket, found, _fixed(found, there.prefix), cache_of(root))
    except BuildError as error:
        raise SynthError(error.message, where, error.hint) from None


def _matching(bucket: Bucket, pattern: str) -> Iterator[Object]:
    if not _GLOB.search(pattern):
        one = bucket.head(pattern)
        if one is not None:
            yield one
            return
        below = [o for o in bucket.list(pattern) if o.key.startswith(f"{pattern.rstrip('/')}/")]
        delta = any(o.key.startswith(f"{pattern.rstrip('/')}/{_LOG}/") for o in below)
        yield from (o for o in below if delta or o.key.endswith((".parquet", ".pq")))
        return
    parts = pattern.split("/")
    fixed = next(i for i, part in enumerate(parts) if _GLOB.search(part))
    for one in bucket.list("/".join(parts[:fixed])):
        if _matches(one.key.split("/"), parts) and not one.key.endswith("/"):
            yield one


def _matches(key: list[str], pattern: list[str]) -> bool:
    """As of pathlib's ``glob``: ``*`` stays in one folder, ``**`` is any number of folders."""
    if not pattern or not key:
        return pattern == key
    if pattern[0] == "**":
        return any(_matches(key[i:], pattern[1:]) for i in range(len(key)))
    return fnmatchcase(key[0], pattern[0]) and _matches(key[1:], pattern[1:])


def _hint(bucket: Bucket, pattern: str) -> str:
    folder, _, name = pattern.rpartition("/")
    if _GLOB.search(folder):
        return "check the pattern"
    first = (one.key for one, _ in zip(bucket.list(folder), range(1_000), strict=False))
    names = [key.rpartition("/")[2] for key in first if key.rpartition("/")[0] == folder]
    close = nearest(name, names)
    return f"did you mean {bucket.url(f'{folder}/{close}'.lstrip('/'))!r}?" if close else "check the address"


def _fetched(bucket: Bucket, one: Object, cache: Path) -> Path:
    state = digest({"url": bucket.url(one.key), "size": one.size, "tag": one.tag, "modified": one.modified.isoformat()})
    file = cache / state[:32] / one.key.rpartition("/")[2]
    if not file.is_file():
        own_folder(cache)
        own_folder(file.parent)
        with replacing(file) as temporary:
            bucket.download(one.key, temporary)
            size = temporary.stat().st_size
            if size != one.size:
                raise BuildError(f"{bucket.url(one.key)} was replaced while it was fetched", hint="build again")
            moment = one.modified.timestamp()
            os.utime(temporary, (moment, moment))
    return file


def _fixed(found: list[Object], pattern: str) -> str:
    """The folder of the address in which there is no pattern yet, with its slash."""
    if not _GLOB.search(pattern):
        return pattern.rpartition("/")[0] + "/" if found[0].key == pattern else f"{pattern.rstrip('/')}/"
    parts = pattern.split("/")
    return "".join(f"{part}/" for part in parts[: next(i for i, p in enumerate(parts) if _GLOB.search(p))])


def _gathered(bucket: Bucket, found: list[Object], fixed: str, cache: Path) -> Fetched:
    """The files side by side as in the store, where their folders say something; else each where it was fetched to."""
    files = [_fetched(bucket, one, cache) for one in found]
    below = [one.key.removeprefix(fixed) for one in found]
    delta = any(key.startswith(f"{_LOG}/") for key in below)
    if not delta and not any("=" in folder for key in below for folder in key.split("/")[:-1]):
        return Fetched(files, cache, folders=frozenset(file.parent for file in files))
    base = cache / digest([[key, file.parent.name] for key, file in zip(below, files, strict=True)])[:32]
    laid = [base / key for key in below]
    own_folder(base)
    for file, place in zip(files, laid, strict=True):
        if not place.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            with replacing(place) as temporary:
                temporary.unlink(missing_ok=True)
                os.link(file, temporary)
    return Fetched(sorted(laid), base, delta, frozenset((base, *(file.parent for file in files))))
