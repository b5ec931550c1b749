# hiphopd and hiphop on Debian 12. `docker build -t hiphop .`, then docker-compose.yml, or
# docker run hiphop --set kafka.brokers=…
FROM debian:12-slim AS build
WORKDIR /src
# The packages first: they change seldom, and this layer is kept.
COPY dev ./
COPY dev.d ./dev.d/
RUN ./dev setup build
COPY . .
RUN ./dev build && DESTDIR=/installed cmake --install build/release --strip

FROM debian:12-slim
COPY dev.d/packages /tmp/packages
RUN apt-get update \
    && apt-get install -y --no-install-recommends $(sed -n 's/^run: *//p' /tmp/packages) \
    && rm -rf /var/lib/apt/lists/* /tmp/packages
COPY --from=build /installed/ /
RUN ldconfig
# It keeps no file, so any user will do.
USER 65534:65534
ENTRYPOINT ["hiphopd"]
