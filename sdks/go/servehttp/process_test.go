package servehttp

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// asPlugin makes the test's own program a plugin.
const asPlugin = "SERVEHTTP_GO_TEST_PLUGIN"

func TestMain(m *testing.M) {
	if os.Getenv(asPlugin) == "" {
		os.Exit(m.Run())
	}
	err := Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		if r.URL.Path == "/slow" {
			<-r.Context().Done()
		}
	}))
	fmt.Fprintln(os.Stderr, "Serve returned", err)
}

// pluginProcess is a plugin that was started.
type pluginProcess struct {
	*exec.Cmd
	lines *bufio.Scanner
}

func startProcess(t *testing.T) *pluginProcess {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &pluginProcess{Cmd: exec.Command(program, "--listen", "unix:"+filepath.Join(t.TempDir(), "p.sock"))}
	p.Env = append(os.Environ(), asPlugin+"=1")
	output, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(output)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() })
	if !p.lines.Scan() || p.lines.Text() != "listening on "+p.Args[2] {
		t.Fatal(p.lines.Text())
	}
	return p
}

// connect connects a host.
func (p *pluginProcess) connect(t *testing.T) *muxHost {
	t.Helper()
	return dialMux(t, strings.TrimPrefix(p.Args[2], "unix:"), "")
}

func TestASignalEndsAPluginOnceWhatRunsHasEnded(t *testing.T) {
	p := startProcess(t)
	h := p.connect(t)
	slow := h.open(get("/slow"))
	slow.until("the head", func(r *received) bool { return r.status == 200 })
	_ = p.Process.Signal(syscall.SIGTERM)
	<-h.draining
	slow.cancel()
	h.write(h2Frame(0, 1, 1, nil))
	if !p.lines.Scan() || p.lines.Text() != "Serve returned <nil>" {
		t.Error(p.lines.Text())
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

func TestASecondSignalEndsAPluginAtOnce(t *testing.T) {
	p := startProcess(t)
	h := p.connect(t)
	h.open(get("/slow")).until("the head", func(r *received) bool { return r.status == 200 })
	_ = p.Process.Signal(syscall.SIGINT)
	<-h.draining
	_ = p.Process.Signal(syscall.SIGTERM)
	_ = p.Wait()
	if code := p.ProcessState.ExitCode(); code != 128+int(syscall.SIGTERM) {
		t.Error(code)
	}
}

func TestAPluginServesTLS(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	p := startPlugin(t, Plugin{
		TLSConfig: &tls.Config{Certificates: certified.TLS.Certificates},
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "secret") }),
	})
	raw, err := net.Dial("unix", p.path)
	if err != nil {
		t.Fatal(err)
	}
	conn := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	h := serveMuxOver(t, conn, testToken)
	if found := h.open(get("/")).over(); string(found.body) != "secret" {
		t.Errorf("%+v", found)
	}
}
