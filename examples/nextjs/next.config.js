export default {
  // Where the host has put the plugin. Next.js writes it into every page when it builds.
  basePath: "/plugins/site",
};
