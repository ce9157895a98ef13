import { once } from "node:events";
import { expect } from "vitest";
import { seededBytes } from "../../seeded-bytes.js";
import { callApp, jsonOf, jsonRequest, openRequest, textOf } from "../call-app.js";
import type { FrameworkFeature } from "../framework-feature.js";
import type { AppAddress } from "../served-app.js";
import type { IncomingMessage } from "node:http";

/** GraphQL Yoga 5 and Apollo Server 5, in an Express application. */
export const graphqlFeatures: readonly FrameworkFeature[] = [
  {
    feature: "Yoga: queries, errors",
    by: ["graphql-yoga", "graphql"],
    works: "yes",
    how: "`createYoga`, as Express middleware or as `servePlugin({ node: yoga })`. It compares the whole path, as wherever it is mounted: its `graphqlEndpoint` begins with `process.env.SERVEHTTP_BASE_PATH`.",
    async check(app) {
      const answer = await ask(app, "/yoga", '{ hello(name: "ada") }');
      expect(answer).toEqual({ data: { hello: "hello ada" } });
      expect(await ask(app, "/yoga", "{ none }")).toMatchObject({
        errors: [{ message: expect.stringContaining("none") }],
      });
    },
  },
  {
    feature: "Yoga: subscriptions over server-sent events",
    by: ["graphql-yoga"],
    works: "yes",
    how: "As they are; the client that leaves ends the subscription.",
    async check(app) {
      const counted = textOf(
        await callApp(app, "/yoga", events("subscription { countsTo(last: 3) }")),
      );
      expect(counted.match(/"countsTo":\d/g)).toEqual([
        '"countsTo":1',
        '"countsTo":2',
        '"countsTo":3',
      ]);
      const request = openRequest(app, "/yoga", events("subscription { stands }"));
      request.on("error", () => undefined).end(events("subscription { stands }").body);
      const [response] = (await once(request, "response")) as [IncomingMessage];
      await expect.poll(() => String(response.read() ?? "")).toContain('"stands":1');
      response.on("error", () => undefined).destroy();
      expect(await ask(app, "/yoga", "{ left }")).toEqual({ data: { left: "left" } });
    },
  },
  {
    feature: "Yoga: uploads of files",
    by: ["graphql-yoga"],
    works: "yes",
    how: "By the multipart request specification, as they are.",
    async check(app) {
      const bytes = Uint8Array.from(seededBytes("a file for GraphQL", 1_048_577));
      const form = new FormData();
      const query = "mutation ($file: File!) { size(file: $file) }";
      form.set("operations", JSON.stringify({ query, variables: { file: null } }));
      form.set("map", JSON.stringify({ 0: ["variables.file"] }));
      form.set("0", new File([bytes], "file.bin"));
      const answer = await fetch(`${app.url}/yoga`, { method: "POST", body: form });
      expect(await answer.json()).toEqual({ data: { size: bytes.byteLength } });
    },
  },
  {
    feature: "Yoga: GraphiQL",
    by: ["graphql-yoga"],
    works: "but",
    how: "The page asks where it was loaded from, so that it needs no prefix. Its scripts come from a CDN, which the test does not load.",
    async check(app) {
      const page = await callApp(app, "/yoga", { headers: { accept: "text/html" } });
      expect(textOf(page)).toContain("renderYogaGraphiQL(root,{})");
    },
  },
  {
    feature: "Apollo Server: queries, errors, refusal of requests that a form could send",
    by: ["@apollo/server", "@as-integrations/express5", "graphql"],
    works: "yes",
    how: "`expressMiddleware` as it is.",
    async check(app) {
      const answer = await ask(app, "/apollo", '{ hello(name: "ada") fails }');
      expect(answer).toMatchObject({
        data: { hello: "hello ada", fails: null },
        errors: [{ message: "it fails" }],
      });
      const form = await callApp(app, "/apollo?query=%7Bfails%7D");
      expect([form.status, textOf(form)]).toEqual([400, expect.stringContaining("CSRF")]);
    },
  },
];

async function ask(app: AppAddress, path: string, query: string): Promise<unknown> {
  return jsonOf(await callApp(app, path, jsonRequest({ query })));
}

/** A subscription whose answer is a stream of events. */
function events(query: string) {
  const { headers, body } = jsonRequest({ query });
  return {
    method: "POST",
    headers: { ...headers, accept: "text/event-stream" },
    body: String(body),
  };
}
