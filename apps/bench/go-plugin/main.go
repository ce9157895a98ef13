// The bench's handler as a plugin, or with --direct SOCKET as a server on a unix socket.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"servehttp.example/sdks/go/servehttp"
	handler "servehttp/bench/go-handler"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "--direct" {
		listener, err := net.Listen("unix", os.Args[2])
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("{}")
		log.Fatal(http.Serve(listener, handler.New()))
	}
	if err := servehttp.Serve(handler.New()); err != nil {
		log.Fatal(err)
	}
}
