import { io } from "socket.io-client";
import { expect } from "vitest";
import type { ExampleFeature } from "../example-feature.js";

/** `examples/nestjs`. */
export const nestjsExampleFeatures: readonly ExampleFeature[] = [
  {
    feature: "controllers on the Express platform, JSON, 404",
    by: ["@nestjs/core", "@nestjs/platform-express"],
    works: "yes",
    how: "`await app.init()` in place of `app.listen()`, then `servePlugin(app.getHttpServer())`.",
    async check(site) {
      const notes = new URL("notes", site.url);
      const added = await fetch(notes, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ text: "remember the milk" }),
      });
      expect([added.status, await added.json()]).toEqual([201, { text: "remember the milk" }]);
      expect(await (await fetch(notes)).json()).toEqual([{ text: "remember the milk" }]);
      expect((await fetch(new URL("none", site.url))).status).toBe(404);
    },
  },
  {
    feature: "a gateway on socket.io: long polling and WebSocket",
    by: ["@nestjs/websockets", "@nestjs/platform-socket.io", "socket.io"],
    works: "yes",
    how: 'As it is. The client needs `path: "/plugins/{id}/socket.io"`.',
    async check(site) {
      for (const transport of ["polling", "websocket"]) {
        const socket = io(site.url.origin, {
          path: `${site.url.pathname}socket.io`,
          transports: [transport],
        });
        const heard = new Promise((resolve) => {
          socket.on("said", resolve);
        });
        socket.emit("say", `over ${transport}`);
        expect(await heard).toBe(`over ${transport}`);
        socket.disconnect();
      }
    },
  },
  {
    feature: "Swagger UI, with a request that it sends",
    by: ["@nestjs/swagger"],
    inBrowser: true,
    works: "yes",
    how: '`SwaggerModule.setup("docs", …)`; `addServer("./")` makes it send to where it is.',
    check: (site) =>
      site.look(
        async (page) => {
          await page.locator(".title", { hasText: "Notes" }).waitFor();
          await page.locator("#operations-Notes-NotesController_list").click();
          await page.getByRole("button", { name: "Try it out" }).click();
          await page.getByRole("button", { name: "Execute" }).click();
          await expect
            .poll(() => page.locator(".live-responses-table .response-col_status").allInnerTexts())
            .toContain("200");
        },
        { path: "docs" },
      ),
  },
];
