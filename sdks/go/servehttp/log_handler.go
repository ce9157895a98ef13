package servehttp

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"servehttp.example/sdks/go/internal/limits"
)

const requestIDKey = "requestId"

// NewLogHandler writes records as lines of JSON that a host takes over into its own log, with their
// level, message and attributes. A record that is logged with the context of a request gets its id:
//
//	slog.SetDefault(slog.New(servehttp.NewLogHandler(os.Stderr, slog.LevelInfo)))
//	slog.InfoContext(r.Context(), "saved", "note", id)
//
// Texts are cut behind 2 KiB, because hosts cut lines behind 8 KiB.
func NewLogHandler(out io.Writer, level slog.Leveler) slog.Handler {
	return &logHandler{slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: replaceAttr})}
}

func defaultLogger() *slog.Logger {
	return slog.New(NewLogHandler(os.Stderr, slog.LevelInfo))
}

type logHandler struct {
	slog.Handler
}

func (h *logHandler) Handle(ctx context.Context, record slog.Record) error {
	if id := FromContext(ctx).ID; id != "" {
		record = record.Clone()
		record.AddAttrs(slog.String(requestIDKey, id))
	}
	return h.Handler.Handle(ctx, record)
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logHandler{h.Handler.WithAttrs(attrs)}
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{h.Handler.WithGroup(name)}
}

// replaceAttr writes the levels of pino, which hosts read. A host has its own time, and takes the
// level first.
func replaceAttr(groups []string, attr slog.Attr) slog.Attr {
	if len(groups) == 0 {
		switch attr.Key {
		case slog.TimeKey:
			return slog.Attr{}
		case slog.LevelKey:
			if level, ok := attr.Value.Any().(slog.Level); ok {
				return slog.Int(attr.Key, levelNumber(level))
			}
		}
	}
	switch attr.Value.Kind() {
	case slog.KindString:
		return slog.String(attr.Key, cut(attr.Value.String(), bytesMaxOf(attr.Key)))
	case slog.KindAny:
		if err, ok := attr.Value.Any().(error); ok {
			return slog.String(attr.Key, cut(err.Error(), limits.LogTextBytes))
		}
	}
	return attr
}

func bytesMaxOf(key string) int {
	if key == "stack" {
		return limits.LogStackBytes
	}
	return limits.LogTextBytes
}

// levelNumber: debug is 20, info 30, warn 40, error 50.
func levelNumber(level slog.Level) int { return max(10, 30+int(level)*10/4) }

func cut(text string, bytesMax int) string {
	if len(text) <= bytesMax {
		return text
	}
	end := bytesMax
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// panicDetails says what a handler panicked with, and where.
func panicDetails(value any) slog.Value {
	stack := string(debug.Stack())
	// In front of the handler's own frames are those of recover and panic.
	if _, behind, ok := strings.Cut(stack, "\npanic("); ok {
		stack = "panic(" + behind
	}
	return slog.GroupValue(
		slog.String("type", fmt.Sprintf("%T", value)),
		slog.String("message", fmt.Sprint(value)),
		slog.String("stack", stack),
	)
}
