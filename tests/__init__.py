"""The tests run side by side: one thread each, as two pools of threads that wait for each other's cores spin."""

import os

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
