# Two committed versions of two tables: what changed, what may be merged, and the old one again.
mv gitignore .gitignore
git init --quiet --initial-branch main
dvc init --quiet
git add .
git commit --quiet -m "declared"
synth build --commit -m "the first tables"
synth verify
synth versions members
git checkout --quiet -b other
cp changes/members.yml models/members.yml
synth plan
synth verify
git commit --quiet -a -m "grown-ups alone"
mkdir before
cp target/manifest.json before
cp -r warehouse/dev before/dev
synth build --commit -m "other tables"
synth ls --select state:modified --state before
synth versions members
synth diff members HEAD~2 HEAD
synth diff --format json members > diff.json
synth verify --base main --allow-breaking --full
synth verify --base main --log-format json
synth query --version main "select * from by_branch"
synth rollback members main
cp changes/strict.yml models/members.yml
synth verify
