import type { BenchCase } from "./bench-case.js";
import { requestsOfOwnHandler } from "./requests.js";

/** One Starlette application: as a plugin, and on uvicorn behind nginx. */
export const pythonPlugin: BenchCase = requestsOfOwnHandler(
  ["mux to Python", "stream to Python", "nginx to uvicorn"],
  "python-get-64",
  "small GET of a Starlette application, 64 connections",
  { path: "/small", connections: 64 },
);
