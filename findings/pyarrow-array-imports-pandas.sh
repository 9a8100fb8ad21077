#!/bin/sh
# What the first pa.array([1, 2]) or pa.scalar(1) of a process loads. Expected: nothing of pandas, as numbers in a list have nothing to do
# with it, and PyArrow works without it. What happens: where pandas is installed all of it is imported, a fifth of a second here, where the
# same call in an environment without pandas takes a few milliseconds; from_pandas=False changes nothing. An empty pa.chunked_array loads
# none of it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for kind in with without; do
    python3 -m venv $kind
    $kind/bin/pip install --quiet --disable-pip-version-check pyarrow==26.0.1
done
with/bin/pip install --quiet --disable-pip-version-check pandas==2.3.3
cat > each.py <<'EOF'
import resource, sys
import pyarrow as pa

def spent():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

pa.chunked_array([], pa.int64())
before, began = "pandas" in sys.modules, spent()
if sys.argv[1] == "array":
    pa.array([1, 2], pa.int64(), from_pandas=False)
else:
    pa.scalar(1)
print(before, "pandas" in sys.modules, f"{spent() - began:.3f}")
EOF
for call in array scalar; do
    for kind in with without; do
        found=$($kind/bin/python each.py $call)
        echo "pyarrow 26.0.1, $kind pandas 2.3.3, pa.$call: pandas loaded before, after, CPU seconds of the call: $found"
        case "$kind $found" in "with False True "*|"without False False "*) ;; *) exit 1 ;; esac
    done
done
