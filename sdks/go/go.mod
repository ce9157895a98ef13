module servehttp.example/sdks/go

go 1.26.0
