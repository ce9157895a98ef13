import { readdir } from "node:fs/promises";
import { repositoryRoot } from "./repository-root.js";
import { toolOutput } from "./tool-output.js";

/** How to run a program of interop/python: the interpreter, and the environment with the generated modules. */
export interface PythonPeer {
  readonly python: string;
  readonly env: Record<string, string>;
}

/**
 * Generates the contract's modules into a directory and finds an interpreter that has grpcio. On Debian:
 * apt install python3-grpcio protobuf-compiler protobuf-compiler-grpc.
 */
export async function preparePython(directory: string): Promise<PythonPeer> {
  const grpcPlugin = (await toolOutput("which", ["grpc_python_plugin"])).trim();
  const protoDirectory = `${repositoryRoot}proto/servehttp/v1`;
  const protos = (await readdir(protoDirectory)).filter((name) => name.endsWith(".proto"));
  await toolOutput("protoc", [
    `-I${repositoryRoot}proto`,
    `--python_out=${directory}`,
    `--grpc_python_out=${directory}`,
    `--plugin=protoc-gen-grpc_python=${grpcPlugin}`,
    ...protos.map((name) => `${protoDirectory}/${name}`),
  ]);
  // A host passes on little of its own environment, and grpcio may have been unpacked somewhere else than Debian has it.
  const { PYTHONPATH, LD_LIBRARY_PATH = "" } = process.env;
  const env = { PYTHONPATH: [directory, PYTHONPATH].filter(Boolean).join(":"), LD_LIBRARY_PATH };
  return { python: await findPython(), env };
}

/** A machine may have an interpreter of its own in front of Debian's, for which Debian's packages are not. */
async function findPython(): Promise<string> {
  const causes: unknown[] = [];
  for (const python of ["python3", "/usr/bin/python3"]) {
    try {
      await toolOutput(python, ["-c", "import grpc, google.protobuf"]);
      return python;
    } catch (error) {
      causes.push(error);
    }
  }
  throw new AggregateError(causes, "no python3 here has grpcio: apt install python3-grpcio");
}
