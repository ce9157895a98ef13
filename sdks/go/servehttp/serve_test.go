package servehttp

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"servehttp.example/sdks/go/internal/wire"
)

func TestAPluginSaysWhoItIsAndWhetherItServes(t *testing.T) {
	p := startPlugin(t, Plugin{DrainTimeout: time.Second})
	client := h2Client(t, p.path)
	rpc := func(path string, message []byte) (answers [][]byte, status string) {
		c := call(t, client, testToken, path, func(answer []byte) { answers = append(answers, append([]byte{}, answer...)) })
		c.send(message)
		c.halfClose()
		status = <-c.status
		return answers, status
	}
	answers, status := rpc(wire.DescribePath, join(delimited(0x0a, []byte{1, 2}), delimited(0x12, "notes")))
	if status != "0" || len(answers) != 1 || !bytes.HasPrefix(answers[0], []byte{8, 1, 16, 1, 26, 2, 1, 2}) ||
		!bytes.Contains(answers[0], []byte("servehttp-go/")) {
		t.Errorf("%q %s", answers, status)
	}
	if _, status := rpc(wire.DescribePath, number([]byte{0x08}, 7)); status != "9" {
		t.Error("a host that speaks another version gets FAILED_PRECONDITION, not", status)
	}
	if answers, status := rpc(wire.HealthCheckPath, nil); status != "0" || string(answers[0]) != "\x08\x01" {
		t.Errorf("%q %s", answers, status)
	}
	if _, status := rpc(wire.HealthCheckPath, delimited(0x0a, "another.Service")); status != "5" {
		t.Error(status)
	}
	if _, status := rpc("/servehttp.v1.PluginService/Other", nil); status != "12" {
		t.Error(status)
	}
	watched := make(chan string, 2)
	watch := call(t, client, testToken, wire.HealthWatchPath, func(answer []byte) { watched <- string(answer) })
	watch.send(nil)
	if serving := <-watched; serving != "\x08\x01" {
		t.Errorf("%q", serving)
	}
	go p.Close()
	if serving := <-watched; serving != "\x08\x02" {
		t.Errorf("%q", serving)
	}
	if status := <-watch.status; status != "0" {
		t.Error(status)
	}
}

func TestStrangersAreRefused(t *testing.T) {
	p := startPlugin(t, Plugin{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a stranger was served")
	})})
	for _, path := range []string{wire.ServeHTTPPath, wire.ServeHTTPMuxPath, wire.DescribePath, wire.HealthCheckPath} {
		c := call(t, h2Client(t, p.path), "another", path, func([]byte) {})
		c.send(get("/"))
		if status := <-c.status; status != "16" {
			t.Error(path, status)
		}
	}
	h := dialMux(t, p.path, "another")
	h.open(get("/"))
	if status := <-h.status; status != "16" {
		t.Error(status)
	}
	<-h.lost
}

func TestManyExchangesAtOnceKeepTheirBytesApart(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Path", r.URL.Path)
		_, _ = io.Copy(w, r.Body)
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		var group sync.WaitGroup
		for id := range 64 {
			group.Go(func() {
				body := make([]byte, 1_000*id)
				_, _ = rand.Read(body)
				e := h.open(initPart("POST", fmt.Sprint("/", id), length(-1)))
				sendBody(e, body)
				e.send(endPart())
				found := e.over()
				if sha256.Sum256(found.body) != sha256.Sum256(body) || found.header.Get("X-Path") != fmt.Sprint("/", id) {
					t.Error(id, len(found.body))
				}
			})
		}
		group.Wait()
	})
}

func TestAClosingPluginWaitsForWhatRuns(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	p := startPlugin(t, Plugin{DrainTimeout: 20 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			began <- struct{}{}
			<-release
		}
		fmt.Fprint(w, "done")
	})})
	mux, stream := connectMux(t, p), connectStream(t, p)
	slow := []*hostExchange{mux.open(get("/slow")), stream.open(get("/slow"))}
	<-began
	<-began
	closed := make(chan struct{})
	go func() { p.Close(); close(closed) }()
	<-mux.draining
	// A host may have opened an exchange before it heard of it.
	if found := mux.open(get("/late")).over(); string(found.body) != "done" {
		t.Errorf("%+v", found)
	}
	if _, err := os.Stat(p.path); !errors.Is(err, os.ErrNotExist) {
		t.Error("the socket is still there:", err)
	}
	close(release)
	for _, e := range slow {
		if found := e.over(); string(found.body) != "done" || !found.ended {
			t.Errorf("%+v", found)
		}
	}
	mux.write(h2Frame(0, 1, 1, nil)) // A host ends the RPC then.
	if status := <-mux.status; status != "0" {
		t.Error(status)
	}
	<-closed
}

