package servehttp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestARequestIsAsNetHTTPWouldHaveReadIt(t *testing.T) {
	seen := make(chan *http.Request, 1)
	handler := func(w http.ResponseWriter, r *http.Request) { seen <- r }
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		h.open(get("/a%2Fb?q=1&;x",
			field("X-M", "a", "caf\xe9"), field("x-m", "b"), field("Cookie", "a=1", "b=2"), length(0),
			basePath("/plugins/notes"), contextEntry("user", "ada"), contextEntry("locale", "de"),
		)).over()
		r := <-seen
		if r.Method != "GET" || r.URL.Path != "/a/b" || r.URL.RawPath != "/a%2Fb" || r.URL.RawQuery != "q=1&;x" {
			t.Errorf("%s %+v", r.Method, r.URL)
		}
		if r.RequestURI != "/plugins/notes/a%2Fb?q=1&;x" || r.Host != "example.org" || r.RemoteAddr != "192.0.2.1:4711" {
			t.Error(r.RequestURI, r.Host, r.RemoteAddr)
		}
		if r.Proto != "HTTP/1.1" || r.ProtoMajor != 1 || r.ProtoMinor != 1 || r.ContentLength != 0 || r.TLS != nil {
			t.Error(r.Proto, r.ProtoMajor, r.ProtoMinor, r.ContentLength, r.TLS)
		}
		wanted := http.Header{"X-M": {"a", "caf\xe9", "b"}, "Cookie": {"a=1", "b=2"}}
		if !reflect.DeepEqual(r.Header, wanted) {
			t.Errorf("%q", r.Header)
		}
		exchange := FromContext(r.Context())
		if exchange.ID != "r-1" || exchange.BasePath != "/plugins/notes" || exchange.Scheme != "http" ||
			!reflect.DeepEqual(exchange.Context, map[string]string{"user": "ada", "locale": "de"}) {
			t.Errorf("%+v", exchange)
		}
		if _, ok := r.Context().Value(http.ServerContextKey).(*http.Server); !ok {
			t.Error("httputil.ReverseProxy ends broken transfers cleanly where there is no server")
		}
	})
}

func TestSecureClientsAreSeenByTheTLSOfTheRequest(t *testing.T) {
	seen := make(chan *http.Request, 1)
	handler := func(w http.ResponseWriter, r *http.Request) { seen <- r }
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		h.open(get("/", delimited(0x72, "https"))).over()
		if r := <-seen; r.TLS == nil || r.TLS.ServerName != "example.org" {
			t.Errorf("%+v", r.TLS)
		}
	})
}

func TestABodyIsReadAsItComesWithItsTrailers(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		digest := sha256.New()
		size, err := io.Copy(digest, r.Body)
		_, again := r.Body.Read(make([]byte, 1))
		fmt.Fprintf(w, "%d %v %v %x %s", size, err, again, digest.Sum(nil), r.Trailer.Get("X-Sum"))
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		for _, size := range []int{0, 1, 65_535, 65_536, 65_537, 1_048_576} {
			body := make([]byte, size)
			_, _ = rand.Read(body)
			e := h.open(initPart("POST", "/", length(-1), field("Trailer", "X-Sum")))
			sendBody(e, body)
			e.send(endPart(headerField("x-sum", "right")))
			wanted := fmt.Sprintf("%d <nil> EOF %x right", size, sha256.Sum256(body))
			if found := e.over(); string(found.body) != wanted {
				t.Errorf("%d bytes: %s", size, found.body)
			}
		}
	})
}

// sendBody sends a body as the windows allow.
func sendBody(e *hostExchange, body []byte) {
	sent := 0
	for len(body) > 0 {
		chunk := body[:min(len(body), 65_536)]
		body = body[len(chunk):]
		e.send(chunkPart(chunk))
		if sent += len(chunk); sent >= 262_144 && len(body) > 0 {
			e.waitForCredit(sent)
		}
	}
}

// waitForCredit waits, on mux, until the plugin has given credit for another chunk.
func (e *hostExchange) waitForCredit(sent int) {
	e.t.Helper()
	if !e.counts {
		return
	}
	e.until("credit", func(r *received) bool { return r.credit+262_144 >= sent+65_536 || r.over() })
}

func TestAnUploadThatWasCutOffNeverLooksWhole(t *testing.T) {
	read := make(chan error, 1)
	handler := func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		_, err := io.ReadAll(r.Body)
		read <- err
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		e := h.open(join(initPart("POST", "/", length(-1)), chunkPart([]byte("half of it"))))
		e.until("the head", func(r *received) bool { return r.status == 200 })
		e.cancel()
		err := <-read
		var found *Error
		if !errors.As(err, &found) || found.Code != ClientDisconnected || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%v", err)
		}
	})
}

