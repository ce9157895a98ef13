// Where the host has put the plugin, as in vite.config.js.
export default { basename: "/plugins/site/" };
