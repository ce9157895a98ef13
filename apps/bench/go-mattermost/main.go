// Mattermost's way of serving HTTP from a plugin (package plugin): the server's environment starts
// the plugin, and its ServeHTTP hook calls it by net/rpc. With DIRECTORY it is the host, and starts
// itself from there, without arguments, as the plugin.
package main

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/mattermost/mattermost/server/public/model"
	"github.com/mattermost/mattermost/server/public/plugin"
	"github.com/mattermost/mattermost/server/public/shared/mlog"
	handler "servehttp/bench/go-handler"
)

const pluginID = "bench"

func main() {
	if len(os.Args) == 1 {
		plugin.ClientMain(&benchPlugin{handler: handler.New()})
	} else if err := serveHost(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

type benchPlugin struct {
	plugin.MattermostPlugin
	handler http.Handler
}

func (p *benchPlugin) ServeHTTP(_ *plugin.Context, w http.ResponseWriter, r *http.Request) {
	p.handler.ServeHTTP(w, r)
}

// noAPI is the server's side for the plugin, of which this one uses nothing.
type noAPI struct{ plugin.API }

func (noAPI) LoadPluginConfiguration(any) error { return nil }

func serveHost(directory string) error {
	plugins := filepath.Join(directory, "plugins")
	if err := install(plugins); err != nil {
		return err
	}
	logger, err := mlog.NewLogger()
	if err != nil {
		return err
	}
	newAPI := func(*model.Manifest) plugin.API { return noAPI{} }
	environment, err := plugin.NewEnvironment(newAPI, nil, plugins, filepath.Join(directory, "webapp"), logger, nil)
	if err != nil {
		return err
	}
	if _, _, err := environment.Activate(pluginID); err != nil {
		return err
	}
	defer environment.Shutdown()
	hooks, err := environment.HooksForPlugin(pluginID)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	announcement := map[string]int{"port": listener.Addr().(*net.TCPAddr).Port}
	if err := json.NewEncoder(os.Stdout).Encode(announcement); err != nil {
		return err
	}
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, syscall.SIGTERM)
	go func() {
		<-stopped
		_ = listener.Close()
	}()
	err = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hooks.ServeHTTP(&plugin.Context{}, w, r)
	}))
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// install puts this program where the environment looks for the plugin.
func install(plugins string) error {
	own := filepath.Join(plugins, pluginID)
	if err := os.MkdirAll(own, 0o700); err != nil {
		return err
	}
	manifest := model.Manifest{
		Id:      pluginID,
		Name:    pluginID,
		Version: "1.0.0",
		Server: &model.ManifestServer{
			Executables: map[string]string{runtime.GOOS + "-" + runtime.GOARCH: "plugin"},
		},
	}
	text, err := json.Marshal(manifest)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(own, "plugin.json"), text, 0o600); err != nil {
		return err
	}
	program, err := os.Open(os.Args[0])
	if err != nil {
		return err
	}
	defer program.Close()
	copied, err := os.OpenFile(filepath.Join(own, "plugin"), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	if _, err := io.Copy(copied, program); err != nil {
		return err
	}
	return copied.Close()
}
