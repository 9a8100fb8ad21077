# Every kind of source: described, fresh or not, read, split, and read no second time.
synth compile
synth ls
synth ls --select source:till+
synth freshness
synth freshness --format json > freshness.json
synth plan
synth build
synth build
synth query "select * from turnover"
synth query "select table_name, column_name, data_type from information_schema.columns where table_schema = 'main' order by all" --format csv
SYNTH_NOW=2026-06-01T00:00:00Z synth build --full-refresh --select deliveries --select baskets
