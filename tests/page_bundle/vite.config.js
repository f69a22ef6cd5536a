/** How Vite joins the page's modules and style sheets. The names have no digest: the chat puts one into their folder's. */

export default {
  root: "../../webclient/mcpsecurity_webclient/static",
  base: "./",
  envDir: false,
  publicDir: false,
  css: { postcss: {} }, // else it looks for a configuration in the folders above
  build: {
    assetsDir: "",
    modulePreload: false,
    reportCompressedSize: false,
    // The first with `light-dark()`, which the style sheets need; older than Firefox ESR and WebKitGTK.
    target: ["chrome123", "firefox128", "safari17.5"],
    rolldownOptions: {
      input: ["js/main.js", "css/page.css", "css/plain.css"],
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "[name].js",
        assetFileNames: "[name][extname]",
        // A file of another release then fails by a name that is missing, and never gets another function.
        minifyInternalExports: false,
      },
    },
  },
};
