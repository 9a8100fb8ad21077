# SQL alone: graph, selection, macros, variables, unit tests, audits of integrity, reports.
synth compile
synth ls
synth ls --select +by_branch --exclude source:*
synth ls --output json > ls.json
synth test
synth test --vars "{grown: 21}"
synth plan
synth plan --output json > plan.json
TELL=yes synth build --report markdown=report.md --report junit=report.xml
synth build
synth plan --vars "{grown: 30, most_days: 20}"
synth show loans
synth query "select * from counted order by n" --format json
synth query "select \"table\", name, \"column\", status, value, threshold from synth_meta.audits order by all" --format csv
LIBRARY="of the old town" synth plan --target prod --select +counted
synth report html=run.html
synth docs generate
synth gc --dry-run
