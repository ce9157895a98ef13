package main

import (
	"log"

	"servehttp.example/sdks/go/servehttp"
)

func main() {
	if err := servehttp.Serve(handler()); err != nil {
		log.Fatal(err)
	}
}
