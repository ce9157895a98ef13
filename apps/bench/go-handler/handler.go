// Package handler is the bench's plugin as a handler of net/http. The paths are those of
// src/programs/serve-bench.ts.
package handler

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
)

var (
	smallBody = []byte("Hello, world\n")
	block     = make([]byte, 64*1024)
)

// New returns the handler.
func New() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /small", small)
	mux.HandleFunc("POST /echo", echo)
	mux.HandleFunc("POST /upload", upload)
	mux.HandleFunc("GET /download", download)
	return mux
}

func small(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Content-Length", strconv.Itoa(len(smallBody)))
	_, _ = w.Write(smallBody)
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

func upload(w http.ResponseWriter, r *http.Request) {
	bytes, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	answer, err := json.Marshal(map[string]int64{"bytes": bytes})
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(answer)
}

func download(w http.ResponseWriter, r *http.Request) {
	left, err := strconv.Atoi(r.URL.Query().Get("bytes"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(left))
	for left > 0 {
		written, err := w.Write(block[:min(left, len(block))])
		if err != nil {
			return
		}
		left -= written
	}
}
