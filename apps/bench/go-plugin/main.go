// The small response of the bench's plugin, by a handler of net/http: as a plugin, or with
// --direct SOCKET as a server on a unix socket.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"servehttp.example/sdks/go/servehttp"
)

var body = []byte("Hello, world\n")

func small(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Content-Length", "13")
	_, _ = w.Write(body)
}

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /small", small)
	if len(os.Args) == 3 && os.Args[1] == "--direct" {
		listener, err := net.Listen("unix", os.Args[2])
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("{}")
		log.Fatal(http.Serve(listener, mux))
	}
	if err := servehttp.Serve(mux); err != nil {
		log.Fatal(err)
	}
}
