# syntax=docker/dockerfile:1
# One image for the Prefect server, the worker, MLflow and the web pages: they differ in their command (compose.yaml).
#   docker build -t demandcast .
#   docker run --rm demandcast --help

FROM python:3.11.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
COPY requirements-server.lock ./
# A package index of one's own: --build-arg PIP_INDEX_URL=...; nothing of it stays in the image.
ARG PIP_INDEX_URL
RUN python -m venv /opt/demandcast \
    && /opt/demandcast/bin/pip install --require-hashes --no-deps --requirement requirements-server.lock
COPY pyproject.toml README.md LICENSE ./
COPY forecasting forecasting
COPY flows flows
COPY dashboard dashboard
COPY demandcast demandcast
RUN /opt/demandcast/bin/pip install --no-deps --no-build-isolation . \
    && /opt/demandcast/bin/python -m compileall -q /opt/demandcast \
    && mkdir -p /work/data /work/configs

FROM python:3.11.13-slim-bookworm AS run
# LightGBM's library for threads, in the version of this Debian
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin demandcast
COPY --from=build /opt/demandcast /opt/demandcast
COPY --from=build --chown=10001:10001 /work /work
COPY configs /work/configs
ENV PATH=/opt/demandcast/bin:$PATH \
    HOME=/tmp \
    PREFECT_HOME=/tmp/prefect \
    PYTHONUNBUFFERED=1 \
    DO_NOT_TRACK=true \
    MLFLOW_DISABLE_TELEMETRY=true \
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
    PREFECT_SERVER_ANALYTICS_ENABLED=false
WORKDIR /work
USER 10001
ENTRYPOINT ["/opt/demandcast/bin/demandcast"]
CMD ["--help"]
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["python", "-c", "import forecasting"]

# The object store with a folder that belongs to its user, so that it needs no root either.
FROM minio/minio:RELEASE.2025-04-22T22-12-26Z AS objects
COPY --from=build --chown=10001:10001 /work/data /data
USER 10001
CMD ["server", "/data"]
HEALTHCHECK --interval=10s --timeout=5s CMD ["mc", "ready", "local"]

# The image that `docker build .` makes without --target.
FROM run
