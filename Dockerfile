# synthkit with its pinned dependencies, for pods and for who has no Python: docker build -t synthkit:0.1.0 .
# That reads, queries, verifies, compiles and plans; what builds is an extra: --build-arg EXTRAS=train,kubernetes
# The project is mounted, never copied in: docker run --rm -v "$PWD:/project" synthkit:0.1.0 build
FROM python:3.11.14-slim-bookworm AS wheel
WORKDIR /src
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheel .

FROM python:3.11.14-slim-bookworm
# Extras by name, with commas: train for what builds, kubernetes for the build's own pod, ray for a cluster's machines.
ARG EXTRAS=
# Where torch is to come from without CUDA: the index of its CPU builds.
ARG PIP_EXTRA_INDEX_URL=
COPY constraints.txt locks/base.txt /tmp/pinned/
COPY --from=wheel /wheel /tmp/wheel
# Of what everybody gets, the hashes are checked. torch comes on its own, as in the Makefile: this version has a CPU build.
RUN pip install --no-cache-dir --require-hashes -r /tmp/pinned/base.txt \
    && case ",${EXTRAS}," in *,train,*|*,sdv,*|*,embeddings,*|*,all,*) \
        pip install --no-cache-dir -c /tmp/pinned/constraints.txt torch==2.13.0 ;; esac \
    && pip install --no-cache-dir -c /tmp/pinned/constraints.txt "$(echo /tmp/wheel/*.whl)${EXTRAS:+[${EXTRAS}]}" \
    && rm -rf /tmp/wheel /tmp/pinned \
    && groupadd --gid 10001 synth \
    && useradd --uid 10001 --gid synth --create-home synth
USER 10001:10001
WORKDIR /project
ENTRYPOINT ["synth"]
CMD ["--help"]
