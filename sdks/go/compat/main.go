// Applications as they are, to be served as a plugin or, to compare, by net/http itself:
//
//	compat everything|kit|chi|proxy     a plugin
//	compat chi|proxy --direct           a server, which prints its port
//
// Built with -tags frameworks,nomsgpack it has Echo and Gin as well: "echo" and "gin".
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"servehttp.example/sdks/go/servehttp"
)

var apps = map[string]func() http.Handler{
	"everything": everything,
	"kit":        kit,
	"chi":        chiApp,
	"proxy":      proxyApp,
}

func main() {
	if len(os.Args) < 2 || apps[os.Args[1]] == nil {
		log.Fatal("which application: everything, kit, chi or proxy? With -tags frameworks also echo or gin")
	}
	app := apps[os.Args[1]]()
	if slices.Contains(os.Args, "--direct") {
		serveDirectly(app)
	} else if err := servehttp.Serve(app); err != nil {
		log.Fatal(err)
	}
}

func serveDirectly(app http.Handler) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(listener, app))
}

var fileTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func serveFile(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"one"`)
	http.ServeContent(w, r, "numbers.txt", fileTime, strings.NewReader(strings.Repeat("0123456789", 10_000)))
}
