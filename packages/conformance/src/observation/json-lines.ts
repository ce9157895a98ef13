import type { Socket } from "node:net";

/** Calls `take` with each JSON value that comes in, one a line. */
export function readJsonLines(socket: Socket, take: (value: unknown) => void): void {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      take(JSON.parse(line));
    }
  });
}

/** Writes one JSON value on a line of its own. */
export function writeJsonLine(socket: Socket, value: unknown): void {
  socket.write(`${JSON.stringify(value)}\n`);
}
