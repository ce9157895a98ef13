import express from "express";

export const app = express();

app.get("/", (request, response) => {
  response.send("<!doctype html>\n<title>{{name}}</title>\n<h1>Hello from {{name}}</h1>\n");
});
