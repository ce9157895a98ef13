import type { RawConnection, HttpClient } from "servehttp-conformance/testing";
import type { Handler } from "./handler.js";
import type { Target } from "./targets/target.js";
import type { TargetName } from "./targets/target-names.js";

/** The client of a behaviour: it speaks HTTP/1.1 or HTTP/2. */
export type TestClientName = "http1" | "http2";

/** The targets that a rule does not hold for, each with the reason in one line. */
export type Exceptions = Partial<Record<TargetName | `${TargetName}/${TestClientName}`, string>>;

/** One behaviour: what the handler does, and what the client does and must see. */
export interface Behaviour {
  /** The row of SEMANTICS that it pins: "Q7". */
  readonly row: string;
  /** In the present tense. */
  readonly name: string;
  /** Default: both. */
  readonly clients?: readonly TestClientName[];
  /** It moves so many bytes that only full runs include it. Default: false. */
  readonly fullRunOnly?: boolean;
  /** It waits for a time-out of the host: neighbours that wait run beside it. Default: false. */
  readonly waits?: boolean;
  /** Where it is not run. */
  readonly notOn?: Exceptions;
  /** Where it is run and must fail. */
  readonly failsOn?: Exceptions;
  /** Default: the handler that describes its request as JSON. */
  readonly handler?: Handler;
  /** Throws when the behaviour is not as it should be. */
  readonly check: (scene: Scene) => Promise<void>;
}

/** A handler that the plugin finds under a name, with or without a behaviour. */
export type NamedHandler = Pick<Behaviour, "row" | "name" | "handler">;

/** What a check works with. */
export interface Scene {
  readonly target: Target;
  readonly clientName: TestClientName;
  readonly client: HttpClient;
  /** Another client, at an address of its own: 127.0.0.0/8. It is disposed of after the check. */
  readonly clientAt: (localAddress: string) => HttpClient;
  /** An exchange of this behaviour's handler, with a path and events of its own. */
  readonly exchange: () => SceneExchange;
  /** Opens a TCP connection that is closed after the check. Default: to the HTTP/1.1 port. */
  readonly raw: (port?: number) => Promise<RawConnection>;
}

/** One exchange that a check opens, and the events that its handler reports. */
export interface SceneExchange {
  readonly key: string;
  readonly path: string;
  /** Waits for the `index`-th event of that name (default: the first) and returns its detail. */
  next(name: string, index?: number): Promise<unknown>;
  /** The names of its events so far. */
  seen(): readonly string[];
  /** Lets the handler pass a gate. */
  open(gate: string): void;
}

/** The name under which the plugin finds a behaviour's handler: unique, and safe in a path. */
export function keyOf(behaviour: Pick<Behaviour, "row" | "name">): string {
  return `${behaviour.row} ${behaviour.name}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
}

/** The reason that is given for a target and client, if there is one. A worker's are those of mux. */
export function exceptionOf(
  exceptions: Exceptions | undefined,
  targetName: TargetName,
  clientName: TestClientName,
): string | undefined {
  const name = targetName === "worker" ? "mux" : targetName;
  return exceptions?.[`${name}/${clientName}`] ?? exceptions?.[name];
}
