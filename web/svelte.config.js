import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

export default {
  preprocess: vitePreprocess(),
  compilerOptions: {
    // The default hashes the file's absolute path: the same source would then
    // build differently in two checkouts, and the committed dist could not be verified.
    cssHash: ({ hash, css }) => `s-${hash(css)}`,
  },
};
