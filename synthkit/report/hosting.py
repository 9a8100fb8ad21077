"""Where a report is read: links to files and runs, as GitHub Actions and GitLab CI tell in their environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Host:
    """Links for a report.

    Args:
        files: URL of a file, with ``{path}`` and ``{line}``; empty where files have none.
        run: URL of the run that wrote the report.
        prefix: the project's folder in its repository, with a slash at its end, or empty.
    """

    files: str = ""
    run: str = ""
    prefix: str = ""

    def path(self, file: str) -> str:
        """A project's file as its repository names it."""
        return f"{self.prefix}{file}"

    def url(self, file: str, line: int = 1) -> str:
        from urllib.parse import quote

        return self.files.replace("{path}", quote(self.path(file))).replace("{line}", str(line))


def host_of(environ: Mapping[str, str], prefix: str = "") -> Host:
    """By the variables that GitHub (``GITHUB_*``) or GitLab (``CI_*``) sets; no links elsewhere."""
    if environ.get("GITHUB_REPOSITORY") and environ.get("GITHUB_SERVER_URL"):
        top = f"{environ['GITHUB_SERVER_URL']}/{environ['GITHUB_REPOSITORY']}"
        sha, run = environ.get("GITHUB_SHA"), environ.get("GITHUB_RUN_ID")
        files = f"{top}/blob/{sha}/{{path}}#L{{line}}" if sha else ""
        return Host(files, f"{top}/actions/runs/{run}" if run else "", prefix)
    if environ.get("CI_PROJECT_URL"):
        sha = environ.get("CI_COMMIT_SHA")
        files = f"{environ['CI_PROJECT_URL']}/-/blob/{sha}/{{path}}#L{{line}}" if sha else ""
        return Host(files, environ.get("CI_JOB_URL", ""), prefix)
    return Host(prefix=prefix)
