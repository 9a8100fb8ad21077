"""Objects over HTTP, from a server that is slow, refuses, tears, and loses its answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from synthkit.errors import BuildError, SynthError
from synthkit.objects.bucket import PART, Bucket
from tests.objects.proxy import Fault, Request
from tests.objects.servers import S3, s3_server

TRANSIENT = {
    "503": Fault(status=503),
    "500": Fault(status=500),
    "429": Fault(status=429),
    "dropped": Fault(before=True),
    "lost answer": Fault(after=True),
    "broken answer": Fault(broken=True),
}


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with s3_server() as server:
        yield server


@pytest.fixture
def bucket(s3: S3) -> Iterator[Bucket]:
    s3.proxy.reset()
    yield Bucket(f"{s3.bucket()}/some where/shop")
    s3.proxy.reset()


def is_part(request: Request) -> bool:
    """Whether it brings a part of a large object: to S3, to Azure."""
    return "partNumber" in request.key or "comp=block&" in request.key


def first(fault: Fault, times: int = 1):  # type: ignore[no-untyped-def]
    """The first requests meet the fault, those after them do not."""
    return lambda request: fault if request.number <= times else None


@pytest.mark.parametrize("fault", TRANSIENT)
def test_what_a_server_does_for_a_moment_is_not_seen(s3: S3, bucket: Bucket, tmp_path: Path, fault: str) -> None:
    for times in (1, 2):
        s3.proxy.reset(first(TRANSIENT[fault], times))
        bucket.put(f"a/{times}", b"0123456789")
        s3.proxy.reset(first(TRANSIENT[fault], times))
        assert bucket.get(f"a/{times}") == b"0123456789"
        s3.proxy.reset(first(TRANSIENT[fault], times))
        bucket.download(f"a/{times}", tmp_path / "got")
        assert (tmp_path / "got").read_bytes() == b"0123456789"
        s3.proxy.reset(first(TRANSIENT[fault], times))
        assert bucket.create(f"b/{times}", b"mine")
        s3.proxy.reset(first(TRANSIENT[fault], times))
        assert not bucket.create(f"b/{times}", b"another's")
        s3.proxy.reset(first(TRANSIENT[fault], times))
        assert [o.key for o in bucket.list("b")][-1] == f"b/{times}"
        assert bucket.get("nothing") is None


def test_a_large_file_goes_and_comes_in_parts(s3: S3, bucket: Bucket, tmp_path: Path) -> None:
    content = bytes(range(256)) * (2 * PART // 256 + 100)
    (tmp_path / "large").write_bytes(content)
    s3.proxy.reset(lambda r: Fault(status=503) if r.number in (2, 4) else None)
    bucket.upload("large", tmp_path / "large")
    parts = [r for r in s3.proxy.seen if is_part(r)]
    assert len(parts) >= 3
    assert max(r.size for r in parts) <= PART
    bucket.download("large", tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == content


def test_an_upload_that_is_torn_in_the_middle_leaves_no_object(s3: S3, bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * (2 * PART + 1))

    def rule(request):  # type: ignore[no-untyped-def]
        return Fault(before=True) if is_part(request) and request.number > 2 else None

    s3.proxy.reset(rule)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTH_OBJECT_TIMEOUT", "0.5")
        impatient = Bucket(str(bucket))
        with pytest.raises(BuildError, match=r"cannot write \w+://.*/large: "):
            impatient.upload("large", tmp_path / "large")
    s3.proxy.reset()
    assert bucket.head("large") is None
    assert list(bucket.list("")) == []


def test_of_many_writers_one_is_told_that_it_wrote(s3: S3, bucket: Bucket) -> None:
    for key in ("a", "b", "c"):
        s3.proxy.reset(lambda r: Fault(after=True) if r.number % 3 == 0 else Fault(delay=0.01))
        told: dict[int, bool] = {}
        start = threading.Barrier(6)

        def write(n: int, key: str = key, told: dict[int, bool] = told, start: threading.Barrier = start) -> None:
            start.wait()
            told[n] = bucket.create(key, str(n).encode())

        threads = [threading.Thread(target=write, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (winner,) = [n for n, won in told.items() if won]
        assert bucket.get(key) == str(winner).encode()


def test_a_server_that_does_not_come_back_is_named_with_its_reason(s3: S3, bucket: Bucket) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTH_OBJECT_TIMEOUT", "0.3")
        impatient = Bucket(str(bucket))
        for rule, reason in ((Fault(status=503), "SlowDown"), (Fault(before=True), ""), (Fault(delay=2), "")):
            s3.proxy.reset(first(rule, 10_000))
            with pytest.raises(BuildError, match=rf"cannot (read|write) \w+://.*/a: .*{reason}"):
                impatient.create("a", b"1")
    s3.proxy.reset(first(Fault(status=403), 10_000))
    with pytest.raises(BuildError, match=r"the server does not let us read \w+://") as refused:
        bucket.get("a")
    assert "credentials" in str(refused.value.hint)
    assert len(s3.proxy.seen) == 1  # asked once: it would be refused again


@pytest.mark.parametrize(
    ("address", "why", "fix"),
    [
        ("ftp://host/x", "nothing here reads or writes ftp://", "there are s3://, gs://, az://"),
        ("s3a://bucket/x", "s3a:// is not read here", "write s3://bucket/x"),
        ("s3://", "'' is no name of a bucket", "write s3://bucket/prefix"),
        ("s3://key:secret@bucket/x", "an address holds no credentials", "docs/storage.md"),
        ("s3://bucket/a/../b", "has an empty part, or . or ..", "write s3://bucket/prefix"),
        ("s3://bucket/a//b", "has an empty part, or . or ..", "write s3://bucket/prefix"),
    ],
)
def test_an_address_that_is_none_is_refused_with_the_fix(address: str, why: str, fix: str) -> None:
    with pytest.raises(SynthError) as refused:
        Bucket(address)
    assert why in str(refused.value)
    assert fix in str(refused.value.hint)


def test_keys_of_a_profile_are_found_as_the_tools_of_aws_find_them(s3: S3, bucket: Bucket, tmp_path: Path) -> None:
    pytest.importorskip("boto3")
    (tmp_path / "credentials").write_text("[shop]\naws_access_key_id = of-a-profile\naws_secret_access_key = x\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AWS_ACCESS_KEY_ID")
        patch.delenv("AWS_SECRET_ACCESS_KEY")
        patch.setenv("AWS_PROFILE", "shop")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
        Bucket(str(bucket)).put("a", b"1")
    assert "Credential=of-a-profile/" in s3.proxy.authorization
    assert bucket.get("a") == b"1"