func TestAClosingPluginGivesUpWhatRunsForTooLong(t *testing.T) {
	reasons := make(chan error, 1)
	handler := func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		_, err := r.Body.Read(make([]byte, 1))
		reasons <- err
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		e := h.open(initPart("POST", "/", length(-1)))
		e.until("the head", func(r *received) bool { return r.status == 200 })
		p.Close()
		var reason *Error
		if err := <-reasons; !errors.As(err, &reason) || reason.Code != PluginClosing {
			t.Error(err)
		}
		if found := e.over(); found.ended || found.reset != 4 && found.reset != 14 {
			t.Errorf("%+v", found)
		}
	})
}

func TestAHostThatIsLostEndsItsExchanges(t *testing.T) {
	reasons := make(chan error, 1)
	p := startPlugin(t, Plugin{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		_, err := r.Body.Read(make([]byte, 1))
		reasons <- err
	})})
	h := connectMux(t, p)
	h.open(initPart("POST", "/", length(-1))).until("the head", func(r *received) bool { return r.status == 200 })
	h.conn.Close()
	var reason *Error
	if err := <-reasons; !errors.As(err, &reason) || reason.Code != HostStopping {
		t.Error(err)
	}
}

func TestAHostThatBreaksTheContractFailsOneExchangeOrItsConnection(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		for what, parts := range map[string][]byte{
			"a chunk before init": chunkPart([]byte("x")),
			"two inits":           join(initPart("POST", "/", length(-1)), chunkPart([]byte("x"))),
			"nothing":             {},
		} {
			e := h.open(parts)
			if what == "two inits" {
				e.send(initPart("POST", "/"))
			}
			if found := e.over(); found.ended || found.reset != 6 && found.reset != 3 {
				t.Errorf("%s: %+v", what, found)
			}
		}
		if found := h.open(get("/")).over(); !found.ended {
			t.Errorf("%+v", found)
		}
	})
	p := startPlugin(t, Plugin{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	})})
	for what, breakIt := range map[string]func(h *muxHost){
		"an exchange that was never opened": func(h *muxHost) { h.sendFrame(7, number([]byte{0x18}, 1)) },
		"a frame without an exchange":       func(h *muxHost) { h.exchanges.send(delimited(0x0a, number([]byte{0x18}, 1))) },
		"a malformed message":               func(h *muxHost) { h.exchanges.send([]byte{0x0a, 0x7f}) },
		"more than the credit": func(h *muxHost) {
			e := h.open(initPart("POST", "/", length(-1)))
			for range 5 {
				e.send(chunkPart(make([]byte, 65_536)))
			}
		},
		"more credit than may be open": func(h *muxHost) { h.open(get("/")).give(16_777_216) },
		"a compressed message":         func(h *muxHost) { h.write(dataFrame([]byte{1, 0, 0, 0, 0})) },
		"a message that is too long":   func(h *muxHost) { h.write(dataFrame([]byte{0, 0, 0x20, 0, 0})) },
		"DATA on another stream":       func(h *muxHost) { h.write(h2Frame(0, 0, 3, []byte{0})) },
		"a frame that is too long":     func(h *muxHost) { h.write([]byte{0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1}) },
		"CONTINUATION":                 func(h *muxHost) { h.write(h2Frame(9, 4, 1, nil)) },
	} {
		h := connectMux(t, p)
		breakIt(h)
		if status := <-h.status; status != "3" {
			t.Error(what, status)
		}
	}
}

func TestPaddingAndSmallPiecesAreRead(t *testing.T) {
	p := startPlugin(t, Plugin{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})})
	h := connectMux(t, p)
	// Until then the host itself writes, between the pieces.
	<-h.hello
	e := newHostExchange(t)
	h.exchanges.mu.Lock()
	h.exchanges.all[1] = e
	h.exchanges.mu.Unlock()
	message := grpcMessage(delimited(0x0a, join(number([]byte{0x08}, 1),
		delimited(0x12, join(initPart("POST", "/", length(4)), chunkPart([]byte("body")), endPart())))))
	half := len(message) / 2
	padded := join([]byte{3}, message[half:], []byte{0, 0, 0})
	for _, b := range join(dataFrame(message[:half]), h2Frame(6, 0, 0, make([]byte, 8)), h2Frame(0, 8, 1, padded)) {
		h.write([]byte{b})
	}
	if found := e.over(); string(found.body) != "body" {
		t.Errorf("%+v", found)
	}
}

