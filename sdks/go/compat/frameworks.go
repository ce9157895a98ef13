//go:build frameworks

package main

import (
	"fmt"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"
	echomiddleware "github.com/labstack/echo/v4/middleware"
)

// These take most of a minute to build, and are left out where nobody asks for them.
func init() {
	apps["echo"] = echoApp
	apps["gin"] = ginApp
}

func echoApp() http.Handler {
	e := echo.New()
	e.Use(echomiddleware.Recover(), echomiddleware.Secure())
	e.Logger.SetOutput(io.Discard)
	e.GET("/hello/:name", func(c echo.Context) error {
		c.SetCookie(&http.Cookie{Name: "seen", Value: "yes", Path: "/"})
		return c.JSON(http.StatusOK, map[string]string{"text": greeting + c.Param("name")})
	})
	e.GET("/large", echo.WrapHandler(http.HandlerFunc(writeLarge)), echomiddleware.Gzip())
	e.POST("/upload", func(c echo.Context) error {
		file, err := c.FormFile("file")
		if err != nil {
			return err
		}
		opened, err := file.Open()
		if err != nil {
			return err
		}
		defer opened.Close()
		writeSum(c.Response(), opened)
		return nil
	})
	e.GET("/stream", func(c echo.Context) error {
		c.Response().Header().Set("Content-Type", "text/event-stream")
		for number := range 3 {
			fmt.Fprintf(c.Response(), "data: %d\n\n", number)
			c.Response().Flush()
		}
		return nil
	})
	e.GET("/panic", func(echo.Context) error { panic("in the application") })
	e.GET("/file", echo.WrapHandler(http.HandlerFunc(serveFile)))
	e.GET("/websocket", echo.WrapHandler(http.HandlerFunc(echoMessages)))
	return e
}

func ginApp() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	g := gin.New()
	g.Use(gin.RecoveryWithWriter(io.Discard))
	g.GET("/hello/:name", func(c *gin.Context) {
		c.SetCookie("seen", "yes", 0, "/", "", false, false)
		c.JSON(http.StatusOK, gin.H{"text": greeting + c.Param("name")})
	})
	g.GET("/large", gin.WrapF(writeLarge))
	g.POST("/upload", func(c *gin.Context) {
		file, err := c.FormFile("file")
		if err != nil {
			_ = c.AbortWithError(http.StatusBadRequest, err)
			return
		}
		opened, err := file.Open()
		if err != nil {
			_ = c.AbortWithError(http.StatusInternalServerError, err)
			return
		}
		defer opened.Close()
		writeSum(c.Writer, opened)
	})
	g.GET("/stream", func(c *gin.Context) {
		number := 0
		c.Stream(func(io.Writer) bool { // It asks for http.CloseNotifier.
			c.SSEvent("", number)
			number++
			return number < 3
		})
	})
	g.GET("/panic", func(*gin.Context) { panic("in the application") })
	g.GET("/file", gin.WrapF(serveFile))
	g.GET("/websocket", gin.WrapF(echoMessages))
	return g
}
