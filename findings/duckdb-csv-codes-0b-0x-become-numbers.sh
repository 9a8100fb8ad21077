#!/bin/sh
# Reading a CSV whose column holds codes such as 0b10 and 0x1F. Expected: text, as pandas reads them. What happens: DuckDB takes such a
# column for BIGINT and gives 2 and 31; its cast of the same text to DOUBLE refuses it. Arrow's reader takes 0x1F for 31, too, and 0b10 for text.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.1 pyarrow==26.0.1 pandas==3.0.5
printf 'code,n\n0b10,1\n0b11,2\n' > binary.csv
printf 'code,n\n0x1F,1\n0x2A,2\n' > hexadecimal.csv
venv/bin/python - <<'PY'
import sys, duckdb, pandas, pyarrow, pyarrow.csv
print("duckdb", duckdb.__version__, "pyarrow", pyarrow.__version__, "pandas", pandas.__version__)
found = {}
for name in ("binary", "hexadecimal"):
    file = f"{name}.csv"
    found[name] = (
        [row[0] for row in duckdb.sql(f"select code from read_csv('{file}')").fetchall()],
        pyarrow.csv.read_csv(file).column("code").to_pylist(),
        pandas.read_csv(file)["code"].tolist(),
    )
    print(name, "duckdb:", found[name][0], "arrow:", found[name][1], "pandas:", found[name][2])
casts = duckdb.sql("select try_cast('0x1F' as integer), try_cast('0x1F' as double), try_cast('0b10' as integer)").fetchall()[0]
print("cast of 0x1F to integer, to double, of 0b10 to integer:", casts)
seen = found == {
    "binary": ([2, 3], ["0b10", "0b11"], ["0b10", "0b11"]),
    "hexadecimal": ([31, 42], [31, 42], ["0x1F", "0x2A"]),
} and casts == (31, None, 2)
print("behaviour seen:", seen)
sys.exit(not seen)
PY
