"""The project of a family (tests/projects/shop_family) with a generator that learns in no time, and what must join in it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tests.packages import installed
from tests.private import PrivateProject

SHOP = Path(__file__).parent / "projects" / "shop_family" / "project"
MEMBERS = ("synthetic_orders", "synthetic_shop_customers", "synthetic_shop_lines", "synthetic_shop_products")
JOINS = """
    select (select count(*) from synthetic_orders o anti join synthetic_shop_customers c using (customer_id)
            where o.customer_id is not null) as orders_of_nobody,
        (select count(*) from synthetic_shop_lines l anti join synthetic_orders o using (order_id)) as lines_of_nothing,
        (select count(*) from synthetic_shop_lines l anti join synthetic_shop_products p using (product_id)) as unknown,
        (select count(*) from synthetic_shop_customers c anti join synthetic_shop_customers d
            on c.referred_by = d.customer_id where c.referred_by is not null) as referred_by_nobody,
        (select count(*) - count(distinct (order_id, line_no)) from synthetic_shop_lines) as doubled
"""


class FamilyProject(PrivateProject):
    """A project whose `synth` finds the generator ``test.entities``."""

    def edit(self, old: str, new: str, file: str = "models/shop.yml") -> FamilyProject:
        path = self.root / file
        text = path.read_text("utf-8")
        assert old in text, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new), "utf-8")
        return self

    def receipts(self) -> dict[str, dict[str, Any]]:
        folder = self.root / "warehouse" / "dev"
        return {n: json.loads((folder / f"{n}.receipt.json").read_text("utf-8")) for n in MEMBERS}

    def runs(self) -> dict[str, str]:
        """By which run each table was published."""
        return {name: receipt["run_id"] for name, receipt in self.receipts().items()}

    def actions(self, *arguments: str) -> dict[str, str]:
        plan = json.loads(self.ok("plan", "--output", "json", *arguments))
        return {a["model"]: a["action"] for a in plan["actions"]}


def family_project(root: Path) -> FamilyProject:
    """The shop, its family drawn by whole entities."""
    shutil.copytree(SHOP, root)
    entry = "test.entities = tests.entities:GENERATOR"
    project = FamilyProject(root, installed(root.parent / "packages", "entities", "synthkit.generators", entry))
    return project.edit("  - name: synthetic_shop\n", "  - name: synthetic_shop\n    generator: test.entities\n")


def copy_of(project: FamilyProject, root: Path) -> FamilyProject:
    shutil.copytree(project.root, root)
    return FamilyProject(root, project.variables)
