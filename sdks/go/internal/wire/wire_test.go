package wire

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"servehttp.example/sdks/go/internal/fault"
)

func TestMessagesAreReadHoweverTheyAreCut(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var stream []byte
	var sent [][]byte
	for _, size := range []int{0, 1, 4, 5, 6, 100, 70_000, 0, 0, 3} {
		message := make([]byte, size)
		for at := range message {
			message[at] = byte(random.Uint32())
		}
		head := make([]byte, MessageHeadBytes)
		PutMessageHead(head, size)
		stream = append(append(stream, head...), message...)
		sent = append(sent, message)
	}
	for range 300 {
		reader := MessageReader{BytesMax: 100_000}
		var found [][]byte
		take := func(message []byte) error {
			found = append(found, slices.Clone(message))
			return nil
		}
		for rest := stream; len(rest) > 0; {
			size := min(1+random.IntN([]int{2, 10, 1_000, 100_000}[random.IntN(4)]), len(rest))
			if err := reader.Push(rest[:size], take); err != nil {
				t.Fatal(err)
			}
			rest = rest[size:]
		}
		if !slices.EqualFunc(found, sent, bytes.Equal) {
			t.Fatal("other messages than were sent")
		}
	}
}

func TestMessagesThatAreTooLongOrCompressedAreRefusedUnread(t *testing.T) {
	for _, head := range [][]byte{{0, 0, 0, 0, 11}, {1, 0, 0, 0, 1}} {
		reader := MessageReader{BytesMax: 10}
		err := reader.Push(head, func([]byte) error {
			t.Error("it was read")
			return nil
		})
		if found, ok := err.(*fault.Error); !ok || found.Code != fault.ProtocolViolation {
			t.Error(head, err)
		}
	}
}

func TestFieldsThatAreNotKnownAreSkipped(t *testing.T) {
	unknown := append(AppendDelimited([]byte{}, 0x7a, "later"), 0x71, 1, 2, 3, 4, 5, 6, 7, 8, 0x75, 1, 2, 3, 4, 0x78, 0x96, 0x01)
	message := append(slices.Clone(unknown), AppendDelimited(nil, 0x12, "chunk")...)
	message = append(message, AppendDelimited(nil, 0x1a, append(slices.Clone(unknown),
		AppendDelimited(nil, 0x0a, append(slices.Clone(unknown), AppendField(nil, 0x0a, "x-a", []string{"b"})[2:]...))...))...)
	parts, err := ReadRequestParts(message)
	if err != nil || string(parts.Chunk) != "chunk" || !parts.End || !reflect.DeepEqual(parts.Trailer, http.Header{"X-A": {"b"}}) {
		t.Errorf("%+v %v", parts, err)
	}
}

func TestAMessageThatIsNoneIsAnError(t *testing.T) {
	for what, message := range map[string][]byte{
		"a field beyond its message":        {0x12, 5, 'a'},
		"a number without an end":           {0x28, 0x80},
		"a number of more than 10 bytes":    {0x28, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01},
		"field 0":                           {0x02, 0},
		"a wire type that there is not":     {0x17, 0},
		"a length above all":                {0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
		"a nested field beyond its message": {0x0a, 2, 0x0a, 9},
		"chunk twice":                       {0x12, 1, 'a', 0x12, 1, 'b'},
		"a number of 8 bytes beyond it":     {0x79, 1},
	} {
		if _, err := ReadRequestParts(message); err == nil {
			t.Error(what)
		}
	}
}

// FuzzReadFrames must not panic, whatever comes.
func FuzzReadFrames(f *testing.F) {
	init := AppendDelimited(AppendDelimited(nil, 0x0a, "GET"), 0x12, "/")
	frame := append([]byte{0x08, 1}, AppendDelimited(nil, 0x12, AppendDelimited(nil, 0x0a, init))...)
	f.Add(AppendDelimited(nil, 0x0a, frame))
	f.Add([]byte{0x0a, 6, 0x08, 1, 0x22, 2, 0x08, 2})
	random := rand.New(rand.NewPCG(3, 4))
	for range 2_000 {
		mutated := AppendDelimited(nil, 0x0a, frame)
		for range 1 + random.IntN(3) {
			mutated[random.IntN(len(mutated))] = byte(random.Uint32())
		}
		f.Add(mutated)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		_ = ReadFrames(message, func(frame *RequestFrame) error {
			if frame.ExchangeID == 0 {
				t.Error("a frame without an exchange")
			}
			return nil
		})
	})
}

func TestFieldsAreCleanedAsNetHTTPDoes(t *testing.T) {
	for given, wanted := range map[string]string{
		"plain": "plain", " around\t": "around", "a\r\nb": "a  b", "a\x00b": "a b", "\r\n": "", "caf\xe9": "caf\xe9",
	} {
		encoded := AppendField(nil, 0x12, "X", []string{given})
		if _, value, _ := strings.Cut(string(encoded), "\x12"); !strings.HasSuffix(value, wanted) || strings.ContainsAny(value[3:], "\r\n") {
			t.Errorf("%q: %q", given, encoded)
		}
	}
	for _, name := range []string{"", "a b", "a:b", "caf\xe9", strings.Repeat("x", 257)} {
		if encoded := AppendField(nil, 0x12, name, []string{"v"}); encoded != nil {
			t.Errorf("%q: %q", name, encoded)
		}
	}
}

func TestStatusesSayNothingOfAHandler(t *testing.T) {
	if status := StatusOf(fault.New(fault.HandlerFailed, "a secret")); status.Code != "13" || strings.Contains(status.Message, "secret") {
		t.Error(status)
	}
	if status := StatusOf(fault.Violation("100% wrong\n")); status.Code != "3" || status.Message != "100%25 wrong%0A" {
		t.Error(status)
	}
}