// Both windows stand in TRANSPORT's measurements: with these, uploads that nobody reads can't stop a
// connection. net/http documents "less than 4 MiB" for that of the connection, and takes more.
func TestTheWindowsOfAConnectionHoldAllStreamsThatNobodyReads(t *testing.T) {
	p := startPlugin(t, Plugin{})
	conn, err := net.Dial("unix", p.path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = conn.Write(join([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), h2Frame(4, 0, 0, nil)))
	settings := map[uint16]uint32{}
	connection := uint32(65_535)
	for connection == 65_535 || len(settings) == 0 {
		kind, flags, stream, payload, err := readH2Frame(conn)
		if err != nil {
			t.Fatal(err)
		}
		if kind == 8 && stream == 0 {
			connection += binary.BigEndian.Uint32(payload)
		}
		for ; kind == 4 && flags == 0 && len(payload) > 0; payload = payload[6:] {
			settings[binary.BigEndian.Uint16(payload)] = binary.BigEndian.Uint32(payload[2:])
		}
	}
	streams, window := settings[3], settings[4]
	if streams < 100 || window < 65_535 || connection < streams*window {
		t.Errorf("%d streams of %d bytes on a connection of %d", streams, window, connection)
	}
}

func TestThePluginOfAHostTakesItsVariables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.sock")
	t.Setenv("SERVEHTTP_ADDRESS", "unix:"+path)
	t.Setenv("SERVEHTTP_TOKEN", testToken)
	t.Setenv("SERVEHTTP_PLUGIN_ID", "notes")
	running, err := (&Plugin{DrainTimeout: time.Millisecond}).Start()
	if err != nil {
		t.Fatal(err)
	}
	defer running.Close()
	if running.ID != "notes" || running.Address() != "unix:"+path {
		t.Error(running.ID, running.Address())
	}
	for _, name := range []string{"SERVEHTTP_ADDRESS", "SERVEHTTP_TOKEN", "SERVEHTTP_PLUGIN_ID"} {
		if _, found := os.LookupEnv(name); found {
			t.Error("programs that the plugin starts would inherit", name)
		}
	}
	h := dialMux(t, path, testToken)
	defer h.conn.Close()
	if found := h.open(get("/")).over(); found.status != 404 {
		t.Errorf("%+v", found)
	}
}

func TestWhatIsSaidWrongIsOneClearLine(t *testing.T) {
	taken := filepath.Join(t.TempDir(), "taken.sock")
	other, err := net.Listen("unix", taken)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for address, wanted := range map[string]string{
		"":                                  "This is a servehttp plugin: let a host start it, or run it by hand as: ",
		"nowhere":                           `the address "nowhere" is neither "unix:/path" nor "HOST:PORT"`,
		"1.2.3:80":                          "is neither",
		"unix:/no/where/p":                  "its directory does not exist",
		"unix:" + taken:                     "another process listens there",
		"unix:" + file:                      "there is a file that is not a socket",
		"192.0.2.1:1":                       "this machine does not have that address",
		"unix:/" + strings.Repeat("x", 200): "the path has 201 bytes, and the path of a socket can have",
	} {
		_, err := (&Plugin{Address: address}).Start()
		var found *Error
		if !errors.As(err, &found) || found.Code != InvalidArgument || !strings.Contains(err.Error(), wanted) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", address, err)
		}
	}
	t.Setenv("SERVEHTTP_TOKEN", "")
	if _, err := (&Plugin{Address: "127.0.0.1:0"}).Start(); err == nil || !strings.Contains(err.Error(), "the token") {
		t.Error("an empty token lets everybody in:", err)
	}
	t.Setenv("SERVEHTTP_HOST_FD", "x")
	if _, err := (&Plugin{Address: "127.0.0.1:0"}).Start(); err == nil || !strings.Contains(err.Error(), "SERVEHTTP_HOST_FD") {
		t.Error(err)
	}
}

func TestAPluginListensInPlaceOfOneThatWasKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.sock")
	killed, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	killed.SetUnlinkOnClose(false)
	killed.Close()
	running, err := (&Plugin{Address: "unix:" + path, DrainTimeout: time.Millisecond}).Start()
	if err != nil {
		t.Fatal(err)
	}
	running.Close()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestAPortIsToldAsTheSystemChoseIt(t *testing.T) {
	running, err := (&Plugin{Address: "127.0.0.1:0", DrainTimeout: time.Millisecond}).Start()
	if err != nil {
		t.Fatal(err)
	}
	defer running.Close()
	conn, err := net.Dial("tcp", running.Address())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestAHostThatReadsNothingIsCutOff(t *testing.T) {
	p := startPlugin(t, Plugin{})
	conn, err := net.Dial("unix", p.path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = conn.Write(hostOpening(testToken))
	// Each PING has an answer.
	pings := bytes.Repeat(h2Frame(6, 0, 0, make([]byte, 8)), 1_000)
	for err == nil {
		_, err = conn.Write(pings)
	}
}
