// Package servehttp serves any [http.Handler] as a plugin of a servehttp host: a process of its own,
// whose clients are those of the host.
//
//	func main() {
//		http.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
//			fmt.Fprintln(w, "hello from", r.URL)
//		})
//		if err := servehttp.Serve(nil); err != nil {
//			log.Fatal(err)
//		}
//	}
//
// Everything of net/http means what it means there: [http.Flusher], [http.Hijacker],
// [http.ResponseController], trailers, WriteHeader(103), 100-continue on the first read,
// [http.ErrAbortHandler], and the context of a request, which ends when its client leaves.
package servehttp

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"servehttp.example/sdks/go/internal/carrier"
	"servehttp.example/sdks/go/internal/fault"
	"servehttp.example/sdks/go/internal/limits"
	"servehttp.example/sdks/go/internal/mtls"
	"servehttp.example/sdks/go/internal/process"
)

// Version is that of this module.
const Version = "0.1.0"

// Plugin is a plugin with its options. Its zero value serves [http.DefaultServeMux] where its host
// says.
type Plugin struct {
	// Handler answers requests. Default: http.DefaultServeMux.
	Handler http.Handler
	// Address is where to listen: "unix:/path" or "127.0.0.1:PORT". Default: SERVEHTTP_ADDRESS of
	// the environment, which a host sets, else what follows --listen on the command line.
	Address string
	// Token is what a host must show, in visible ASCII characters. Default: SERVEHTTP_TOKEN of the
	// environment; without that, everybody is let in who can connect.
	Token string
	// DrainTimeout is how long a closing plugin waits for its handlers. Default: 10 s.
	DrainTimeout time.Duration
	// Logger gets what goes wrong: panics, above all. Default: lines of JSON on standard error,
	// which a host takes over into its own log ([NewLogHandler]).
	Logger *slog.Logger
	// TLSConfig, with a certificate, serves TLS. Default: none.
	TLSConfig *tls.Config
	// TLSFiles serves TLS by files that are looked at for each new connection. Default, at a port:
	// those that SERVEHTTP_TLS_CERT_FILE, SERVEHTTP_TLS_KEY_FILE and SERVEHTTP_TLS_CA_FILE of the
	// environment name, with the names of SERVEHTTP_TLS_SUBJECT_ALT_NAMES; else none.
	TLSFiles *TLSFiles
}

// TLSFiles are certificates in PEM. One that was replaced counts from the next connection on,
// however it was: written, renamed, or behind another link, as Kubernetes does it. A file that is
// broken or half written changes nothing, which the log says.
type TLSFiles struct {
	// CertFile is the plugin's certificate, with those between it and the authority's behind it.
	CertFile string
	// KeyFile is its key.
	KeyFile string
	// CAFile is who may have signed a host's certificate. Where it is given, a host must show one
	// (mTLS).
	CAFile string
	// SubjectAltNames are names of which a host's certificate must have one: DNS names, and SPIFFE IDs
	// such as "spiffe://example.org/ns/hosts/sa/host", "spiffe://example.org/ns/*" for all below, and
	// "spiffe://example.org" for a whole trust domain. Empty: whatever the authority has signed.
	SubjectAltNames []string
}

// Serve serves a handler as a plugin; nil stands for [http.DefaultServeMux]. It returns nil once
// SIGTERM or SIGINT has come and what ran has ended, and an *[Error] where it can't listen.
func Serve(handler http.Handler) error {
	return (&Plugin{Handler: handler}).Serve(context.Background())
}

// Serve serves until the context ends, or SIGTERM or SIGINT comes. Then it takes no new requests,
// waits for those that run, and returns nil. A second signal ends the process at once.
func (p *Plugin) Serve(ctx context.Context) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)
	running, err := p.Start()
	if err != nil {
		return err
	}
	if running.byHand {
		// Only a person reads it, who needs it where the system chose the port.
		fmt.Fprintln(os.Stderr, "listening on", running.Address())
	}
	select {
	case <-ctx.Done():
	case <-signals:
	case <-running.closed:
		return running.failure
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		running.Close()
	}()
	select {
	case <-closed:
		return nil
	case second := <-signals:
		running.listener.RemoveFile()
		os.Exit(128 + int(second.(syscall.Signal)))
		return nil
	}
}

// Running is a plugin that is being served.
//
//	open -> closing -> closed [Close]
type Running struct {
	// ID is what the host calls the plugin. Empty where it does not say.
	ID string

	listener *process.Listener
	server   *carrier.Server
	service  *service
	drain    time.Duration
	closing  sync.Once
	closed   chan struct{}
	failure  error
	// byHand: neither program nor host said where to listen.
	byHand bool
}

