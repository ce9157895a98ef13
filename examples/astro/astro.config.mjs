import node from "@astrojs/node";
import preact from "@astrojs/preact";
import { defineConfig } from "astro/config";

export default defineConfig({
  output: "server",
  // A handler for node:http in place of a server that listens.
  adapter: node({ mode: "middleware" }),
  // Where the host has put the plugin. Astro writes it into every page when it builds.
  base: "/plugins/site",
  integrations: [preact()],
  devToolbar: { enabled: false },
});
