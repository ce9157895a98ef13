package servehttp

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"servehttp.example/sdks/go/internal/wire"
)

const testToken = "a-token-of-tests"

// host is a host on one carrier.
type host interface {
	open(parts []byte) *hostExchange
}

// eachCarrier runs a test with a plugin of that handler and a host on each carrier.
func eachCarrier(t *testing.T, handler http.HandlerFunc, test func(t *testing.T, h host, p *testPlugin)) {
	connect := map[string]func(*testing.T, *testPlugin) host{
		"mux":       func(t *testing.T, p *testPlugin) host { return connectMux(t, p) },
		"stream":    func(t *testing.T, p *testPlugin) host { return connectStream(t, p) },
		"mux-by-h2": func(t *testing.T, p *testPlugin) host { return connectPlainMux(t, p) },
	}
	for carrier, connect := range connect {
		t.Run(carrier, func(t *testing.T) {
			p := startPlugin(t, Plugin{Handler: handler})
			test(t, connect(t, p), p)
		})
	}
}

// testPlugin is a plugin in this process, with what it has logged.
type testPlugin struct {
	*Running
	path string
	log  *lockedBuffer
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

func startPlugin(t *testing.T, plugin Plugin) *testPlugin {
	t.Helper()
	path := filepath.Join(t.TempDir(), "p.sock")
	p := &testPlugin{path: path, log: &lockedBuffer{}}
	plugin.Address = "unix:" + path
	plugin.Token = testToken
	plugin.Logger = slog.New(NewLogHandler(p.log, slog.LevelDebug))
	if plugin.DrainTimeout == 0 {
		plugin.DrainTimeout = 100 * time.Millisecond
	}
	running, err := plugin.Start()
	if err != nil {
		t.Fatal(err)
	}
	p.Running = running
	t.Cleanup(running.Close)
	return p
}

// exchanges are those of a mux, by id.
type exchanges struct {
	t testing.TB
	// opening is held from the choice of an id until it was sent.
	opening sync.Mutex
	mu      sync.Mutex
	all     map[uint64]*hostExchange
	last    uint64
	// send sends a ServeHTTPMuxRequest.
	send     func(message []byte)
	draining chan struct{}
	hello    chan struct{}
	once     sync.Once
}

func newExchanges(t testing.TB) *exchanges {
	return &exchanges{t: t, all: map[uint64]*hostExchange{}, draining: make(chan struct{}), hello: make(chan struct{})}
}

func (x *exchanges) sendFrame(id uint64, content []byte) {
	x.send(delimited(0x0a, append(number([]byte{0x08}, id), content...)))
}

func (x *exchanges) open(parts []byte) *hostExchange {
	e := newHostExchange(x.t)
	e.counts = true
	x.opening.Lock()
	defer x.opening.Unlock()
	x.mu.Lock()
	x.last++
	id := x.last
	x.all[id] = e
	x.mu.Unlock()
	e.send = func(parts []byte) { x.sendFrame(id, delimited(0x12, parts)) }
	e.give = func(bytes int) { x.sendFrame(id, number([]byte{0x18}, uint64(bytes))) }
	e.cancel = func() { x.sendFrame(id, delimited(0x22, []byte{0x08, 0x01})) }
	e.send(parts)
	return e
}

// take takes a ServeHTTPMuxResponse.
func (x *exchanges) take(message []byte) {
	x.once.Do(func() { close(x.hello) })
	for _, found := range readFields(x.t, message) {
		if found.id == 2 {
			close(x.draining)
			continue
		}
		frame := readFields(x.t, found.bytes)
		x.mu.Lock()
		e := x.all[frame[0].value]
		x.mu.Unlock()
		for _, part := range frame[1:] {
			switch part.id {
			case 2:
				e.take(part.bytes)
			case 3:
				e.update(func(r *received) { r.credit += int(part.value) })
			case 4:
				code := readFields(x.t, part.bytes)[0].value
				e.update(func(r *received) { r.reset = int(code) })
			}
		}
	}
}

// muxHost has a connection of its own for mux, as our host makes it.
type muxHost struct {
	*exchanges
	conn net.Conn
	// status is that of the RPC once it has ended; lost is closed with the connection.
	status  chan string
	lost    chan struct{}
	writing sync.Mutex
}

func connectMux(t testing.TB, p *testPlugin) *muxHost {
	t.Helper()
	return dialMux(t, p.path, testToken)
}

func dialMux(t testing.TB, path, token string) *muxHost {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	return serveMuxOver(t, conn, token)
}

func serveMuxOver(t testing.TB, conn net.Conn, token string) *muxHost {
	h := &muxHost{exchanges: newExchanges(t), conn: conn, status: make(chan string, 1), lost: make(chan struct{})}
	h.exchanges.send = func(message []byte) { h.write(dataFrame(grpcMessage(message))) }
	h.write(hostOpening(token))
	go h.read()
	t.Cleanup(func() { conn.Close(); <-h.lost })
	return h
}

func hostOpening(token string) []byte {
	text := func(text string) []byte {
		if len(text) > 126 {
			panic("too long for a test")
		}
		return append([]byte{byte(len(text))}, text...)
	}
	var block []byte
	for _, pair := range [][2]string{
		{":method", "POST"}, {":path", wire.ServeHTTPMuxPath}, {":authority", "localhost"}, {":scheme", "http"},
		{"content-type", "application/grpc+proto"}, {"te", "trailers"}, {"authorization", "Bearer " + token},
		{"servehttp-connection", "dedicated"},
	} {
		block = join(block, []byte{0}, text(pair[0]), text(pair[1]))
	}
	settings := []byte{0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 5, 0, 0x11, 0, 0}
	return join([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), h2Frame(4, 0, 0, settings),
		h2Frame(8, 0, 0, []byte{0, 0xff, 0, 1}), h2Frame(1, 4, 1, block))
}

func h2Frame(kind, flags byte, stream uint32, payload []byte) []byte {
	head := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	return append(binary.BigEndian.AppendUint32(head, stream), payload...)
}

func dataFrame(payload []byte) []byte { return h2Frame(0, 0, 1, payload) }

func grpcMessage(message []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
}

func (h *muxHost) write(data []byte) {
	h.writing.Lock()
	defer h.writing.Unlock()
	_, _ = h.conn.Write(data)
}

func (h *muxHost) read() {
	defer close(h.lost)
	reader := messageReader{take: h.take}
	for {
		kind, flags, _, payload, err := readH2Frame(h.conn)
		if err != nil {
			return
		}
		switch {
		case kind == 0 && len(payload) > 0:
			size := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))
			h.write(join(h2Frame(8, 0, 0, size), h2Frame(8, 0, 1, size)))
			reader.push(payload)
		case kind == 1 && flags&1 != 0:
			_, rest, _ := bytes.Cut(payload, []byte("grpc-status"))
			h.status <- string(rest[1 : 1+rest[0]])
		case kind == 4 && flags&1 == 0:
			h.write(h2Frame(4, 1, 0, nil))
		}
	}
}

