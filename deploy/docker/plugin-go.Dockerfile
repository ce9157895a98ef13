# A plugin in Go: the folder that `servehttp init notes --template go` makes.
#
#   docker build -f deploy/docker/plugin-go.Dockerfile -t servehttp-notes:0.1.0 notes

FROM golang:1.26.8-trixie AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags=-s -o /plugin .

FROM gcr.io/distroless/static-debian13:nonroot
COPY --from=build /plugin /plugin
USER 65532:65532
ENV SERVEHTTP_ADDRESS=0.0.0.0:50051
EXPOSE 50051
ENTRYPOINT ["/plugin"]
