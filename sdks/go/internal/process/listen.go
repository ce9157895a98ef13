package process

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	"servehttp.example/sdks/go/internal/fault"
)

// Listener listens, and removes the file of its socket when it is closed.
type Listener struct {
	net.Listener
	address Address
	once    sync.Once
	// file is the socket's; nil for a port.
	file os.FileInfo
}

// Listen listens. At the file of a socket on which nobody listens any more, which a plugin leaves that
// is killed, it listens in its place. The error says in one line why it can't.
func Listen(address Address) (*Listener, error) {
	listener, err := net.Listen(address.Network, address.Name)
	if err != nil && address.Network == "unix" && errors.Is(err, syscall.EADDRINUSE) && removeStale(address.Name) {
		listener, err = net.Listen(address.Network, address.Name)
	}
	if err != nil {
		return nil, fault.New(fault.InvalidArgument,
			fmt.Sprintf("can't listen on %q: %s", address.String(), problem(address, err)))
	}
	found := &Listener{Listener: listener, address: address}
	if unix, ok := listener.(*net.UnixListener); ok {
		unix.SetUnlinkOnClose(false)
		found.file, _ = os.Lstat(address.Name)
	} else {
		found.address.Name = listener.Addr().String()
	}
	return found, nil
}

// Address is where it listens, with the port that the system chose.
func (l *Listener) Address() Address { return l.address }

// Close takes no more connections, and removes the file of the socket.
func (l *Listener) Close() error {
	err := l.Listener.Close()
	l.RemoveFile()
	return err
}

// RemoveFile removes the file of the socket, unless it is another's by now.
func (l *Listener) RemoveFile() {
	if l.file == nil {
		return
	}
	l.once.Do(func() {
		if now, err := os.Lstat(l.address.Name); err == nil && os.SameFile(l.file, now) && now.ModTime().Equal(l.file.ModTime()) {
			os.Remove(l.address.Name)
		}
	})
}

// removeStale removes the file of a socket on which no process listens. It says whether it did.
func removeStale(path string) bool {
	before, err := os.Lstat(path)
	if err != nil || before.Mode()&os.ModeSocket == 0 {
		return false
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close()
		return false
	}
	// Only that proves that no process listens.
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return false
	}
	after, err := os.Lstat(path)
	return err == nil && os.SameFile(before, after) && os.Remove(path) == nil
}

func problem(address Address, err error) string {
	var noName *net.DNSError
	switch {
	case address.Network == "unix" && len(address.Name) > pathBytesMax():
		return fmt.Sprintf("the path has %d bytes, and the path of a socket can have %d", len(address.Name), pathBytesMax())
	case address.Network == "unix" && !isDirectory(filepath.Dir(address.Name)):
		return "its directory does not exist"
	case address.Network == "unix" && errors.Is(err, syscall.EADDRINUSE) && !isSocket(address.Name):
		return "there is a file that is not a socket"
	case errors.Is(err, syscall.EADDRINUSE):
		return "another process listens there"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "this machine does not have that address"
	case errors.As(err, &noName):
		return "there is no host of that name"
	}
	var number syscall.Errno
	if errors.As(err, &number) {
		return number.Error()
	}
	return err.Error()
}

func pathBytesMax() int {
	if runtime.GOOS == "linux" {
		return 107
	}
	return 103
}

func isDirectory(path string) bool {
	found, err := os.Stat(path)
	return err == nil && found.IsDir()
}

func isSocket(path string) bool {
	found, err := os.Lstat(path)
	return err == nil && found.Mode()&os.ModeSocket != 0
}
