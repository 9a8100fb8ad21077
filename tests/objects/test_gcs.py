"""Google Cloud Storage by its own conditions (generations): what holds of a bucket and of publications in S3 holds here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.objects import test_bucket
from tests.objects.gcs_server import GCS, gcs_server
from tests.store import test_objectstore


@pytest.fixture(scope="module")
def s3() -> Iterator[GCS]:
    """Under the name that the shared tests have for a server."""
    with gcs_server() as server:
        yield server


bucket, address = test_bucket.bucket, test_objectstore.address

test_what_a_server_does_for_a_moment_is_not_seen = test_bucket.test_what_a_server_does_for_a_moment_is_not_seen
test_a_large_file_goes_and_comes_in_parts = test_bucket.test_a_large_file_goes_and_comes_in_parts
test_of_many_writers_one_is_told_that_it_wrote = test_bucket.test_of_many_writers_one_is_told_that_it_wrote
test_of_builders_that_began_at_one_state_exactly_one_publishes = (
    test_objectstore.test_of_builders_that_began_at_one_state_exactly_one_publishes
)
test_a_server_that_ignores_the_condition_is_refused_before_anything_is_built = (
    test_objectstore.test_a_server_that_ignores_the_condition_is_refused_before_anything_is_built
)
