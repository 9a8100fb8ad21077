#!/usr/bin/env bash
# Expected: a git directory that lies outside its work tree says which work tree it belongs to, as that of a submodule
# (core.worktree) and that of `git worktree add` (the file gitdir) do. So a `.git` file could be held against it.
# What happens: that of `git init --separate-git-dir` says nothing. The link is one way: any folder whose `.git` file
# names the directory is its work tree for git, and nothing tells the first one from a copy.
# Use: do not take a missing core.worktree for a sign that a `.git` file is wrong; ask the person.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work"
git --version
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
git init -q main && git -C main commit -q --allow-empty -m one
git -C main worktree add -q ../side 2>/dev/null
git init -q whole && git -C whole -c protocol.file.allow=always submodule --quiet add ../main part 2>/dev/null
git init -q --separate-git-dir="$work/kept" apart

worktree=$(cat main/.git/worktrees/side/gitdir)
submodule=$(git config --file whole/.git/modules/part/config core.worktree)
separate=$(git config --file kept/config core.worktree || true)
echo "of git worktree add:      gitdir = $worktree"
echo "of a submodule:           core.worktree = $submodule"
echo "of --separate-git-dir:    core.worktree = ${separate:-(nothing)}"
mkdir copy && cp apart/.git copy/.git
echo "git -C copy status:       $(git -C copy status --porcelain --branch)"
[ -n "$worktree" ] && [ -n "$submodule" ] && [ -z "$separate" ] && [ ! -e kept/gitdir ]
git -C copy rev-parse --show-toplevel | grep -q '/copy$'
echo "as described: the directory names no work tree, and serves any"
