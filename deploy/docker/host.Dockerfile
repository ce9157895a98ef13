# The host: the servehttp command, from a clone of this repository.
#
#   docker build -f deploy/docker/host.Dockerfile -t servehttp-host:0.1.0 .
#
# For builds that are the same tomorrow, put a digest behind each name: node:24.21.0-trixie-slim@sha256:…

FROM node:24.21.0-trixie-slim AS build
WORKDIR /src
COPY . .
RUN npm ci --no-audit --no-fund && npm run pack
# The packages as they are published, with what they need to run, and nothing else.
WORKDIR /app
RUN npm init --yes > /dev/null \
 && npm install --omit=dev --no-audit --no-fund /src/dist/servehttp-*.tgz

FROM gcr.io/distroless/nodejs24-debian13:nonroot
ENV NODE_ENV=production
COPY --from=build /app /app
WORKDIR /app
USER 65532:65532
EXPOSE 8080 9090
# Node itself is process 1, so that it gets the signals: SIGTERM drains and ends it.
ENTRYPOINT ["/nodejs/bin/node", "/app/node_modules/servehttp/dist/bin.js"]
CMD ["--config", "/etc/servehttp/config/servehttp.config.json"]
