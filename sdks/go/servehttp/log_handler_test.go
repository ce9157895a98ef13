package servehttp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestRecordsAreLinesThatHostsTakeOver(t *testing.T) {
	var out bytes.Buffer
	logger := slog.New(NewLogHandler(&out, slog.LevelDebug))
	ctx := NewContext(context.Background(), &Exchange{ID: "r-7"})
	logger.DebugContext(ctx, "looked", "note", 3)
	logger.With("user", "ada").WithGroup("store").Warn("slow\nvery", "ms", 12)
	logger.Error("failed", "err", errors.New("no disk"), "text", strings.Repeat("ä", 5_000))
	var records []map[string]any
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, `{"level":`) || len(line) > 8_192 {
			t.Errorf("%.100s", line)
		}
		record := map[string]any{}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Error(err)
		}
		records = append(records, record)
	}
	if r := records[0]; r["level"] != 20.0 || r["msg"] != "looked" || r["requestId"] != "r-7" || r["note"] != 3.0 {
		t.Error(r)
	}
	if r := records[1]; r["level"] != 40.0 || r["user"] != "ada" || r["store"].(map[string]any)["ms"] != 12.0 {
		t.Error(r)
	}
	if r := records[2]; r["level"] != 50.0 || r["err"] != "no disk" || !strings.HasSuffix(r["text"].(string), "ä…") {
		t.Error(r["err"])
	}
}
