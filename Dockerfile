FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin stowgate

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --user-group --no-create-home stowgate \
    && install -d -o stowgate -g stowgate /data
COPY --from=build /src/target/release/stowgate /usr/local/bin/stowgate
USER 10001:10001
# Outside loopback the gateway refuses its built-in keys: give it yours with STOWGATE_ACCESS_KEY and
# STOWGATE_SECRET_KEY (or …_FILE), or mount a configuration file.
ENV STOWGATE_LISTEN=0.0.0.0:9000 STOWGATE_DATA_DIR=/data
VOLUME /data
EXPOSE 9000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["stowgate", "healthcheck"]
ENTRYPOINT ["stowgate"]
CMD ["serve"]
