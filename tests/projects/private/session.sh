# Three generators under epsilon, with a fixed seed of the noise; the ledger, the guarantees, and a budget that is spent.
synth compile
synth plan
synth plan --output json > plan.json
synth build --exclude tag:random
synth build --exclude tag:random
synth ledger
synth ledger --format json > ledger-view.json
synth ledger verify
synth show members
synth query "select * from synth_meta.privacy order by all" --format csv
sed -i "s/insecure_seed: 3/insecure_seed: 4/" models/members.yml
sed -i "s/{epsilon: 1, delta/{epsilon: 0.9, delta/" synth_project.yml
synth plan
synth build --exclude tag:random
sed -i "s/max_epsilon: 2/max_epsilon: 1/" models/members.yml
synth compile
