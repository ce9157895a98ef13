# A plugin in Node: the folder that `servehttp init notes` makes, with its package-lock.json.
#
#   docker build -f deploy/docker/plugin-node.Dockerfile -t servehttp-notes:0.1.0 notes

FROM node:24.21.0-trixie-slim AS build
WORKDIR /app
# Packed packages of the SDK as well, where the folder has some.
COPY package*.json *.tgz ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .

FROM gcr.io/distroless/nodejs24-debian13:nonroot
ENV NODE_ENV=production
COPY --from=build /app /app
WORKDIR /app
USER 65532:65532
ENV SERVEHTTP_ADDRESS=0.0.0.0:50051
EXPOSE 50051
# SIGTERM closes the plugin and ends the process, also as process 1.
ENTRYPOINT ["/nodejs/bin/node", "plugin.js"]