func readH2Frame(from io.Reader) (kind, flags byte, stream uint32, payload []byte, err error) {
	head := make([]byte, 9)
	if _, err = io.ReadFull(from, head); err != nil {
		return 0, 0, 0, nil, err
	}
	payload = make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	_, err = io.ReadFull(from, payload)
	return head[3], head[4], binary.BigEndian.Uint32(head[5:]), payload, err
}

// messageReader takes gRPC messages apart.
type messageReader struct {
	held []byte
	take func([]byte)
}

func (m *messageReader) push(data []byte) {
	m.held = append(m.held, data...)
	for len(m.held) >= 5 {
		end := 5 + int(binary.BigEndian.Uint32(m.held[1:]))
		if len(m.held) < end {
			return
		}
		m.take(m.held[5:end])
		m.held = m.held[end:]
	}
}

// h2Client is net/http's client, over one connection to a plugin.
func h2Client(t testing.TB, path string) *http.Client {
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{
		Protocols: protocols,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
			if err == nil {
				t.Cleanup(func() { conn.Close() })
			}
			return conn, err
		},
		DisableCompression: true,
	}
	return &http.Client{Transport: transport}
}

// rpcCall is an RPC over net/http's client.
type rpcCall struct {
	queue  chan []byte
	cancel func()
	// status is that of gRPC; "reset" where there is none.
	status chan string
}

// call begins an RPC, and calls take with the messages that come.
func call(t testing.TB, client *http.Client, token, path string, take func([]byte)) *rpcCall {
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	c := &rpcCall{queue: make(chan []byte, 1_024), status: make(chan string, 1)}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost"+path, reader)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/grpc+proto")
	request.Header.Set("Te", "trailers")
	request.Header.Set("Authorization", "Bearer "+token)
	go func() {
		for data := range c.queue {
			if _, err := writer.Write(data); err != nil {
				return
			}
		}
		writer.Close()
	}()
	go func() { c.status <- roundTrip(client, request, take) }()
	c.cancel = func() {
		cancel()
		// net/http's client does not look at the context while it waits for more of a body.
		writer.CloseWithError(context.Canceled)
	}
	t.Cleanup(c.cancel)
	return c
}

func roundTrip(client *http.Client, request *http.Request, take func([]byte)) string {
	response, err := client.Do(request)
	if err != nil {
		return "reset"
	}
	defer response.Body.Close()
	messages := messageReader{take: take}
	buffer := make([]byte, 16_384)
	for {
		n, err := response.Body.Read(buffer)
		messages.push(buffer[:n])
		if err == io.EOF {
			return response.Trailer.Get("Grpc-Status")
		}
		if err != nil {
			return "reset"
		}
	}
}

func (c *rpcCall) send(message []byte) { c.queue <- grpcMessage(message) }

// halfClose ends the host's way.
func (c *rpcCall) halfClose() { close(c.queue) }

// streamHost has a ServeHTTP RPC for each exchange.
type streamHost struct {
	t      testing.TB
	client *http.Client
}

func connectStream(t testing.TB, p *testPlugin) *streamHost {
	return &streamHost{t, h2Client(t, p.path)}
}

func (h *streamHost) open(parts []byte) *hostExchange {
	e := newHostExchange(h.t)
	c := call(h.t, h.client, testToken, wire.ServeHTTPPath, e.take)
	e.send = c.send
	e.cancel = c.cancel
	go func() {
		status := <-c.status
		code, err := strconv.Atoi(status)
		if err != nil {
			code = -1
		}
		e.update(func(r *received) { r.reset = code })
	}()
	e.send(parts)
	return e
}

// plainMuxHost has a mux RPC on a connection that net/http's client makes.
type plainMuxHost struct {
	*exchanges
	rpc *rpcCall
}

func connectPlainMux(t testing.TB, p *testPlugin) *plainMuxHost {
	h := &plainMuxHost{exchanges: newExchanges(t)}
	h.rpc = call(t, h2Client(t, p.path), testToken, wire.ServeHTTPMuxPath, h.take)
	h.exchanges.send = h.rpc.send
	return h
}
