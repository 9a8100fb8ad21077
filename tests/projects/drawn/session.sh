# A circuit with conditions and constraints under nearly every audit that compares rows; then only drawn again.
synth compile
synth plan
synth build
sed -i "s/size: 10%/size: 20%/" models/members.yml
synth plan
synth build --select from_synthetic
synth show members --limit 3
synth query "select name, \"column\", status, round(value, 6) as value, threshold from synth_meta.audits where \"table\" = 'members' order by all" --format csv
