package carrier

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"servehttp.example/sdks/go/internal/fault"
	"servehttp.example/sdks/go/internal/limits"
	"servehttp.example/sdks/go/internal/wire"
)

// Options are what a Server needs.
type Options struct {
	// Accept is called for each exchange.
	Accept Accept
	// Token is what a host must show. Empty: everybody is let in.
	Token string
	// Software is what Describe says.
	Software string
	// TLS, if it is not nil, is spoken on every connection.
	TLS *tls.Config
	// RefusalOf says why the host of a TLS connection is not let in: empty where it is. Nil: all are.
	RefusalOf func(tls.ConnectionState) string
	// Logger gets what net/http has to say.
	Logger *slog.Logger
}

// Server is the plugin's way in: connections, their token, and what is done with each RPC.
//
//	open -> draining [Drain]
type Server struct {
	options Options
	token   [sha256.Size]byte
	http    *http.Server
	// handed are connections for net/http.
	handed handedListener
	health health

	mu          sync.Mutex
	draining    bool
	connections map[net.Conn]struct{}
	dedicated   map[*dedicated]struct{}
	muxes       map[*Mux]struct{}
	exchanges   map[*streamExchange]struct{}
	// told is when the log last heard of a host that was refused.
	told time.Time
	// changed is closed and replaced as something leaves.
	changed chan struct{}
}

// NewServer makes a server, which serves once it has a listener.
func NewServer(options Options) *Server {
	s := &Server{
		options:     options,
		token:       sha256.Sum256([]byte("Bearer " + options.Token)),
		connections: map[net.Conn]struct{}{},
		dedicated:   map[*dedicated]struct{}{},
		muxes:       map[*Mux]struct{}{},
		exchanges:   map[*streamExchange]struct{}{},
		changed:     make(chan struct{}),
	}
	s.handed = handedListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	s.health.stopped = make(chan struct{})
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	s.http = &http.Server{
		Handler:   http.HandlerFunc(s.serveRPC),
		Protocols: protocols,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          limits.Streams,
			MaxReceiveBufferPerConnection: limits.ConnectionWindowBytes,
			MaxReceiveBufferPerStream:     limits.StreamWindowBytes,
		},
		ErrorLog: slog.NewLogLogger(options.Logger.Handler(), slog.LevelWarn),
	}
	return s
}

// Serve accepts connections until the listener is closed.
func (s *Server) Serve(listener net.Listener) error {
	s.handed.address = listener.Addr()
	go func() { _ = s.http.Serve(&s.handed) }()
	for {
		conn, err := listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			var temporary interface{ Temporary() bool }
			if errors.As(err, &temporary) && temporary.Temporary() {
				// No descriptors are left, for example. net/http waits likewise.
				time.Sleep(acceptAgain)
				continue
			}
			return err
		}
		if s.add(conn) {
			go s.serveConn(conn)
		}
	}
}

const acceptAgain = 50 * time.Millisecond

// Drain takes no new exchanges. Connections close when their exchanges have ended.
func (s *Server) Drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return
	}
	s.draining = true
	s.health.stop()
	for mux := range s.muxes {
		mux.drain()
	}
	// Shutdown waits for its connections; that they are closed is seen here as well.
	go func() { _ = s.http.Shutdown(context.Background()) }()
}

// GiveUp gives up all exchanges, and tells both their handlers and the host.
func (s *Server) GiveUp(reason *fault.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for mux := range s.muxes {
		mux.giveUp(reason)
	}
	for exchange := range s.exchanges {
		exchange.abort(reason)
	}
}

// Abort closes all connections at once.
func (s *Server) Abort() {
	// Closing may call remove.
	s.mu.Lock()
	dedicated := slices.Collect(maps.Keys(s.dedicated))
	connections := slices.Collect(maps.Keys(s.connections))
	s.mu.Unlock()
	for _, d := range dedicated {
		d.abort()
	}
	for _, conn := range connections {
		conn.Close()
	}
	_ = s.http.Close()
}

// ExchangeCount is how many exchanges are open.
func (s *Server) ExchangeCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := len(s.exchanges)
	for mux := range s.muxes {
		count += mux.exchangeCount()
	}
	return count
}

