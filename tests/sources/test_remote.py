"""Sources in an object store: the same rows as where their files lie on a disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from tests.objects.servers import S3, s3_server
from tests.synth import SQL_PROJECT, Project, make_project

SOURCES = str(SQL_PROJECT["models/sources.yml"])


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with s3_server() as server:
        yield server


@pytest.fixture
def bucket(s3: S3) -> str:
    s3.proxy.reset()
    return s3.bucket().removeprefix("s3://")


def from_bucket(root: Path, address: str) -> Project:
    return make_project(root, {**SQL_PROJECT, "models/sources.yml": SOURCES.replace("data/customers.csv", address)})


def rows(project: Project, name: str = "customers") -> pa.Table:
    (path,) = project.parquet(name)
    return pq.read_table(path).replace_schema_metadata(None)


def test_a_file_in_a_bucket_is_fetched_once_for_each_content(s3: S3, bucket: str, tmp_path: Path) -> None:
    local = make_project(tmp_path / "local", SQL_PROJECT)
    local.ok("build")
    content = (local.root / "data/customers.csv").read_bytes()
    s3.client().put_object(Bucket=bucket, Key="crm/customers.csv", Body=content)
    shop = from_bucket(tmp_path / "shop", f"s3://{bucket}/crm/customers.csv")
    shop.ok("build")
    assert rows(shop).equals(rows(local))
    # The same bytes under another tag, as a copy in parts has it: nothing is made again.
    parts = s3.client().create_multipart_upload(Bucket=bucket, Key="crm/customers.csv")["UploadId"]
    given = {"Bucket": bucket, "Key": "crm/customers.csv", "UploadId": parts}
    tag = s3.client().upload_part(**given, PartNumber=1, Body=content)["ETag"]
    s3.client().complete_multipart_upload(**given, MultipartUpload={"Parts": [{"ETag": tag, "PartNumber": 1}]})
    assert "nothing to do" in shop.ok("plan")
    s3.proxy.reset()
    shop.ok("plan")
    assert not [r for r in s3.proxy.seen if r.method == "GET" and "crm/customers" in r.key and "list-type" not in r.key]
    s3.client().put_object(Bucket=bucket, Key="crm/customers.csv", Body=content + content.splitlines(True)[-1])
    assert "nothing to do" not in shop.ok("plan")
    shop.ok("build")
    assert not rows(shop).equals(rows(local))
    assert "fetched sources" in shop.ok("gc")
    assert len(list((shop.root / "target/cache/objects").iterdir())) == 1


def test_a_pattern_names_the_objects_that_it_would_name_on_a_disk(s3: S3, bucket: str, tmp_path: Path) -> None:
    shop = make_project(tmp_path / "shop", SQL_PROJECT)
    head, *lines = (shop.root / "data/customers.csv").read_text("utf-8").splitlines(keepends=True)
    parts = {
        "2026/a.csv": lines[:100],
        "2026/07/b.csv": lines[100:150],
        "2026/notes.txt": ["x"],
        "other/a.csv": lines[150:],
    }
    for key, some in parts.items():
        s3.client().put_object(Bucket=bucket, Key=f"in/{key}", Body=(head + "".join(some)).encode())
        shop.write({f"in/{key}": head + "".join(some)})
    for number, pattern in enumerate(("in/2026/*.csv", "in/**/*.csv", "in/*/?.csv", "in/2026/07/[ab].csv")):
        here = shop.write({"models/sources.yml": SOURCES.replace("data/customers.csv", pattern)})
        here.ok("build", "--select", "customers")
        there = from_bucket(tmp_path / f"there-{number}", f"s3://{bucket}/{pattern}")
        there.ok("build", "--select", "customers")
        assert rows(there).equals(rows(here)), pattern


def test_an_object_that_is_not_there_is_a_fault_with_the_nearest(s3: S3, bucket: str, tmp_path: Path) -> None:
    s3.client().put_object(Bucket=bucket, Key="crm/customers.csv", Body=b"a\n1\n")
    text = from_bucket(tmp_path / "shop", f"s3://{bucket}/crm/custmers.csv").fails("compile", code=2)
    assert "models/sources.yml:6:15: error: no object matches" in text
    assert f"did you mean 's3://{bucket}/crm/customers.csv'?" in text
    for address, why in (
        (f"s3://{bucket}", "is a bucket"),
        ("s3://*/x.csv", "a pattern stands after the bucket's name"),
        ("ftp://host/x.csv", "nothing here reads or writes ftp://"),
        (f"s3://{bucket}-none/x.csv", "NoSuchBucket"),
    ):
        shop = from_bucket(tmp_path / "other", address)
        assert why in shop.fails("compile", code=2)


def test_tables_that_are_folders_lie_as_in_the_bucket(s3: S3, bucket: str, tmp_path: Path) -> None:
    """Folders that stand for columns, by name and by pattern, and a Delta table: the rows that they are on a disk."""
    import deltalake

    local = make_project(tmp_path / "local", SQL_PROJECT)
    customers = pa.csv.read_csv(local.root / "data/customers.csv")
    half = customers.num_rows // 2
    for tier, part in {"a": customers.slice(0, half), "b": customers.slice(half)}.items():
        (local.root / f"in/hive/shop={tier}").mkdir(parents=True)
        pq.write_table(part, local.root / f"in/hive/shop={tier}/part.parquet")
        deltalake.write_deltalake(str(local.root / "in/delta"), part, mode="append")
    for file in (local.root / "in").rglob("*"):
        if file.is_file():
            s3.client().upload_file(str(file), bucket, file.relative_to(local.root).as_posix())
    shop = make_project(tmp_path / "shop", SQL_PROJECT)
    for path in ("in/hive", "in/hive/*/part.parquet", "in/delta"):
        here = local.write({"models/sources.yml": SOURCES.replace("data/customers.csv", path)})
        here.ok("build", "--select", "customers")
        there = shop.write({"models/sources.yml": SOURCES.replace("data/customers.csv", f"s3://{bucket}/{path}")})
        there.ok("build", "--select", "customers")
        assert rows(there).equals(rows(here)), path
    cache = shop.root / "target/cache/objects"
    before = set(cache.iterdir())
    shop.ok("gc")
    kept = set(cache.iterdir())
    assert "nothing to do" in shop.ok("plan", "--select", "customers")
    assert set(cache.iterdir()) == kept < before, "what is read stays, what was read before goes"
