package servehttp

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestAShortResponseIsOneMessageWithWhatNetHTTPAdds(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/nothing":
		case "/html":
			_, _ = io.WriteString(w, "<html>")
			_, _ = io.WriteString(w, "</html>")
		case "/own":
			w.Header().Set("Content-Type", "application/x-own")
			w.Header()["X-M"] = []string{"b", "a"}
			w.WriteHeader(http.StatusTeapot)
			w.Header().Set("X-Late", "ignored")
			_, _ = w.Write([]byte("own"))
		case "/no-content":
			w.WriteHeader(http.StatusNoContent)
			if _, err := w.Write([]byte("x")); err != http.ErrBodyNotAllowed {
				t.Error(err)
			}
		}
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		for _, row := range []struct {
			method, path string
			status       int
			header       http.Header
			body         string
		}{
			{"GET", "/nothing", 200, http.Header{"Content-Length": {"0"}}, ""},
			{"GET", "/html", 200, http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Content-Length": {"13"}}, "<html></html>"},
			{"HEAD", "/html", 200, http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Content-Length": {"13"}}, ""},
			{"GET", "/own", 418, http.Header{"Content-Type": {"application/x-own"}, "X-M": {"b", "a"}, "Content-Length": {"3"}}, "own"},
			{"GET", "/no-content", 204, http.Header{}, ""},
		} {
			found := h.open(join(initPart(row.method, row.path), endPart())).over()
			if found.status != row.status || !reflect.DeepEqual(found.header, row.header) || string(found.body) != row.body ||
				found.messages != 1 || !found.ended {
				t.Errorf("%s %s: %+v", row.method, row.path, found)
			}
		}
	})
}

func TestFlushSendsWhatWasWritten(t *testing.T) {
	next := make(chan struct{})
	handler := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Set", "before")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		for number := range 3 {
			<-next
			fmt.Fprintf(w, "data: %d\n\n", number)
			w.(http.Flusher).Flush()
		}
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		e := h.open(get("/"))
		found := e.until("the head", func(r *received) bool { return r.flushes == 1 })
		if found.status != 200 || found.header.Get("X-Set") != "before" || len(found.body) != 0 {
			t.Errorf("%+v", found)
		}
		for number := range 3 {
			next <- struct{}{}
			e.until("an event", func(r *received) bool {
				return strings.HasSuffix(string(r.body), fmt.Sprintf("data: %d\n\n", number))
			})
		}
		e.over()
	})
}

func TestAWriteWaitsForASlowClient(t *testing.T) {
	const size = 4 << 20
	body := make([]byte, size)
	_, _ = rand.Read(body)
	var written atomic.Int64
	handler := func(w http.ResponseWriter, r *http.Request) {
		for at := 0; at < size; at += 50_000 {
			n, err := w.Write(body[at:min(at+50_000, size)])
			if err != nil {
				t.Error(err)
			}
			written.Add(int64(n))
		}
	}
	p := startPlugin(t, Plugin{Handler: http.HandlerFunc(handler)})
	h := connectMux(t, p)
	e := newHostExchange(t)
	e.keeps = true
	h.exchanges.mu.Lock()
	h.exchanges.last, h.exchanges.all[1] = 1, e
	h.exchanges.mu.Unlock()
	h.sendFrame(1, delimited(0x12, get("/")))
	found := e.untilBody(262_144)
	// Another exchange is served meanwhile.
	if other := h.open(join(initPart("HEAD", "/"), endPart())).over(); other.status != 200 {
		t.Errorf("%+v", other)
	}
	if len(found.body) != 262_144 {
		t.Error("more than the credit:", len(found.body))
	}
	// What waits at the plugin is bounded: a window, what waits, a chunk and the buffer.
	if most := int64(262_144 + 131_072 + 65_536 + 4_096 + size); written.Load() > most {
		t.Error(written.Load())
	}
	for given := 262_144; given < size; given += 65_536 {
		h.sendFrame(1, number([]byte{0x18}, 65_536))
	}
	if found := e.over(); !bytes.Equal(found.body, body) || !found.ended {
		t.Error("not what was written")
	}
}

func TestAWriteEndsWhenTheClientLeaves(t *testing.T) {
	failed := make(chan error, 1)
	handler := func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 65_536)); err != nil {
				failed <- err
				return
			}
		}
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		e := h.open(get("/"))
		e.untilBody(65_536)
		e.cancel()
		if err := <-failed; !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%#v", err)
		}
	})
}

func TestAWriteDeadlineBreaksTheResponse(t *testing.T) {
	failed := make(chan error, 1)
	handler := func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(5 * time.Millisecond)); err != nil {
			t.Error(err)
		}
		for {
			if _, err := w.Write(make([]byte, 65_536)); err != nil {
				failed <- err
				return
			}
		}
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		e := h.open(get("/"))
		if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%#v", err)
		}
		if found := e.over(); found.ended {
			t.Error("a response that was not written looks whole")
		}
	})
}

