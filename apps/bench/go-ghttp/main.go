// AvalancheGo's way of serving HTTP from a plugin (package ghttp): the host's handler calls the
// plugin by gRPC. Without arguments it is the plugin, and prints where it listens; with ADDRESS
// [--streaming] it is the host in front of it.
package main

import (
	"encoding/json"
	"log"
	"net"
	"net/http"
	"os"

	httppb "github.com/ava-labs/avalanchego/proto/pb/http"
	"github.com/ava-labs/avalanchego/utils/logging"
	"github.com/ava-labs/avalanchego/vms/rpcchainvm/ghttp"
	"github.com/ava-labs/avalanchego/vms/rpcchainvm/grpcutils"
	handler "servehttp/bench/go-handler"
)

func main() {
	if len(os.Args) == 1 {
		servePlugin()
	} else {
		serveHost(os.Args[1], len(os.Args) == 3 && os.Args[2] == "--streaming")
	}
}

func servePlugin() {
	listener, err := grpcutils.NewListener()
	if err != nil {
		log.Fatal(err)
	}
	server := grpcutils.NewServer()
	httppb.RegisterHTTPServer(server, ghttp.NewServer(handler.New()))
	announce(map[string]string{"address": listener.Addr().String()})
	log.Fatal(server.Serve(listener))
}

func serveHost(plugin string, streaming bool) {
	connection, err := grpcutils.Dial(plugin)
	if err != nil {
		log.Fatal(err)
	}
	var host http.Handler = ghttp.NewClient(httppb.NewHTTPClient(connection), logging.NoLog{})
	if streaming {
		host = asHTTP2(host)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	announce(map[string]int{"port": listener.Addr().(*net.TCPAddr).Port})
	log.Fatal(http.Serve(listener, host))
}

// asHTTP2 makes it stream: it does for requests of HTTP/2 and upgrades, and carries others as one
// message each way.
func asHTTP2(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ProtoMajor = 2
		next.ServeHTTP(w, r)
	})
}

func announce(what any) {
	if err := json.NewEncoder(os.Stdout).Encode(what); err != nil {
		log.Fatal(err)
	}
}
