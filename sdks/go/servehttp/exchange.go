package servehttp

import (
	"context"
	"log/slog"
	"math"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"servehttp.example/sdks/go/internal/carrier"
	"servehttp.example/sdks/go/internal/fault"
	"servehttp.example/sdks/go/internal/wire"
)

// Exchange is what the host says of a request that net/http has no place for. [FromContext] finds it.
type Exchange struct {
	// ID is the name of this exchange in the host's logs.
	ID string
	// BasePath is where the plugin is for its clients, without a slash at the end:
	// "/plugins/notes". A link to the plugin's page "/x" is BasePath + "/x". Empty where the plugin
	// is at the root, or its host tells no base path.
	BasePath string
	// FullPath says that the URL of the request begins with BasePath.
	FullPath bool
	// Context is what the host knows of the client: user, tenant, locale. No header can forge it.
	// It must not be changed.
	Context map[string]string
	// CalledBy is the id of the plugin that made this request by a call. Empty: a client made it.
	CalledBy string
	// Scheme is how the client addressed the host: "http" or "https".
	Scheme string

	serving *exchange
}

type contextKey struct{}

// FromContext returns what the host says of the request with that context. It is never nil: for the
// context of no such request, as in a test with httptest, all of it is empty.
func FromContext(ctx context.Context) *Exchange {
	if found, ok := ctx.Value(contextKey{}).(*Exchange); ok {
		return found
	}
	return &Exchange{}
}

// NewContext returns a context in which [FromContext] finds that exchange, for tests of handlers.
func NewContext(ctx context.Context, exchange *Exchange) context.Context {
	return context.WithValue(ctx, contextKey{}, exchange)
}

// Logger is the plugin's logger with the id of the exchange as "requestId".
func (e *Exchange) Logger() *slog.Logger {
	if e.serving == nil {
		return slog.Default()
	}
	return e.serving.service.logger.With(requestIDKey, e.ID)
}

// ExtendHead asks for more time until the head of the response, counted from now. The host grants it
// up to a limit of its own. Once the head is committed, or without a host, it does nothing.
func (e *Exchange) ExtendHead(more time.Duration) {
	if e.serving != nil && more > 0 {
		e.serving.response.extendHead(uint32(min(more.Milliseconds(), math.MaxUint32)))
	}
}

// service is what all exchanges of a plugin share.
type service struct {
	handler http.Handler
	logger  *slog.Logger
	running runningCount
	// server is what http.ServerContextKey leads to: httputil.ReverseProxy breaks a transfer off,
	// rather than end it, only where there is one.
	server *http.Server
	// address is what http.LocalAddrContextKey leads to.
	address net.Addr
}

func (s *service) accept(channel carrier.Channel) carrier.Receiver {
	e := &exchange{service: s, channel: channel}
	e.body.init(e)
	return e
}

// exchange is one request with its response, between its carrier and the handler.
type exchange struct {
	service  *service
	channel  carrier.Channel
	info     Exchange
	cancel   context.CancelCauseFunc
	request  *http.Request
	body     body
	response response
	// stopTimer ends the timer of the deadline, where there is one.
	stopTimer context.CancelFunc
	// tunnel is the connection that the handler has taken over, if it has.
	tunnel atomic.Pointer[tunnelConn]
}

// exchangeContext is the context of a request.
type exchangeContext struct {
	context.Context
	exchange *exchange
}

func (c *exchangeContext) Value(key any) any {
	switch key {
	case contextKey{}:
		return &c.exchange.info
	case http.ServerContextKey:
		return c.exchange.service.server
	case http.LocalAddrContextKey:
		return c.exchange.service.address
	}
	return c.Context.Value(key)
}

// Receive implements carrier.Receiver.
func (e *exchange) Receive(parts *wire.RequestParts) (discarded int) {
	if parts.Init != nil {
		e.begin(parts.Init)
		discarded = e.body.receive(parts)
		e.service.running.enter()
		go e.run()
		return discarded
	}
	discarded = e.body.receive(parts)
	if tunnel := e.tunnel.Load(); tunnel != nil {
		discarded += tunnel.receive(parts)
	}
	return discarded
}

// Abort implements carrier.Receiver.
func (e *exchange) Abort(reason *fault.Error) {
	if e.request == nil {
		return // The host has changed its mind before init.
	}
	e.cancel(reason)
	e.body.cut(reason)
	if tunnel := e.tunnel.Load(); tunnel != nil {
		tunnel.abort(reason)
	}
}

func (e *exchange) begin(init *wire.RequestInit) {
	e.info = Exchange{
		ID:       init.RequestID,
		BasePath: init.BasePath,
		FullPath: init.FullPath,
		Context:  init.Context,
		CalledBy: init.CalledBy,
		Scheme:   init.Scheme,
		serving:  e,
	}
	ctx := context.Background()
	if init.DeadlineUnixMs != 0 {
		ctx, e.stopTimer = context.WithDeadlineCause(ctx, time.UnixMilli(init.DeadlineUnixMs), errDeadline)
	}
	ctx, e.cancel = context.WithCancelCause(ctx)
	e.request = newRequest(&exchangeContext{ctx, e}, init, &e.body)
	e.body.asks.Store(init.ExpectContinue)
	e.response.init(e, init)
}

var errDeadline = fault.New(fault.Deadline, "the deadline of the exchange has passed")

// run calls the handler. It ends the response, whatever becomes of that.
func (e *exchange) run() {
	returned := false
	defer func() {
		if !returned {
			// Without a panic it was runtime.Goexit.
			e.panicked(recover())
		}
		e.leave()
	}()
	e.service.handler.ServeHTTP(&e.response, e.request)
	e.response.finish()
	returned = true
}

func (e *exchange) panicked(value any) {
	if value != nil && value != http.ErrAbortHandler {
		e.service.logger.Error("the handler panicked", requestIDKey, e.info.ID, "err", panicDetails(value))
	}
	e.response.fail()
	if tunnel := e.tunnel.Load(); tunnel != nil {
		tunnel.fail()
	}
}

// leave: the handler is done. A connection that it took over may live on.
func (e *exchange) leave() {
	e.cancel(context.Canceled)
	if e.stopTimer != nil {
		e.stopTimer()
	}
	e.body.drop(http.ErrBodyReadAfterClose)
	e.service.running.leave()
}
