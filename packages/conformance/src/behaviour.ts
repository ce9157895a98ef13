import type { TestClient } from "./clients/test-client.js";
import type { RawConnection } from "./clients/raw-connection.js";
import type { Handler } from "./handler.js";
import type { Target } from "./targets/target.js";
import type { TargetName } from "./targets/target-names.js";

/** Who asks: over HTTP/1.1 or over HTTP/2. */
export type TestClientName = "http1" | "http2";

/** Where a target can't show a behaviour at all, or is known to fail at it, and why in one line. */
export type Exceptions = Partial<Record<TargetName | `${TargetName}/${TestClientName}`, string>>;

/** One behaviour: what the handler does, and what the client does and must see. */
export interface Behaviour {
  /** The rows of SEMANTICS that it pins: "Q7". */
  readonly row: string;
  /** In the present tense. */
  readonly name: string;
  /** Default both. */
  readonly clients?: readonly TestClientName[];
  /** It moves so much that quick runs leave it out. Default false. */
  readonly fullRunOnly?: boolean;
  /** It waits for a time of the host's to pass: run at once with its neighbours that wait too. Default false. */
  readonly waits?: boolean;
  /** Not run there. */
  readonly notOn?: Exceptions;
  /** Run there, and must fail. */
  readonly failsOn?: Exceptions;
  /** Default: the handler that describes its request as JSON. */
  readonly handler?: Handler;
  /** Fails by throwing. */
  readonly check: (scene: Scene) => Promise<void>;
}

/** A handler that the plugin finds under a name, whether or not a behaviour is pinned by it. */
export type NamedHandler = Pick<Behaviour, "row" | "name" | "handler">;

/** What a check has at hand. */
export interface Scene {
  readonly target: Target;
  readonly clientName: TestClientName;
  readonly client: TestClient;
  /** An exchange of this behaviour's handler, with a path and events of its own. */
  readonly exchange: () => SceneExchange;
  /** A TCP connection, closed after the check; default to the HTTP/1.1 port. */
  readonly raw: (port?: number) => Promise<RawConnection>;
}

/** One exchange that a check will open, and what its handler reports. */
export interface SceneExchange {
  readonly key: string;
  readonly path: string;
  /** The detail of the handler's event of that name (the `index`-th, default the first); waits for it. */
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

/** What is said of a target and client, if anything. */
export function exceptionOf(
  exceptions: Exceptions | undefined,
  targetName: TargetName,
  clientName: TestClientName,
): string | undefined {
  return exceptions?.[`${targetName}/${clientName}`] ?? exceptions?.[targetName];
}