func TestInterimResponsesGoBeforeTheHead(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		for range 20 {
			w.WriteHeader(http.StatusEarlyHints)
		}
		w.WriteHeader(http.StatusContinue) // Nobody waits for it.
		w.Header().Del("Link")
		fmt.Fprint(w, "behind")
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		found := h.open(get("/")).over()
		if len(found.interim) != 16 || found.interim[0] != 103 || found.interimHead.Get("Link") == "" ||
			found.header.Get("Link") != "" || string(found.body) != "behind" {
			t.Errorf("%+v", found)
		}
		if !strings.Contains(p.log.String(), "at most 16 interim responses") {
			t.Error(p.log)
		}
	})
}

func TestTrailersFollowTheBody(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum, X-Unset")
		fmt.Fprint(w, "body")
		w.Header().Set("X-Sum", "right")
		w.Header().Set(http.TrailerPrefix+"X-Late", "too")
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		found := h.open(get("/")).over()
		wanted := http.Header{"X-Sum": {"right"}, "X-Late": {"too"}}
		if !reflect.DeepEqual(found.trailer, wanted) || found.header["Content-Length"] != nil {
			t.Errorf("%+v", found)
		}
	})
}

func TestAHandlerThatPanicsFailsItsExchangeAlone(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/before":
			fmt.Fprint(w, "not sent")
			panic("the cat sat on it")
		case "/behind":
			w.(http.Flusher).Flush()
			panic(errors.New("the dog as well"))
		case "/abort":
			panic(http.ErrAbortHandler)
		case "/invalid":
			w.WriteHeader(42)
		}
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		handlerFailed := map[int]bool{5: true, 13: true}
		for path, status := range map[string]int{"/before": 0, "/behind": 200, "/abort": 0, "/invalid": 0} {
			found := h.open(get(path)).over()
			if found.ended || !handlerFailed[found.reset] || found.status != status {
				t.Errorf("%s: %+v", path, found)
			}
		}
		if found := h.open(get("/fine")).over(); !found.ended {
			t.Errorf("%+v", found)
		}
		log := p.log.String()
		for _, text := range []string{"the cat sat on it", "the dog as well", "invalid WriteHeader code 42",
			`"level":50`, `"requestId":"r-1"`, "response_test.go"} {
			if !strings.Contains(log, text) {
				t.Errorf("no %q in %s", text, log)
			}
		}
		if strings.Count(log, "the handler panicked") != 3 {
			t.Error(log)
		}
	})
}

func TestFieldsThatHTTPDoesNotAllowNeverLeaveThePlugin(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X-Split"] = []string{"a\r\nX-Forged: b\x00 "}
		w.Header()["bad name"] = []string{"x"}
		w.Header().Set("Content-Length", "many")
		w.Header().Set("Transfer-Encoding", "gzip")
		fmt.Fprint(w, "body")
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		found := h.open(get("/")).over()
		wanted := http.Header{"X-Split": {"a  X-Forged: b"}, "Content-Length": {"4"}}
		if !reflect.DeepEqual(found.header, wanted) {
			t.Errorf("%q", found.header)
		}
	})
}

func TestAHeadThatIsTooLargeFailsTheExchange(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Large", strings.Repeat("x", 200_000))
		fmt.Fprint(w, "body")
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		if found := h.open(get("/")).over(); found.ended || found.status != 0 {
			t.Errorf("%+v", found)
		}
		if !strings.Contains(p.log.String(), "more than 131072 bytes") {
			t.Error(p.log)
		}
	})
}

func TestADeclaredLengthBoundsTheBody(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "4")
		fmt.Fprint(w, "body")
		if _, err := w.Write([]byte("more")); err != http.ErrContentLength {
			t.Error(err)
		}
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		if found := h.open(get("/")).over(); string(found.body) != "body" || found.header.Get("Content-Length") != "4" {
			t.Errorf("%+v", found)
		}
	})
}

func TestASecondWriteHeaderIsIgnoredWithOneLine(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		w.WriteHeader(http.StatusOK)
		w.WriteHeader(http.StatusOK)
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		if found := h.open(get("/")).over(); found.status != 404 {
			t.Errorf("%+v", found)
		}
		if strings.Count(p.log.String(), "WriteHeader is ignored") != 1 {
			t.Error(p.log)
		}
	})
}

func TestAHandlerMayAskForMoreTime(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) { FromContext(r.Context()).ExtendHead(time.Minute) }
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		if found := h.open(get("/")).over(); found.extension != 60_000 {
			t.Errorf("%+v", found)
		}
	})
}

func TestADuplexHandlerReadsAndWritesInTurn(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		controller := http.NewResponseController(w)
		if err := controller.EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		buffer := make([]byte, 1_000)
		for {
			n, err := r.Body.Read(buffer)
			_, _ = w.Write(buffer[:n])
			_ = controller.Flush()
			if err != nil {
				return
			}
		}
	}
	eachCarrier(t, handler, func(t *testing.T, h host, p *testPlugin) {
		e := h.open(initPart("POST", "/", length(-1)))
		for round := range 50 {
			e.send(chunkPart([]byte("ping")))
			e.untilBody(4 * (round + 1))
		}
		e.send(endPart())
		e.over()
	})
}
