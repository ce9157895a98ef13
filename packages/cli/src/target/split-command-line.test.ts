import { describe, expect, it } from "vitest";
import { CommandError } from "../context/command-error.js";
import { splitCommandLine } from "./split-command-line.js";

describe("splitCommandLine", () => {
  it.each([
    ["node notes.js --port 1", ["node", "notes.js", "--port", "1"]],
    [`sh -c 'exec node "notes.js"'`, ["sh", "-c", 'exec node "notes.js"']],
    ["python3 a\\ b.py", ["python3", "a b.py"]],
    ["a $HOME ${USER}", ["a", "$HOME", "$USER"]],
    ["a *.js", ["a", "*.js"]],
    ["  ", []],
  ])("splits %s", (line, words) => {
    expect(splitCommandLine(line)).toEqual(words);
  });

  it.each([
    ["a | b", '"|"'],
    ["a > b", '">"'],
    ["a && b", '"&&"'],
    ["a # b", '"#"'],
  ])("refuses %s, which only a shell understands", (line, shown) => {
    expect(() => splitCommandLine(line)).toThrow(CommandError);
    expect(() => splitCommandLine(line)).toThrow(`${shown} means nothing; use sh -c '…' for one`);
  });
});
