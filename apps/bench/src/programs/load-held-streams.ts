/**
 * Opens event streams and holds them until stdin ends. Arguments: host, port, path, streams. Prints
 * {"opened"} when all have had their first event, or when one of them failed.
 */
import { HttpConnection } from "../load/http-connection.js";

const [, , host = "", port, path = "", streams] = process.argv;
/**
 * How many are being opened at a time: a burst of thousands measures the listen queue, not the
 * server.
 */
const openingMax = 100;
const silentMsMax = 10_000;
let opened = 0;
let openedBefore = 0;
let left = Number(streams);
let failure: string | undefined;
const connections: HttpConnection[] = [];

const progress = setInterval(giveUpWithoutProgress, silentMsMax);
await Promise.all(Array.from({ length: openingMax }, openOneByOne));
report();

/** A server that is out of connections often says nothing at all. */
function giveUpWithoutProgress(): void {
  if (opened === openedBefore) {
    failure ??= `no answer within ${silentMsMax / 1_000} s`;
    report();
  }
  openedBefore = opened;
}

function report(): void {
  clearInterval(progress);
  console.log(JSON.stringify({ opened, failure }));
  process.stdin.resume().once("end", () => process.exit(0));
}

async function openOneByOne(): Promise<void> {
  while (left > 0 && failure === undefined) {
    left--;
    try {
      await open();
      opened++;
    } catch (error) {
      failure ??= (error as Error).message;
    }
  }
}

async function open(): Promise<void> {
  const connection = await HttpConnection.open(host, Number(port));
  connections.push(connection);
  await new Promise<void>((resolve, reject) => {
    const onBody = () => resolve();
    connection.call({ method: "GET", path, onBody }).then(
      ({ status }) => reject(new Error(`status ${status}`)),
      (error: Error) => {
        failure ??= error.message;
        reject(error);
      },
    );
  });
}
