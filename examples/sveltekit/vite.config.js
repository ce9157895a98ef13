import adapter from "@sveltejs/adapter-node";
import { sveltekit } from "@sveltejs/kit/vite";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [
    sveltekit({
      adapter: adapter(),
      // Where the host has put the plugin. SvelteKit writes it into every page when it builds.
      paths: { base: "/plugins/site" },
    }),
  ],
});
