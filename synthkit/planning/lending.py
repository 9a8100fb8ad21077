"""Which trained model of another target a model of this one may be drawn from: the same, and paid for as this would be.

To draw more rows from a private model is post-processing, and costs nothing, whatever target they are published to; the
ledger is one for all targets. That holds where the charge for the model is in this ledger, and is the one that training
it here would be: to the same account, about the same tables, of the same release. Otherwise it is trained again.
"""

from __future__ import annotations

from functools import cached_property

from synthkit.compiler import Manifest, ModelNode
from synthkit.compiler.releases import release_of
from synthkit.compiler.trainings import learnt_from
from synthkit.privacy.accounting.mechanisms import same_releases
from synthkit.privacy.hashkey import hash_key, keyed
from synthkit.privacy.ledger.entries import Charged, Entry
from synthkit.privacy.ledger.ledger import FILE, read_ledger
from synthkit.store.lent import Lent, lent


class Lending:
    """What other targets of a project have trained. The ledger is read once, where it must be."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    def find(self, model: ModelNode, train: str) -> Lent | None:
        """A trained model that is the one to be trained, or None. ``model``: of a family, that of its root.

        Raises:
            LedgerError: the ledger's chain is broken.
            SynthError: the generator refuses the budget.
        """
        found = lent(self.manifest.project, train)
        return next((one for one in found if self._paid(model, train, one.charge)), None)

    def _paid(self, model: ModelNode, train: str, charge: Charged | None) -> bool:
        if charge is None or model.budget is None or model.source is None:
            return charge is None and model.budget is None
        entry = self._entries.get(charge.entry)
        if entry is None or entry.charge.train != keyed(train, hash_key(self.manifest.project.root)):
            return False  # what the model says of its charge is believed only as far as the ledger says it, too
        released = [m.to_json() for m in release_of(self.manifest, model)]
        return (
            entry.charge.account == self.manifest.account_of(model.source.id).name
            and entry.charge.sources == learnt_from(self.manifest, model)
            and charge.insecure_seed == entry.charge.insecure_seed == model.budget.insecure_seed
            and all(
                same_releases(released, [m.to_json() for m in said])
                for said in (charge.mechanisms, entry.charge.mechanisms)
            )
        )

    @cached_property
    def _entries(self) -> dict[str, Entry]:
        return {e.hash: e for e in read_ledger(self.manifest.project.root / FILE).entries}
