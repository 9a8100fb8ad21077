#!/bin/sh
# DuckDB marks types that Arrow lacks: a BIGNUM arrives as the extension arrow.opaque with its name, a UUID as text.
# Expected of BIT: the like. What happens: it is exported as plain binary with DuckDB's internal layout (a first byte that counts
# the padding bits, which are set to 1), and nothing says so. Written to Parquet and read back by DuckDB itself it is a BLOB,
# and casting that to BIT gives other bits than before.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.1 pyarrow==26.0.1
venv/bin/python - <<'EOF'
import sys, duckdb, pyarrow.parquet as pq
print("duckdb", duckdb.__version__)
arrow = duckdb.sql("select '10101'::bit as b, 5::bignum as n").to_arrow_table()
print("Arrow:", arrow.schema.field("b").type, arrow.column("b")[0].as_py(), "| BIGNUM:", arrow.schema.field("n").type)
pq.write_table(arrow.select(["b"]), "t.parquet")
back = duckdb.sql("select typeof(b), b::bit::varchar from 't.parquet'").fetchall()[0]
print("back in DuckDB:", back, "instead of ('BIT', '10101')")
seen = str(arrow.schema.field("b").type) == "binary" and "opaque" in str(arrow.schema.field("n").type) and back == ("BLOB", "0000001111110101")
print("behaviour seen:", seen)
sys.exit(not seen)
EOF