// Start serves in the background, for programs that do more than serve, and for tests. It returns
// once the plugin accepts requests. It leaves signals alone. It reads the variables of the host and
// removes them from the environment, so that programs which the plugin starts don't inherit them.
func (p *Plugin) Start() (*Running, error) {
	variables := process.TakeHostVariables()
	address, err := process.ChooseAddress(p.Address, variables.Address, os.Args)
	if err != nil {
		return nil, err
	}
	token, err := process.ChooseToken(p.Token, variables)
	if err != nil {
		return nil, err
	}
	secure, err := p.tls(address, variables)
	if err != nil {
		return nil, err
	}
	listener, err := process.Listen(address)
	if err != nil {
		return nil, err
	}
	if err := process.EndWithHost(variables.HostFD, listener.RemoveFile); err != nil {
		listener.Close()
		return nil, err
	}
	calls.configure(variables.CallsAddress, variables.CallsToken)
	running := p.run(listener, token, secure)
	running.ID = variables.PluginID
	running.byHand = p.Address == "" && variables.Address == ""
	return running, nil
}

// tls is that of the options, or at a port that of the environment: a socket's file is guarded by its
// permissions. Both are nil where there is none; the second is where TLSConfig says all.
func (p *Plugin) tls(address process.Address, variables process.HostVariables) (secure serverTLS, err error) {
	files := (*mtls.Files)(p.TLSFiles)
	switch {
	case p.TLSConfig != nil && files != nil:
		return secure, fault.New(fault.InvalidArgument, "TLSConfig and TLSFiles: give one of them")
	case p.TLSConfig != nil:
		return serverTLS{config: withHTTP2(p.TLSConfig)}, nil
	case files == nil && address.Network == "tcp":
		if files, err = mtls.FromEnvironment(variables.TLS); err != nil {
			return secure, err
		}
	}
	if files == nil {
		return secure, nil
	}
	server, err := mtls.NewServer(*files, p.logger())
	if err != nil {
		return secure, err
	}
	return serverTLS{config: server.Config(), refusalOf: server.RefusalOf}, nil
}

// serverTLS is what is spoken on connections, and who is not let in.
type serverTLS struct {
	config    *tls.Config
	refusalOf func(tls.ConnectionState) string
}

func (p *Plugin) logger() *slog.Logger {
	if p.Logger == nil {
		return defaultLogger()
	}
	return p.Logger
}

func (p *Plugin) run(listener *process.Listener, token string, secure serverTLS) *Running {
	serving := &service{handler: p.Handler, logger: p.logger(), server: &http.Server{}, address: listener.Addr()}
	if serving.handler == nil {
		serving.handler = http.DefaultServeMux
	}
	serving.server.Handler = serving.handler
	running := &Running{
		listener: listener,
		service:  serving,
		drain:    p.DrainTimeout,
		closed:   make(chan struct{}),
		server: carrier.NewServer(carrier.Options{
			Accept:    serving.accept,
			Token:     token,
			Software:  fmt.Sprintf("servehttp-go/%s %s", Version, runtime.Version()),
			TLS:       secure.config,
			RefusalOf: secure.refusalOf,
			Logger:    serving.logger,
		}),
	}
	if running.drain == 0 {
		running.drain = limits.DrainTimeout
	}
	go func() {
		if err := running.server.Serve(listener); err != nil {
			running.failure = err
			running.Close()
		}
	}()
	return running
}

func withHTTP2(config *tls.Config) *tls.Config {
	config = config.Clone()
	if !slices.Contains(config.NextProtos, "h2") {
		config.NextProtos = append([]string{"h2"}, config.NextProtos...)
	}
	return config
}

// Address is where the plugin listens, as hosts write it: "unix:/path" or "127.0.0.1:PORT", with the
// port that the system chose.
func (r *Running) Address() string { return r.listener.Address().String() }

// InFlight is how many handlers run, together with the connections that they took over.
func (r *Running) InFlight() int { return r.service.running.now() }

// Close ends the plugin. It takes no new requests, waits for those that run, gives up what is left
// after DrainTimeout, and closes its connections. It returns when that is done.
func (r *Running) Close() {
	r.closing.Do(func() {
		r.listener.Close()
		r.server.Drain()
		deadline := time.NewTimer(r.drain)
		defer deadline.Stop()
		if !r.isDrained(deadline.C) {
			r.server.GiveUp(fault.New(fault.PluginClosing, "the plugin is closing"))
			r.areClosed(time.After(limits.LingerTimeout))
		}
		r.server.Abort()
		close(r.closed)
	})
	<-r.closed
}

// isDrained waits for what runs, and for the hosts to close their connections: a host may have opened
// exchanges before it heard of the draining, so it is given a moment.
func (r *Running) isDrained(deadline <-chan time.Time) bool {
	for {
		select {
		case <-r.service.running.whenIdle():
		case <-deadline:
			return false
		}
		if r.areClosed(time.After(limits.LingerTimeout)) || r.InFlight() == 0 && r.server.ExchangeCount() == 0 {
			return true
		}
	}
}

// areClosed waits for all connections to close, at most until the time is over.
func (r *Running) areClosed(over <-chan time.Time) bool {
	for {
		count, changed := r.server.ConnectionCount()
		if count == 0 {
			return true
		}
		select {
		case <-changed:
		case <-over:
			return false
		}
	}
}
