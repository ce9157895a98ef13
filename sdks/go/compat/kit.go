package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	digests "hash"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"servehttp.example/sdks/go/servehttp"
)

const (
	periodBytes = 100_003
	pieceBytes  = 65_536
)

// kit answers the routes by which servehttp-conformance checks a plugin: docs/porting.md has them.
func kit() http.Handler {
	k := &kitPlugin{requests: map[string]*stepping{}, gates: map[string]chan struct{}{}}
	// A ServeMux would redirect the paths that it finds unclean.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route, key, _ := strings.Cut(r.URL.Path[1:], "/")
		switch route {
		case "describe":
			describe(w, r)
		case "steps":
			k.runSteps(key, w, r)
		case "seen":
			k.seen(key, w)
		case "go":
			k.open(key)
		default:
			http.NotFound(w, r)
		}
	})
}

type kitPlugin struct {
	mu       sync.Mutex
	requests map[string]*stepping
	gates    map[string]chan struct{}
}

// stepping is a request of /steps.
type stepping struct {
	key     string
	writer  http.ResponseWriter
	request *http.Request

	mu      sync.Mutex
	state   string
	body    string
	read    int
	written int
	aborted string
	digest  digests.Hash
}

func (k *kitPlugin) gate(key string) chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.gates[key] == nil {
		k.gates[key] = make(chan struct{}, 1)
	}
	return k.gates[key]
}

func (k *kitPlugin) open(key string) { k.gate(key) <- struct{}{} }

func (k *kitPlugin) seen(key string, w http.ResponseWriter) {
	k.mu.Lock()
	s := k.requests[key]
	k.mu.Unlock()
	if s == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer(w, map[string]any{
		"state": s.state, "body": s.body, "read": s.read, "written": s.written,
		"readSha256": hex.EncodeToString(s.digest.Sum(nil)), "aborted": cmp.Or(s.aborted, reasonOf(context.Cause(s.request.Context()))),
	})
}

func reasonOf(err error) string {
	var reason *servehttp.Error
	if errors.As(err, &reason) {
		return string(reason.Code)
	}
	return ""
}

func (k *kitPlugin) runSteps(key string, w http.ResponseWriter, r *http.Request) {
	s := &stepping{key: key, writer: w, request: r, state: "running", body: "open", digest: sha256.New()}
	k.mu.Lock()
	k.requests[key] = s
	k.mu.Unlock()
	defer func() {
		if failure := recover(); failure != nil {
			s.set(func() { s.state = "failed" })
			panic(failure)
		}
		s.set(func() { s.state = "returned" })
	}()
	for step := range strings.SplitSeq(r.URL.RawQuery, "&") {
		name, value, _ := strings.Cut(step, "=")
		s.run(name, value, k.gate(key))
	}
}

func (s *stepping) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *stepping) run(name, value string, gate <-chan struct{}) {
	controller := http.NewResponseController(s.writer)
	header := s.writer.Header()
	number, _ := strconv.Atoi(value)
	field, octets, _ := strings.Cut(value, ":")
	text, _ := hex.DecodeString(octets)
	switch name {
	case "status":
		s.writer.WriteHeader(number)
	case "header":
		header.Add(field, string(text))
	case "trailer":
		header.Add(http.TrailerPrefix+field, string(text))
	case "hint":
		header.Set("Link", "</style.css>; rel=preload")
		s.writer.WriteHeader(number)
		header.Del("Link")
	case "flush":
		s.abortOn(controller.Flush())
	case "write":
		s.write(number)
	case "read":
		s.readAll(func([]byte) {})
	case "echo":
		s.readAll(func(chunk []byte) {
			_, err := s.writer.Write(chunk)
			s.abortOn(err)
			s.abortOn(controller.Flush())
		})
	case "wait":
		select {
		case <-gate:
		case <-s.request.Context().Done():
			panic(http.ErrAbortHandler)
		}
	case "tunnel":
		tunnel(controller)
	case "fail":
		panic("a detail that no client may see")
	}
}

// abortOn fails the step, and keeps why: an error may come before the context is done.
func (s *stepping) abortOn(err error) {
	if err != nil {
		s.set(func() { s.aborted = reasonOf(err) })
	}
	abortOn(err)
}

func abortOn(err error) {
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

func (s *stepping) write(size int) {
	if size == 0 {
		_, err := s.writer.Write(nil)
		s.abortOn(err)
	}
	end := s.written + size
	period := periodOf(s.key, min(end, periodBytes))
	for s.written < end {
		at := s.written % periodBytes
		piece := period[at:min(at+pieceBytes, at+end-s.written, periodBytes)]
		_, err := s.writer.Write(piece)
		s.abortOn(err)
		s.set(func() { s.written += len(piece) })
	}
}

// periodOf is the beginning of what write repeats.
func periodOf(key string, size int) []byte {
	var period []byte
	for block := 0; len(period) < size; block++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s:%d", key, block))
		period = append(period, sum[:]...)
	}
	return period[:size]
}

func (s *stepping) readAll(take func(chunk []byte)) {
	buffer := make([]byte, pieceBytes)
	for {
		n, err := s.request.Body.Read(buffer)
		if n > 0 {
			s.set(func() {
				s.digest.Write(buffer[:n])
				s.read += n
			})
			take(buffer[:n])
		}
		if err == io.EOF {
			s.set(func() { s.body = "ended" })
			return
		}
		if err != nil {
			s.set(func() { s.body = "cut" })
			s.abortOn(err)
		}
	}
}

// tunnel gives back what the client sends. Where there is none, the next step goes on.
func tunnel(controller *http.ResponseController) {
	conn, buffered, err := controller.Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, err = io.Copy(conn, buffered)
	abortOn(err)
}

func describe(w http.ResponseWriter, r *http.Request) {
	digest := sha256.New()
	size, err := io.Copy(digest, r.Body)
	abortOn(err)
	exchange := servehttp.FromContext(r.Context())
	url := r.URL.EscapedPath()
	if r.URL.RawQuery != "" {
		url += "?" + r.URL.RawQuery
	}
	var contentLength, deadline any
	if r.ContentLength >= 0 {
		contentLength = r.ContentLength
	}
	if at, ok := r.Context().Deadline(); ok {
		deadline = at.UnixMilli()
	}
	answer(w, map[string]any{
		"method": r.Method, "url": url, "basePath": exchange.BasePath, "requestUri": r.RequestURI,
		"protocol": r.Proto, "scheme": exchange.Scheme, "host": r.Host, "remoteAddress": r.RemoteAddr,
		"contentLength": contentLength, "deadlineMs": deadline, "id": exchange.ID, "context": exchange.Context,
		"headers": pairsOf(r.Header), "bodyBytes": size, "bodySha256": hex.EncodeToString(digest.Sum(nil)),
		"trailers": pairsOf(r.Trailer),
	})
}

// pairsOf has a character for each byte.
func pairsOf(header http.Header) [][2]string {
	pairs := [][2]string{}
	for name, values := range header {
		for _, value := range values {
			var text strings.Builder
			for _, octet := range []byte(value) {
				text.WriteRune(rune(octet))
			}
			pairs = append(pairs, [2]string{name, text.String()})
		}
	}
	return pairs
}

func answer(w http.ResponseWriter, value any) {
	if err := json.NewEncoder(w).Encode(value); err != nil {
		panic(http.ErrAbortHandler)
	}
}
