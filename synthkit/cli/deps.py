"""``synth deps``: install packages of macros and SQL audits."""

from __future__ import annotations

from pathlib import Path

import click

from synthkit.cli.common import project_dir_option


@click.command("deps")
@project_dir_option
@click.option("--locked", is_flag=True, help="Fail where package-lock.yml would have to change, as in CI.")
def command(project_dir: Path | None, locked: bool) -> None:
    """Install what packages.yml asks for into synth_packages/, and write package-lock.yml, which is committed.

    Packages bring macros, called as {{ package.macro() }}, and SQL audits, named package.audit. What is there as it is
    locked is left alone, without a network.
    """
    from synthkit.api import deps

    found = deps(project_dir or Path(), locked=locked)
    if not found:
        click.echo("packages.yml asks for no package")
    for one in found:
        at = f" at {one.revision[:12]}" if one.revision else ""
        files = "" if one.change == "removed" else f", {one.files} file{'' if one.files == 1 else 's'}"
        click.echo(f"{one.name}: {one.change}{files} ({one.source}{at})")
        for what in one.left:
            click.echo(f"  left out: {what}; only macros and SQL audits come with a package")
