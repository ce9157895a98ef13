package servehttp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

func TestAHijackedConnectionCarriesRawBytesBothWays(t *testing.T) {
	conns := make(chan net.Conn, 1)
	handler := func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		if _, _, err := w.(http.Hijacker).Hijack(); err != http.ErrHijacked {
			t.Error(err)
		}
		if _, err := w.Write([]byte("x")); err != http.ErrHijacked {
			t.Error(err)
		}
		if buffered.Reader.Buffered() != 0 || conn.RemoteAddr().String() != "192.0.2.1:4711" {
			t.Error(buffered.Reader.Buffered(), conn.RemoteAddr())
		}
		fmt.Fprint(buffered, "HTTP/1.1 101 \r\n\r\n")
		_ = buffered.Flush()
		conns <- conn // It lives on.
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		e := h.open(get("/", hijackable(), tunnelHead("first ")))
		conn := <-conns
		e.until("the head", func(r *received) bool { return r.hijacked && r.tunnel == "HTTP/1.1 101 \r\n\r\n" })
		e.send(tunnelPart("then"))
		e.send(tunnelEndPart())
		if all, err := io.ReadAll(conn); string(all) != "first then" || err != nil {
			t.Errorf("%s %v", all, err)
		}
		if p.InFlight() == 0 {
			t.Error("a closing plugin would not wait for the connection")
		}
		fmt.Fprint(conn, "still there")
		_ = conn.Close()
		found := e.until("the end", func(r *received) bool { return r.tunnelEnded })
		if found.tunnel != "HTTP/1.1 101 \r\n\r\nstill there" {
			t.Errorf("%q", found.tunnel)
		}
		if _, err := conn.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		<-p.service.running.whenIdle()
	})
}

func TestAHijackedConnectionHalfClosesAndClosesEarly(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.(interface{ CloseWrite() error }).CloseWrite()
		line, _ := bufio.NewReader(conn).ReadString('\n')
		if line != "bye\n" {
			t.Errorf("%q", line)
		}
		_ = conn.Close()
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		e := h.open(get("/", hijackable()))
		e.until("the end of the plugin's way", func(r *received) bool { return r.tunnelEnded })
		e.send(tunnelPart("bye\n"))
		<-p.service.running.whenIdle()
	})
}

func TestAHijackedConnectionHasDeadlinesAndEndsWithItsClient(t *testing.T) {
	failures := make(chan error, 2)
	handler := func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.SetDeadline(time.Now().Add(time.Millisecond))
		_, err = conn.Read(make([]byte, 1))
		failures <- err
		_ = conn.SetDeadline(time.Time{})
		_, err = conn.Read(make([]byte, 1))
		failures <- err
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		e := h.open(get("/", hijackable()))
		if err := <-failures; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		e.cancel()
		if err := <-failures; !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(err)
		}
		<-p.service.running.whenIdle()
	})
}

func TestAConnectionThatCannotBeTakenOverCanStillBeAnswered(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/begun" {
			w.WriteHeader(http.StatusOK)
		}
		_, _, err := http.NewResponseController(w).Hijack()
		fmt.Fprint(w, err != nil, errors.Is(err, http.ErrNotSupported))
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		if found := h.open(get("/")).over(); string(found.body) != "true true" {
			t.Errorf("%s", found.body)
		}
		if found := h.open(get("/begun", hijackable())).over(); string(found.body) != "true false" {
			t.Errorf("%s", found.body)
		}
	})
}

func TestAHandlerThatPanicsBreaksTheConnectionThatItTookOver(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		_, _, _ = http.NewResponseController(w).Hijack()
		panic(http.ErrAbortHandler)
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		h.open(get("/", hijackable())).until("a reset", func(r *received) bool { return r.reset != 0 })
		<-p.service.running.whenIdle()
	})
}

// github.com/coder/websocket does it so.
func TestAStatus101GoesOutAsTheConnectionIsHijacked(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Upgrade", "websocket")
		w.WriteHeader(http.StatusSwitchingProtocols)
		w.Header().Set("Late", "ignored")
		if _, err := w.Write([]byte("x")); err != http.ErrBodyNotAllowed {
			t.Error(err)
		}
		if r.URL.Path == "/forgotten" {
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(conn, "behind")
		_ = conn.Close()
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		found := h.open(get("/", hijackable())).until("the end", func(r *received) bool { return r.tunnelEnded })
		if found.tunnel != "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nbehind" || !found.hijacked {
			t.Errorf("%+v", found)
		}
		if found := h.open(get("/forgotten", hijackable())).over(); found.ended || found.status != 0 {
			t.Errorf("%+v", found)
		}
		if !strings.Contains(p.log.String(), "did not hijack") {
			t.Error(p.log)
		}
	})
}
