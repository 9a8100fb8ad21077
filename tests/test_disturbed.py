"""Many partitions over eight workers, a tenth of the jobs killed, the coordinator killed twice, storage that fails now and
then: the bytes of an undisturbed build, nothing done twice after it was done, nothing charged twice, nothing left.

``python -m benchmarks disturbed`` does the same with more partitions, and with more seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.disturbed import Disturbed, local, on_pods, undisturbed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]
ROWS = 8  # of a partition


KILLED_PODS = pytest.param(on_pods, 40, marks=pytest.mark.long)  # tests/runners/kubernetes kills pods, too


@pytest.mark.parametrize(("where", "partitions"), [(local, 100), KILLED_PODS])
def test_a_disturbed_build_ends_as_an_undisturbed_one(
    where: Callable[[Path, int, int, int], Disturbed], partitions: int, tmp_path: Path
) -> None:
    if where is on_pods:
        pytest.importorskip("kubernetes")
        pytest.importorskip("kubernetes_validate")
    found = where(tmp_path / "disturbed", ROWS * partitions, partitions, 1)
    assert found.table == undisturbed(tmp_path / "undisturbed" / "shop", ROWS * partitions, partitions)
    assert found.coordinators == 2
    assert found.kills >= partitions // 20  # some are meant that have just ended
    assert found.again == []
    assert found.charges == 1
    assert found.processes == []
    assert found.files == []
