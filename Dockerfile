# Check and Setup in one image: `docker compose run --rm rolewarden init`, then `docker compose up -d`.

ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# What the locks name, by hash and as wheels; nothing else is fetched. The environment gets no pip of its own.
COPY requirements/ requirements/
RUN python -m venv --without-pip /opt/rolewarden \
    && pip --python /opt/rolewarden/bin/python install --no-deps --require-hashes --only-binary :all: -r requirements/setup.txt \
    && pip install --no-deps --require-hashes --only-binary :all: -r requirements/build.txt
COPY LICENSE pyproject.toml ./
COPY service/ service/
RUN pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /wheels . \
    && pip --python /opt/rolewarden/bin/python install --no-deps --no-index /wheels/*.whl

FROM python:${PYTHON}-slim
# The user has a number, so that an orchestrator can see that it is not root. The home is the only place written to.
RUN groupadd --gid 8180 rolewarden \
    && useradd --uid 8180 --gid 8180 --no-create-home --home-dir /var/lib/rolewarden --shell /usr/sbin/nologin rolewarden \
    && install -d -o rolewarden -g rolewarden -m 0700 /var/lib/rolewarden
COPY --from=build /opt/rolewarden /opt/rolewarden
COPY policies/ /etc/rolewarden/policies/
ENV PATH=/opt/rolewarden/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ROLEWARDEN_HOME=/var/lib/rolewarden \
    ROLEWARDEN_POLICIES=/etc/rolewarden/policies
# Also where temporary files go when /tmp cannot be written.
WORKDIR /var/lib/rolewarden
VOLUME /var/lib/rolewarden
USER 8180:8180
EXPOSE 8180 8181
# Asks the service itself, past any proxy that the environment names, where the settings say that it listens.
HEALTHCHECK --interval=20s --timeout=8s --start-period=20s --retries=3 \
    CMD ["rolewarden", "health"]
ENTRYPOINT ["rolewarden"]
CMD ["serve"]
