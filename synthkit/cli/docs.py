"""``synth docs``: the project as a site to read: lineage, tables, audits, pictures."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from synthkit.cli.common import compiled, project_options

if TYPE_CHECKING:
    from synthkit.api.pages import Site

output_option = click.option(
    "--output", type=click.Path(path_type=Path), help="The folder to write to (default: target/docs)."
)


@click.group("docs")
def command() -> None:
    """Write the project as a static site, or serve it on this machine."""


@command.command("generate")
@project_options
@output_option
def generate(project_dir: Path | None, target: str | None, variables: str | None, output: Path | None) -> None:
    """Write the site: lineage, a page per table with its audits and pictures, search. Reads files, builds nothing."""
    site = _written(project_dir, target, variables, output)
    if not site.built:
        click.echo("nothing was built yet, so the pages show what is declared: run synth build", err=True)
    click.echo(f"wrote {site.files} files; open {site.directory / 'index.html'}")


@command.command("keep")
@project_options
def keep(project_dir: Path | None, target: str | None, variables: str | None) -> None:
    """Keep the pictures of published tables beside their receipts, for who has the repository alone.

    Commit TABLE.pictures.json with the receipts, and `synth docs generate` shows them in a clone. They hold counts of
    real rows, and points that stand for single ones, where the site may show these: whoever reads the repository then
    sees them, also in its history.
    """
    from synthkit.api.pages import keep_pictures

    found = keep_pictures(compiled(project_dir, target, variables, reads="either"))
    for path in found.written:
        click.echo(f"wrote {path}")
    for path in found.removed:
        click.echo(f"removed {path}")
    for name, why in found.without.items():
        click.echo(f"{name}: {why}", err=True)


@command.command("serve")
@project_options
@output_option
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one.")
def serve(project_dir: Path | None, target: str | None, variables: str | None, output: Path | None, port: int) -> None:
    """Write the site anew, and serve it to this machine alone until Ctrl-C."""
    from synthkit.errors import SynthError

    directory = _written(project_dir, target, variables, output).directory
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Quiet, directory=str(directory)))
    except OSError as error:
        raise SynthError(f"cannot serve on port {port}: {error.strerror}", hint="name another: --port 0") from None
    with server:
        click.echo(f"serving {directory} at http://127.0.0.1:{server.server_address[1]}/ (Ctrl-C ends it)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("stopped")


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files of one folder; a line per request would hide what matters."""

    def log_message(self, *_arguments: Any) -> None:
        pass

    def list_directory(self, _path: Any) -> None:
        """No listings: the start page is the way in."""
        self.send_error(404)


def _written(project_dir: Path | None, target: str | None, variables: str | None, output: Path | None) -> Site:
    from synthkit.api.pages import docs

    return docs(compiled(project_dir, target, variables, reads="either"), output)
