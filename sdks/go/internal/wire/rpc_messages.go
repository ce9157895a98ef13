package wire

import (
	"fmt"
	"slices"

	"servehttp.example/sdks/go/internal/fault"
	"servehttp.example/sdks/go/internal/limits"
)

// AnswerDescribe reads a DescribeRequest (plugin.proto) and returns the DescribeResponse of a plugin
// that serves HTTP on both carriers.
func AnswerDescribe(message []byte, software string) ([]byte, error) {
	versions, err := readContractVersions(message)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(versions, limits.ContractVersion) {
		return nil, fault.New(fault.InvalidArgument, fmt.Sprintf(
			"the host offers the contract versions %d, and this plugin speaks %d", versions, limits.ContractVersion))
	}
	answer := []byte{0x08, limits.ContractVersion, 0x10, 0x01, 0x1a, 0x02, 0x01, 0x02}
	return AppendDelimited(answer, 0x22, software[:min(len(software), 256)]), nil
}

func readContractVersions(message []byte) (versions []uint64, err error) {
	r := newReader(message)
	for {
		switch tag := r.next(); tag {
		case 0:
			return versions, r.err
		case 0x08:
			versions = append(versions, r.varint())
		case 0x0a:
			nested := r.within()
			for nested.err == nil && nested.at < nested.end {
				versions = append(versions, nested.varint())
			}
			r.take(&nested)
		default:
			r.skip(tag)
		}
	}
}

// ReadHealthService reads the service of a HealthCheckRequest.
func ReadHealthService(message []byte) (service string, err error) {
	r := newReader(message)
	for {
		switch tag := r.next(); tag {
		case 0:
			return service, r.err
		case 0x0a:
			service = string(r.bytes())
		default:
			r.skip(tag)
		}
	}
}

// HealthAnswer is a HealthCheckResponse.
func HealthAnswer(serving bool) []byte {
	if serving {
		return []byte{0x08, 0x01}
	}
	return []byte{0x08, 0x02}
}
