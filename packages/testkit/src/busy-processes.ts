import { spawn } from "node:child_process";

/** Processes that do nothing but take processor time, until they are disposed of. */
export function startBusyProcesses(count: number): Disposable {
  const children = Array.from({ length: count }, () =>
    // It looks up now and then, so that it ends with its parent whatever becomes of that one.
    spawn(process.execPath, ["-e", busyUntilOrphaned], { stdio: "ignore" }),
  );
  return {
    [Symbol.dispose]() {
      for (const child of children) {
        child.kill("SIGKILL");
      }
    },
  };
}

const busyUntilOrphaned = `
  const parent = process.ppid;
  while (process.ppid === parent) for (let i = 0; i < 1e8; i++);
`;
