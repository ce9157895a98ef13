module servehttp/bench/go-handler

go 1.26.0
