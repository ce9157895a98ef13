module servehttp/bench/go-reverse-proxy

go 1.21
