# Cronscope in a container; docker-compose.yml starts it with Prometheus, Alertmanager and Grafana.
#
#     docker build -t cronscope .
#
# Scripts find here what Debian's smallest image has, and Python.  For more: FROM cronscope, USER root, RUN apt-get …

FROM python:3.13-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN python -m venv --without-pip /opt/cronscope \
 && pip --python /opt/cronscope install --no-cache-dir .

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="Cronscope" \
      org.opencontainers.image.description="Runs scripts on a schedule and shows them live" \
      org.opencontainers.image.licenses="MIT"
# tini collects the processes that scripts leave behind.
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 1000 --home-dir /var/lib/cronscope --create-home --skel /var/empty --shell /bin/sh cronscope
# Apart from the Python that scripts use, with whatever is installed there for them.
COPY --from=build /opt/cronscope /opt/cronscope
RUN ln -s /opt/cronscope/bin/cronscope /usr/local/bin/
ENV CRONSCOPE_LISTEN=127.0.0.1:8917 \
    CRONSCOPE_ON_SHUTDOWN=stop
USER cronscope
WORKDIR /var/lib/cronscope
# A named volume that is mounted here begins with these examples.
RUN cronscope init
VOLUME /var/lib/cronscope
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "\
import http.client, os, pathlib, ssl; \
lock = pathlib.Path(os.environ.get('CRONSCOPE_DATA_DIR', 'data'), 'cronscope.lock'); \
_, url, token, *_ = [*(lock.read_text().splitlines() if lock.exists() else ()), '', '', '']; \
tls = {'context': ssl._create_unverified_context()} if url.startswith('https') else {}; \
service = (http.client.HTTPSConnection if tls else http.client.HTTPConnection)(os.environ['CRONSCOPE_LISTEN'], timeout=4, **tls); \
service.request('GET', os.environ.get('CRONSCOPE_URL_PREFIX', '').rstrip('/') + '/-/healthy', headers={'Authorization': 'Bearer ' + token}); \
answer = service.getresponse(); \
print(answer.read().decode()); \
raise SystemExit(answer.status != 200)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "--"]
CMD ["cronscope", "serve"]