// ConnectionCount is how many connections are open, and a channel that is closed when one of them
// closes.
func (s *Server) ConnectionCount() (count int, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.connections), s.changed
}

func (s *Server) serveConn(conn net.Conn) {
	raw := conn
	if s.options.TLS != nil {
		if conn = s.shakeHands(raw); conn == nil {
			s.remove(raw)
			return
		}
	}
	first, err := readFirst(conn)
	if err != nil {
		conn.Close()
		s.remove(raw)
		return
	}
	if request := detectDedicated(first); request != nil {
		defer s.remove(raw)
		s.serveDedicated(conn, request)
		return
	}
	// net/http says by Close that it is done with it.
	handed := &countedConn{Conn: &startedConn{Conn: conn, first: first}, closed: func() { s.remove(raw) }}
	if !s.handed.hand(handed) {
		handed.Close()
	}
}

func (s *Server) serveDedicated(conn net.Conn, request *dedicatedRequest) {
	d := newDedicated(conn, s.options.Accept)
	if !s.mayEnter(request.fields["authorization"]) {
		d.refuse(errStranger)
		return
	}
	s.mu.Lock()
	s.dedicated[d] = struct{}{}
	s.addMux(d.mux)
	s.mu.Unlock()
	d.serve(request.rest)
	s.mu.Lock()
	delete(s.dedicated, d)
	delete(s.muxes, d.mux)
	s.mu.Unlock()
}

func (s *Server) addMux(mux *Mux) {
	s.muxes[mux] = struct{}{}
	if s.draining {
		mux.drain()
	}
}

func (s *Server) serveRPC(w http.ResponseWriter, r *http.Request) {
	c := newRPC(w, r)
	switch {
	case !s.mayEnter(r.Header.Get("Authorization")):
		c.end(wire.StatusOf(errStranger))
	case !wire.IsGRPC(r.Header.Get("Content-Type")):
		c.end(wire.NewStatus(unimplemented, "this plugin speaks gRPC with protobuf"))
	default:
		s.serveMethod(c)
	}
}

// unimplemented is the status of a method that does not exist.
const unimplemented = 12

func (s *Server) serveMethod(c *rpc) {
	switch c.r.URL.Path {
	case wire.ServeHTTPPath:
		s.serveExchange(c)
	case wire.ServeHTTPMuxPath:
		s.serveMux(c)
	case wire.DescribePath:
		c.describe(s.options.Software)
	case wire.HealthCheckPath:
		c.checkHealth(&s.health)
	case wire.HealthWatchPath:
		c.watchHealth(&s.health)
	default:
		c.end(wire.NewStatus(unimplemented, "there is no such method"))
	}
}

func (s *Server) serveExchange(c *rpc) {
	exchange := newStreamExchange(c)
	s.mu.Lock()
	s.exchanges[exchange] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.exchanges, exchange)
		s.mu.Unlock()
	}()
	exchange.serve(s.options.Accept)
}

func (s *Server) serveMux(c *rpc) {
	awake := make(chan struct{}, 1)
	mux := newMux(s.options.Accept, func() {
		select {
		case awake <- struct{}{}:
		default:
		}
	})
	s.mu.Lock()
	s.addMux(mux)
	s.mu.Unlock()
	c.serveMux(mux, awake)
	s.mu.Lock()
	delete(s.muxes, mux)
	s.mu.Unlock()
}

// mayEnter compares hashes, which have one length: it takes the same time whatever was shown.
func (s *Server) mayEnter(authorization string) bool {
	if s.options.Token == "" {
		return true
	}
	shown := sha256.Sum256([]byte(authorization))
	return subtle.ConstantTimeCompare(shown[:], s.token[:]) == 1
}

var errStranger = fault.New(fault.Unauthenticated, "the token is missing or wrong")

// add counts a connection. False: the plugin drains, and it is closed.
func (s *Server) add(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		conn.Close()
		return false
	}
	s.connections[conn] = struct{}{}
	return true
}

func (s *Server) remove(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.connections[conn]; ok {
		delete(s.connections, conn)
		close(s.changed)
		s.changed = make(chan struct{})
	}
}
