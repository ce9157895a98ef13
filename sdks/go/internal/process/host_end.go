package process

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"

	"servehttp.example/sdks/go/internal/fault"
)

// EndWithHost ends this process when the host that started it has ended: the host holds one end of a
// pipe, which the kernel closes however the host ends, and descriptor is the other. It calls before
// and then exits with code 1.
func EndWithHost(descriptor string, before func()) error {
	if descriptor == "" {
		return nil
	}
	number, err := strconv.Atoi(descriptor)
	var found syscall.Stat_t
	if err != nil || number < 0 || syscall.Fstat(number, &found) != nil {
		return fault.New(fault.InvalidArgument, fmt.Sprintf(
			"SERVEHTTP_HOST_FD is %q, which is not the number of an open pipe", descriptor))
	}
	// Programs that the plugin starts must not hold it.
	syscall.CloseOnExec(number)
	pipe := os.NewFile(uintptr(number), "host")
	go func() {
		_, _ = io.Copy(io.Discard, pipe)
		before()
		os.Exit(1)
	}()
	return nil
}
