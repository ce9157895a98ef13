package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func get(path string) *httptest.ResponseRecorder {
	response := httptest.NewRecorder()
	handler().ServeHTTP(response, httptest.NewRequest(http.MethodGet, path, nil))
	return response
}

func TestServesAPage(t *testing.T) {
	response := get("/")
	if response.Code != 200 || !strings.Contains(response.Body.String(), "<h1>Hello from {{name}}</h1>") {
		t.Errorf("got %d, %s", response.Code, response.Body)
	}
}

func TestAnswers404ToEveryOtherPath(t *testing.T) {
	if response := get("/nothing"); response.Code != 404 {
		t.Errorf("got %d", response.Code)
	}
}
