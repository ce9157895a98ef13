package main

import (
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"

	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
)

// Each application serves the same few things in the manner of its framework:
//
//	GET  /hello/{name}  JSON, with a cookie
//	GET  /large         64 KiB of text, which the compressing middleware compresses
//	POST /upload        the SHA-256 of the file in a form
//	GET  /stream        three events
//	GET  /panic         what its framework makes of it
//	GET  /file          a file, with ranges and 304
//	upgrade at /websocket   gives back each message

const greeting = "hello, "

func chiApp() http.Handler {
	r := chi.NewRouter()
	r.Use(chimiddleware.RequestID, chimiddleware.RealIP, chimiddleware.Recoverer)
	r.Get("/hello/{name}", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes", Path: "/"})
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"text":%q}`, greeting+chi.URLParam(r, "name"))
	})
	r.With(chimiddleware.Compress(gzip.DefaultCompression)).Get("/large", writeLarge)
	r.Post("/upload", func(w http.ResponseWriter, r *http.Request) { writeSum(w, formFile(r)) })
	r.Get("/stream", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for number := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", number)
			w.(http.Flusher).Flush()
		}
	})
	r.Get("/panic", func(http.ResponseWriter, *http.Request) { panic("in the application") })
	r.Get("/file", serveFile)
	r.Get("/websocket", echoMessages)
	return r
}

// proxyApp is httputil.ReverseProxy in front of a server of its own, which serves what chi does and
// what only a proxy has trouble with.
func proxyApp() http.Handler {
	inner := chiApp().(chi.Router)
	inner.Get("/around", around)
	inner.Get("/broken-off", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "half of it")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() { panic(http.Serve(listener, inner)) }()
	target := &url.URL{Scheme: "http", Host: listener.Addr().String()}
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}
}

func writeLarge(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	for number := range 4_096 {
		fmt.Fprintf(w, "line %9d\n", number)
	}
}

func formFile(r *http.Request) io.Reader {
	file, _, err := r.FormFile("file")
	if err != nil {
		panic(err)
	}
	return file
}

func writeSum(w io.Writer, from io.Reader) {
	digest := sha256.New()
	if _, err := io.Copy(digest, from); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		panic(err)
	}
	fmt.Fprintf(w, "%x", digest.Sum(nil))
}
