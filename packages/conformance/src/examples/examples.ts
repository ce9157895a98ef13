import type { ExampleFeature } from "./example-feature.js";
import { mcpExampleFeatures } from "./features/mcp-features.js";
import { nestjsExampleFeatures } from "./features/nestjs-features.js";
import { type PageNotes, pageFeatures } from "./features/page-features.js";
import {
  expressExampleFeatures,
  fastifyExampleFeatures,
  honoExampleFeatures,
} from "./features/server-features.js";

const nextjs: PageNotes = {
  by: ["next", "react"],
  assets:
    '`basePath` in `next.config.js`, `path: "full"` in the host. `servePlugin({ node: app.getRequestHandler() })`.',
  links: "`<Link>` as it is; the server sees the same paths as the browser.",
  forms: "Server actions as they are: the Host that they compare with Origin is the client's.",
  development: {
    how: "`next({ dev: true })`, with `upgrade: app.getUpgradeHandler()`. The state of components survives. Next.js asks for the font of its own overlay without `basePath`, in vain.",
    file: "app/page.jsx",
    allowed: /__nextjs_font/,
  },
};

const sveltekit: PageNotes = {
  by: ["@sveltejs/kit", "@sveltejs/adapter-node", "svelte"],
  assets: '`paths.base`, `path: "full"` in the host, and the `handler` that adapter-node builds.',
  links: "`resolve()` of `$app/paths`, as SvelteKit wants it of every link.",
  forms:
    "Form actions as they are. adapter-node needs `PROTOCOL_HEADER` and `HOST_HEADER`, or `ORIGIN`, or it takes the form for another site's.",
  development: {
    how: "Vite in middleware mode, attached to a server that never listens: `server.ws.server`, `servePlugin(server)`.",
    file: "src/routes/+page.svelte",
  },
};

const nuxt: PageNotes = {
  by: ["nuxt", "vue"],
  assets: '`app.baseURL`, `path: "full"` in the host, and Nitro\'s preset `node-listener`.',
  links: "`<NuxtLink>` as it is.",
  forms: "`$fetch` and `useFetch` know the base.",
  development: {
    how: "`loadNuxt` and `buildNuxt` of `nuxt/kit`, as `nuxt dev` calls them, with `server.ws.server` set to a server that never listens. The state of components survives.",
    file: "app/pages/index.vue",
  },
};

const astro: PageNotes = {
  by: ["astro", "@astrojs/node", "@astrojs/preact"],
  assets:
    '`base`, `path: "full"` in the host, the adapter\'s mode `middleware`, and `express.static` for `dist/client`.',
  links: "`<ClientRouter />` as it is; links are written with `import.meta.env.BASE_URL`.",
  forms:
    "A form that a page reads in its frontmatter. Astro compares Origin with the client's Host.",
  development: {
    how: '`dev()` of `astro`, whose `handle` is a listener, with `server.ws.server` set to a server that never listens. An `.astro` page is loaded anew. The scripts are at `/`, whatever `base` says: the host gives the plugin a name of its own, `hosts: ["site.localhost"]`.',
    file: "src/pages/index.astro",
    // Vite finds out what the island needs when it is asked for, and then loads the page anew.
    allowed: /^504 .*\/\.vite\/deps\//,
    reloads: true,
  },
};

const reactRouter: PageNotes = {
  by: ["react-router", "@react-router/express"],
  assets:
    '`basename` and Vite\'s `base`, `path: "full"` in the host, and `createRequestHandler` of `@react-router/express`.',
  links: "`<Link>` as it is.",
  forms: "`<Form>` with an action as it is.",
  development: {
    how: "Vite in middleware mode, attached to a server that never listens. The state of components survives.",
    file: "app/routes/home.jsx",
  },
};

const vite: PageNotes = {
  by: ["vite", "react"],
  assets: 'An absolute `base`, `path: "full"` in the host, and `express.static`.',
  links: "Every other path gets `index.html`, so that the browser's router decides.",
  forms: "Calls to an API with `import.meta.env.BASE_URL` in front.",
  anywhere:
    '`base: "./"`. The plugin writes `<base href>` with `request.baseUrl` into `index.html`, which the host has told it. Without that, only links one level down find their scripts.',
  development: {
    how: "Middleware mode, `server.ws.server` set to a server that never listens, `servePlugin(server)`. The state of components survives.",
    file: "src/app.jsx",
  },
};

/** The features of each example, by its folder in `examples/`. */
export const examples = {
  express: expressExampleFeatures,
  fastify: fastifyExampleFeatures,
  hono: honoExampleFeatures,
  nestjs: nestjsExampleFeatures,
  nextjs: pageFeatures(nextjs),
  sveltekit: pageFeatures(sveltekit),
  nuxt: pageFeatures(nuxt),
  astro: pageFeatures(astro),
  "react-router": pageFeatures(reactRouter),
  vite: pageFeatures(vite),
  mcp: mcpExampleFeatures,
} as const satisfies Readonly<Record<string, readonly ExampleFeature[]>>;
