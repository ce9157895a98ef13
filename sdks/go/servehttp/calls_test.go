package servehttp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// callHost is the part of a host that takes calls.
func callHost(t *testing.T, handler http.HandlerFunc) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "calls.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler}}
	server.Start()
	calls.configure("unix:"+path, "calls-token")
	t.Cleanup(func() {
		calls.transport.CloseIdleConnections()
		server.Close()
		calls.token, calls.transport = "", nil
	})
}

func TestACallSaysWhoCallsAndWithinWhichExchange(t *testing.T) {
	callHost(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Trailer")
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %q %q %s", r.Method, r.RequestURI, r.Header.Get("Servehttp-Token"),
			r.Header.Get("Servehttp-Exchange"), r.Header.Get("X-Own"), body)
		w.Header().Set("X-Trailer", "behind")
	})
	within := NewContext(context.Background(), &Exchange{ID: "r-9"})
	for exchange, ctx := range map[string]context.Context{"r-9": within, "": context.Background()} {
		request, err := http.NewRequestWithContext(ctx, "POST", "http://search.v2/a%2Fb?q=1&x", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Own", "own")
		request.Header.Set("Servehttp-Exchange", "forged")
		response, err := Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		wanted := fmt.Sprintf(`POST /search.v2/a%%2Fb?q=1&x calls-token %q "own" body`, exchange)
		if string(body) != wanted || err != nil || response.Trailer.Get("X-Trailer") != "behind" {
			t.Errorf("%s %v %v", body, err, response.Trailer)
		}
	}
}

func TestACallThatTheHostDoesNotMakeIsAnError(t *testing.T) {
	refused := func(url string) *Error {
		t.Helper()
		_, err := Client().Get(url)
		var found *Error
		if !errors.As(err, &found) {
			t.Errorf("%s: %v", url, err)
			return &Error{}
		}
		return found
	}
	if found := refused("http://search/"); found.Code != CallRefused || !strings.Contains(found.Message, `mayCall: ["search"]`) {
		t.Errorf("%+v", found)
	}
	callHost(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/search/redirects" {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
			return
		}
		w.Header().Set("Servehttp-Call", "name it in mayCall")
		w.WriteHeader(http.StatusForbidden)
	})
	if found := refused("http://search/"); found.Code != CallRefused || found.Message != "name it in mayCall" {
		t.Errorf("%+v", found)
	}
	if found := refused("http://a:80/"); found.Code != InvalidArgument {
		t.Errorf("%+v", found)
	}
	response, err := Client().Get("http://search/redirects")
	if err != nil || response.StatusCode != http.StatusFound {
		t.Error(response, err)
	}
}

func TestACallThatBreaksOffNeverLooksWhole(t *testing.T) {
	callHost(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "half of it")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	response, err := Client().Get("http://search/")
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(response.Body).ReadString('\n')
	if line != "half of it" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q %v", line, err)
	}
}