func TestTheContextEndsWhenTheClientLeaves(t *testing.T) {
	left := make(chan error, 1)
	handler := func(w http.ResponseWriter, r *http.Request) {
		gone := w.(http.CloseNotifier).CloseNotify() //nolint:staticcheck // Gin asks for it.
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		<-gone
		left <- context.Cause(r.Context())
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		e := h.open(get("/"))
		e.until("the head", func(r *received) bool { return r.status == 200 })
		e.cancel()
		var found *Error
		if err := <-left; !errors.As(err, &found) || found.Code != ClientDisconnected {
			t.Errorf("%v", err)
		}
		if strings.Contains(p.log.String(), "panic") {
			t.Error(p.log)
		}
	})
}

func TestTheContextHasTheDeadline(t *testing.T) {
	ended := make(chan error, 1)
	deadlines := make(chan time.Time, 1)
	handler := func(w http.ResponseWriter, r *http.Request) {
		deadline, _ := r.Context().Deadline()
		deadlines <- deadline
		<-r.Context().Done()
		ended <- r.Context().Err()
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		at := time.Now().Add(20 * time.Millisecond).Truncate(time.Millisecond)
		h.open(get("/", deadlineAt(at)))
		if deadline := <-deadlines; !deadline.Equal(at) {
			t.Error(deadline, at)
		}
		if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestTheFirstReadAsksForABodyThatTheClientHoldsBack(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Expect") != "100-continue" {
			t.Errorf("%q", r.Header)
		}
		switch r.URL.Path {
		case "/refused":
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		case "/too-late":
			w.(http.Flusher).Flush()
			_, err := io.ReadAll(r.Body)
			fmt.Fprint(w, err != nil)
		default:
			body, _ := io.ReadAll(r.Body)
			_, _ = w.Write(body)
		}
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		asked := h.open(initPart("POST", "/", length(4), expectContinue()))
		asked.until("a 100", func(r *received) bool { return reflect.DeepEqual(r.interim, []int{100}) })
		asked.send(join(chunkPart([]byte("body")), endPart()))
		if found := asked.over(); string(found.body) != "body" || len(found.interim) != 1 {
			t.Errorf("%+v", found)
		}
		refused := h.open(initPart("POST", "/refused", length(4), expectContinue())).over()
		if refused.status != 413 || refused.interim != nil {
			t.Errorf("%+v", refused)
		}
		if late := h.open(initPart("POST", "/too-late", length(4), expectContinue())).over(); string(late.body) != "true" {
			t.Errorf("%s", late.body)
		}
	})
}

func TestAReadDeadlineEndsARead(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		controller := http.NewResponseController(w)
		if err := controller.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
			t.Error(err)
		}
		_, err := r.Body.Read(make([]byte, 1))
		fmt.Fprint(w, errors.Is(err, os.ErrDeadlineExceeded))
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		if found := h.open(initPart("POST", "/", length(-1))).over(); string(found.body) != "true" {
			t.Errorf("%s", found.body)
		}
	})
}

func TestAHandlerThatDoesNotReadStopsItsClientAndNobodyElse(t *testing.T) {
	release := make(chan struct{})
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/unread" {
			w.(http.Flusher).Flush()
			<-release
		}
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		var unread []*hostExchange
		for range 30 {
			e := h.open(initPart("POST", "/unread", length(-1)))
			for range 4 {
				e.send(chunkPart(make([]byte, 65_536)))
			}
			unread = append(unread, e)
		}
		for _, e := range unread {
			found := e.until("the head", func(r *received) bool { return r.status == 200 })
			if found.credit != 0 {
				t.Error("credit for what nobody has read", found.credit)
			}
		}
		for range 30 {
			if found := h.open(get("/")).over(); found.status != 200 {
				t.Errorf("%+v", found)
			}
		}
		for range unread {
			release <- struct{}{}
		}
	})
}

func TestWhatIsNotReadIsDiscardedBehindTheResponse(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		_ = r.Body.Close()
		if _, err := r.Body.Read(make([]byte, 1)); err != http.ErrBodyReadAfterClose {
			t.Error(err)
		}
		http.Error(w, "too much", http.StatusRequestEntityTooLarge)
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		e := h.open(join(initPart("POST", "/", length(-1)), chunkPart([]byte("the first of much"))))
		if found := e.over(); found.status != 413 || string(found.body) != "too much\n" || !found.ended {
			t.Errorf("%+v", found)
		}
	})
}
