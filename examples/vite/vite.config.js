import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  // Where the host has put the plugin.
  base: "/plugins/site/",
  plugins: [react()],
});
