package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"

	"github.com/coder/websocket"

	"servehttp.example/sdks/go/servehttp"
)

// everything answers what interop/src/engines/engine-plugin.ts answers, for a host to hold a plugin in
// Go to:
//
//	GET  /engine      the version of Go
//	POST /echo        each chunk as it comes
//	POST /hash        the SHA-256 of the body
//	GET  /events      an event at once and one for each /next-event, until the client leaves
//	GET  /next-event  how many listen
//	GET  /around      an informational response, a body, a trailer
//	GET  /broken      half a body; behind GET /break the handler panics
//	POST /cut         answers at once and reads the body; GET /was-cut waits until one was cut off
//	POST /early       413, without reading the body
//	GET  /left        waits until a client of /events has left, then says why
//	/call/…           what this plugin itself answers to a call of its own for the rest of the path
//	GET  /caller      which plugin calls
//	GET  /hang        some bytes, and then nothing; GET /hung waits until that was given up, and says why
//	GET  /ask/{id}/…  what another plugin answers
//	upgrade at /websocket   a WebSocket that gives back each message
func everything() http.Handler {
	p := &plugin{
		listeners: map[chan struct{}]struct{}{},
		left:      make(chan servehttp.Code, 1),
		hung:      make(chan servehttp.Code, 1),
		cut:       make(chan struct{}, 1),
		breaking:  make(chan struct{}),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /engine", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, runtime.Version()) })
	mux.HandleFunc("POST /echo", echoBody)
	mux.HandleFunc("POST /hash", hash)
	mux.HandleFunc("GET /events", p.events)
	mux.HandleFunc("GET /next-event", p.nextEvent)
	mux.HandleFunc("GET /around", around)
	mux.HandleFunc("GET /broken", p.broken)
	mux.HandleFunc("GET /break", func(http.ResponseWriter, *http.Request) { close(p.breaking) })
	mux.HandleFunc("POST /cut", p.cutOff)
	mux.HandleFunc("GET /was-cut", func(w http.ResponseWriter, _ *http.Request) {
		<-p.cut
		fmt.Fprint(w, "cut off")
	})
	mux.HandleFunc("POST /early", early)
	mux.HandleFunc("GET /left", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, <-p.left) })
	mux.HandleFunc("/call/", callOf(os.Getenv("SERVEHTTP_PLUGIN_ID")))
	mux.HandleFunc("GET /caller", caller)
	mux.HandleFunc("GET /hang", p.hang)
	mux.HandleFunc("GET /hung", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, <-p.hung) })
	mux.HandleFunc("GET /ask/{id}/{path...}", ask)
	mux.HandleFunc("GET /websocket", echoMessages)
	return mux
}

// plugin is what its handlers know of each other.
type plugin struct {
	mu        sync.Mutex
	listeners map[chan struct{}]struct{}
	left      chan servehttp.Code
	hung      chan servehttp.Code
	cut       chan struct{}
	breaking  chan struct{}
}

func echoBody(w http.ResponseWriter, r *http.Request) { copyAsItComes(w, r.Body) }

func copyAsItComes(w http.ResponseWriter, from io.Reader) {
	controller := http.NewResponseController(w)
	buffer := make([]byte, 65_536)
	for {
		n, err := from.Read(buffer)
		if _, failed := w.Write(buffer[:n]); failed != nil || err == io.EOF {
			return
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		_ = controller.Flush()
	}
}

func hash(w http.ResponseWriter, r *http.Request) {
	digest := sha256.New()
	if _, err := io.Copy(digest, r.Body); err == nil {
		fmt.Fprintf(w, "%x", digest.Sum(nil))
	}
}

func (p *plugin) events(w http.ResponseWriter, r *http.Request) {
	next := make(chan struct{}, 1)
	next <- struct{}{}
	p.mu.Lock()
	p.listeners[next] = struct{}{}
	p.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	for number := 1; ; number++ {
		select {
		case <-next:
			fmt.Fprintf(w, "data: %d\n\n", number)
			w.(http.Flusher).Flush()
		case <-r.Context().Done():
			p.mu.Lock()
			delete(p.listeners, next)
			p.mu.Unlock()
			var reason *servehttp.Error
			if errors.As(context.Cause(r.Context()), &reason) {
				p.left <- reason.Code
			}
			return
		}
	}
}

func (p *plugin) nextEvent(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for next := range p.listeners {
		next <- struct{}{}
	}
	fmt.Fprint(w, len(p.listeners))
}

func around(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Link", "</style.css>; rel=preload")
	w.WriteHeader(http.StatusEarlyHints)
	w.Header().Del("Link")
	w.Header().Set("Trailer", "X-Trailer")
	fmt.Fprint(w, "in between")
	w.Header().Set("X-Trailer", "behind")
}

func (p *plugin) broken(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprint(w, "half of it")
	w.(http.Flusher).Flush()
	<-p.breaking
	panic("no more")
}

func (p *plugin) cutOff(w http.ResponseWriter, r *http.Request) {
	w.(http.Flusher).Flush()
	if _, err := io.Copy(io.Discard, r.Body); errors.Is(err, io.ErrUnexpectedEOF) {
		p.cut <- struct{}{}
	}
}

func early(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusRequestEntityTooLarge)
	fmt.Fprint(w, "too much")
}

// callOf passes a request on to this plugin itself, and the response back, as they come.
func callOf(id string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		url := "http://" + id + strings.TrimPrefix(r.URL.RequestURI(), "/call")
		request, err := http.NewRequestWithContext(r.Context(), r.Method, url, r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		request.ContentLength = r.ContentLength
		response, err := servehttp.Client().Do(request)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer response.Body.Close()
		w.WriteHeader(response.StatusCode)
		copyAsItComes(w, response.Body)
		for name, values := range response.Trailer {
			w.Header()[http.TrailerPrefix+name] = values
		}
	}
}

func caller(w http.ResponseWriter, r *http.Request) {
	id := servehttp.FromContext(r.Context()).CalledBy
	if id == "" {
		id = "nobody"
	}
	fmt.Fprint(w, id)
}

func (p *plugin) hang(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, "and then")
	w.(http.Flusher).Flush()
	<-r.Context().Done()
	var reason *servehttp.Error
	if errors.As(context.Cause(r.Context()), &reason) {
		p.hung <- reason.Code
	}
}

func ask(w http.ResponseWriter, r *http.Request) {
	url := "http://" + r.PathValue("id") + "/" + r.PathValue("path")
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, url, nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	response, err := servehttp.Client().Do(request)
	var refusal *servehttp.Error
	if errors.As(err, &refusal) {
		http.Error(w, string(refusal.Code), http.StatusForbidden)
		return
	}
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(w, response.Body)
}

func echoMessages(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 20)
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		if err := conn.Write(r.Context(), kind, message); err != nil {
			return
		}
	}
}
