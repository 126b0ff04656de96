# One image a service: docker build --build-arg SERVICE=booking --tag slotwire/booking .
#
# The image holds the service, what of ours it stands on, and what these depend on: in requirements.lock's versions, each
# file checked by its hash. Building tools and the packages of tests stay behind in the first stage.

FROM python:3.11-slim AS build
WORKDIR /build
ENV UV_PYTHON=/opt/slotwire/bin/python UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 PATH=/build/tools/bin:$PATH

COPY requirements.lock ./
RUN python -m venv --without-pip /opt/slotwire \
 && python -m venv tools \
 && awk '/^uv==/ { found = 1 } found { print } found && !/\\$/ { exit }' requirements.lock >uv.lock \
 && pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes --requirement uv.lock

# Dependencies before code: a change of code alone installs none of them again.
ARG SERVICE
COPY libs/contracts/pyproject.toml libs/contracts/
COPY libs/chassis/pyproject.toml libs/chassis/
COPY services/${SERVICE}/pyproject.toml services/${SERVICE}/
RUN printf '%s\n' slotwire-contracts slotwire-chassis >ours.txt \
 && uv pip install --quiet --no-sources --require-hashes --constraints requirements.lock --excludes ours.txt \
      --requirements libs/contracts/pyproject.toml \
      --requirements libs/chassis/pyproject.toml \
      --requirements "services/${SERVICE}/pyproject.toml"

COPY libs/contracts libs/contracts
COPY libs/chassis libs/chassis
COPY services/${SERVICE} services/${SERVICE}
RUN uv pip install --quiet --offline --no-deps --no-sources libs/contracts libs/chassis "services/${SERVICE}"


FROM python:3.11-slim
# The number is told rather than the name, so that Kubernetes can see that it is not root's. The folder is for secrets
# that are made at run time; a new volume mounted there takes its owner and mode from here.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin slotwire \
 && install --directory --owner slotwire --group slotwire --mode 0700 /var/lib/slotwire
COPY --from=build /opt/slotwire /opt/slotwire

ARG SERVICE
ENV SERVICE=${SERVICE} \
    PATH=/opt/slotwire/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SLOTWIRE_HOST=0.0.0.0 \
    SLOTWIRE_PORT=8080
WORKDIR /var/lib/slotwire
USER 10001:10001
EXPOSE 8080
# A service `a-b` is the package `a_b`; exec leaves Python as process 1, which signals reach.
CMD exec python -m "$(echo "$SERVICE" | tr - _)" serve
