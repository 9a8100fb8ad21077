"""Azure Blob Storage, by its makers' emulator: what holds of a bucket and of publications in S3 holds here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.objects import test_bucket
from tests.objects.azure_server import Azure, azure_server
from tests.store import test_objectstore

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    """Under the name that the shared tests have for a server."""
    with azure_server(tmp_path_factory.mktemp("azurite")) as server:
        yield server


bucket, address, shop = test_bucket.bucket, test_objectstore.address, test_objectstore.shop

# All but those that strip the condition from a write, which Azure signs, or put other bytes past the proxy.
BUCKET = (
    "what_a_server_does_for_a_moment_is_not_seen",
    "a_large_file_goes_and_comes_in_parts",
    "an_upload_that_is_torn_in_the_middle_leaves_no_object",
    "of_many_writers_one_is_told_that_it_wrote",
    "a_server_that_does_not_come_back_is_named_with_its_reason",
)
STORE = (
    "a_request_that_fails_once_is_not_seen_whichever_it_is",
    "a_server_that_fails_for_good_leaves_the_tables_as_they_were",
    "a_builder_killed_at_any_request_leaves_all_tables_old_or_all_new",
    "of_builders_that_began_at_one_state_exactly_one_publishes",
    "builders_of_different_tables_do_not_hinder_each_other",
    "a_reader_beside_a_builder_never_finds_one_table_old_and_one_new",
    "the_tables_are_those_that_are_published_locally_and_read_without_a_checkout",
    "each_publication_is_a_version_that_can_be_read_compared_and_brought_back",
    "old_versions_go_by_a_rule_and_what_is_published_never",
    "rows_that_no_publication_names_go_when_they_are_old",
    "what_is_published_locally_goes_into_an_object_store_as_it_is",
)
for module, names in ((test_bucket, BUCKET), (test_objectstore, STORE)):
    for name in names:
        globals()[f"test_{name}"] = getattr(module, f"test_{name}")
