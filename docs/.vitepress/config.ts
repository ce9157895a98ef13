import { existsSync, readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type DefaultTheme, type MarkdownRenderer } from "vitepress";

const docs = fileURLToPath(new URL("..", import.meta.url));
const root = resolve(docs, "..");

/** Where the project lives stands once, in the root's package.json. It may say nothing yet. */
const { repository } = JSON.parse(readFileSync(resolve(root, "package.json"), "utf8")) as {
  repository?: { url: string };
};
const repositoryUrl = repository?.url.replace(/^git\+/, "").replace(/\.git$/, "");

const guide: DefaultTheme.SidebarItem[] = [
  {
    text: "Begin",
    items: [
      { text: "Getting started", link: "/getting-started" },
      { text: "Migration", link: "/migration" },
    ],
  },
  {
    text: "Plugins",
    items: [
      { text: "Writing a plugin", link: "/plugins" },
      { text: "Plugins in Go", link: "/go" },
      { text: "Frameworks", link: "/frameworks" },
      { text: "Porting the SDK", link: "/porting" },
    ],
  },
  {
    text: "Hosts",
    items: [
      { text: "The command", link: "/command" },
      { text: "Running a host", link: "/hosts" },
      { text: "Fleets", link: "/fleets" },
      { text: "Mutual TLS", link: "/mutual-tls" },
      { text: "The host's methods", link: "/host-api" },
      { text: "Options", link: "/options" },
      { text: "Behind a proxy", link: "/behind-a-proxy" },
      { text: "Production", link: "/production" },
      { text: "Kubernetes", link: "/kubernetes" },
      { text: "See it run", link: "/observability" },
      { text: "The admin", link: "/admin" },
      { text: "Troubleshooting", link: "/troubleshooting" },
    ].filter(({ link }) => existsSync(`${docs}${link}.md`)),
  },
  {
    text: "Facts",
    items: [
      { text: "API reference", link: "/reference/" },
      { text: "Dependencies", link: "/dependencies" },
      { text: "Benchmarks", link: "/benchmarks" },
      { text: "Endurance", link: "/endurance" },
    ],
  },
];

export default defineConfig({
  title: "servehttp",
  description: "HTTP plugins that are processes of their own",
  base: process.env["DOCS_BASE"] ?? "/",
  // A code host shows README.md for a folder, a web server index.html.
  rewrites: { "README.md": "index.md" },
  cleanUrls: true,
  lastUpdated: false,
  markdown: {
    anchor: { slugify: anchorOf },
    config: linkToTheRepository,
  },
  themeConfig: {
    search: { provider: "local" },
    sidebar: guide,
    outline: [2, 3],
    nav: [
      { text: "Getting started", link: "/getting-started" },
      { text: "Options", link: "/options" },
      { text: "API", link: "/reference/" },
    ],
    ...(repositoryUrl !== undefined && {
      editLink: { pattern: `${repositoryUrl}/edit/main/docs/:path` },
      socialLinks: [{ icon: "github", link: repositoryUrl }],
    }),
  },
});

/** The anchor that code hosts give to a heading, so that links work there and here. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-");
}

/**
 * Pages link to files of the repository that are no pages of the site. Here these links lead to the
 * repository, or, as long as nobody has said where that is, nowhere: their text stays.
 */
function linkToTheRepository(markdown: MarkdownRenderer): void {
  markdown.core.ruler.after("inline", "links-to-the-repository", (state) => {
    const page = (state.env as { path?: string }).path;
    if (page === undefined) {
      return;
    }
    for (const { children } of state.tokens) {
      const open: boolean[] = [];
      for (const token of children ?? []) {
        if (token.type === "link_open") {
          const path = outsidePath(page, token.attrGet("href") ?? "");
          open.push(path !== undefined && repositoryUrl === undefined);
          if (path !== undefined && repositoryUrl !== undefined) {
            token.attrSet("href", `${repositoryUrl}/blob/main/${path}`);
          }
        }
        const isDropped =
          token.type === "link_close"
            ? open.pop() === true
            : open.at(-1) === true && token.type === "link_open";
        if (isDropped) {
          token.type = "text";
          token.tag = "";
          token.nesting = 0;
          token.content = "";
        }
      }
    }
  });
}

/** The path in the repository of what a relative link leads to, where that is no page of the site. */
function outsidePath(page: string, href: string): string | undefined {
  if (/^(?:[a-z]+:|#|\/)/i.test(href)) {
    return undefined;
  }
  const target = relative(root, resolve(dirname(page), href));
  return target.startsWith("docs/") ? undefined : target;
}
