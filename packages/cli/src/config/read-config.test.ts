import { expect, it } from "vitest";
import { readConfig } from "./read-config.js";

it("takes the files of a plugin's TLS relative to the config, and leaves PEM alone", async () => {
  const tls = { certFile: "tls/tls.crt", keyFile: "/etc/tls/tls.key", ca: "PEM" };
  const config = {
    plugins: {
      search: { url: "https://search.plugins:50051", tls },
      notes: { target: "https://notes.plugins:50051", tls },
    },
  };
  const { host } = await readConfig(config, "/etc/servehttp", {});
  const read = {
    certFile: "/etc/servehttp/tls/tls.crt",
    keyFile: "/etc/tls/tls.key",
    ca: "PEM",
  };
  expect(host.plugins).toMatchObject({ search: { tls: read }, notes: { tls: read } });
});

it("leaves to the host what is wrong with a plugin's TLS", async () => {
  for (const tls of ["files", { certFile: 5 }, { certFile: "" }]) {
    const config = { plugins: { search: { url: "https://h", tls } } } as never;
    const { host } = await readConfig(config, "/etc", {});
    expect(host.plugins).toMatchObject({ search: { tls } });
  }
});
