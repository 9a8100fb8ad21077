"""Large tables that are being learnt: what is learnt of them, and what was found of their columns so far.

```
target/cache/surveys/<train hash>-<of the rows>/prepared/plan.json, learnt.parquet    what is learnt
target/cache/surveys/<train hash>-<of the rows>/                                      the generator's own, by column
```

All of it follows from the rows and the project, is as private as the rows are, and goes when the model is trained: a
training that lacks some of it finds it itself, and comes to the same model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from synthkit.files import own_folder, parsed_json, put_first, temporary_folder, write_json_atomic
from synthkit.schema import Table


@dataclass(frozen=True)
class SurveyFiles:
    """Where the surveys of one table lie."""

    directory: Path

    @property
    def prepared(self) -> Path:
        return self.directory / "prepared"

    def lay_down(self, plan: dict[str, Any], learnt: Table, written: Path | None) -> None:
        """Keep a plan and the rows as they are learnt; whoever is first, it is the same.

        Args:
            written: their file, where they are not those of the source as they stand.
        """
        own_folder(self.directory)
        with temporary_folder(self.prepared) as folder:
            if written is not None:
                written.rename(folder / "learnt.parquet")
            said = {"plan": plan, "rows": learnt.rows, "own": written is not None}
            write_json_atomic(folder / "plan.json", said)
            put_first(folder, self.prepared)

    def found(self, source: Table) -> tuple[Any, Table] | None:
        """The plan as JSON, and the rows as they are learnt, still under the source's schema; None: nobody prepared it.

        Args:
            source: the training rows.
        """
        try:
            said = parsed_json((self.prepared / "plan.json").read_text("utf-8"))
            plan, rows, own = said["plan"], int(said["rows"]), bool(said["own"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return plan, replace(source, rows=rows, paths=(self.prepared / "learnt.parquet",) if own else source.paths)
