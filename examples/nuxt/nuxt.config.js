export default defineNuxtConfig({
  compatibilityDate: "2026-11-01",
  telemetry: false,
  css: ["~/style.css"],
  app: {
    // Where the host has put the plugin.
    baseURL: "/plugins/site/",
    head: { title: "Nuxt behind servehttp", link: [{ rel: "icon", href: "data:," }] },
  },
  // A handler for node:http in place of a server that listens.
  nitro: { preset: "node-listener", serveStatic: true },
});
