module servehttp/bench/go-plugin

go 1.26.0

require (
	servehttp.example/sdks/go v0.0.0
	servehttp/bench/go-handler v0.0.0
)

replace (
	servehttp.example/sdks/go => ../../../sdks/go
	servehttp/bench/go-handler => ../go-handler
)
