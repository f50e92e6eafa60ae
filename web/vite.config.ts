import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

/** The server behind `npm run dev` and `npm run preview`. */
const server = process.env.TALLYBOOK_UI ?? 'http://127.0.0.1:4319';

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: ['chrome123', 'firefox121', 'safari17.5'],
    // Inlined assets would need `data:` in more places of the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  // The server answers no other origin: what is passed on comes from its own.
  server: { proxy: { '/api': { target: server, changeOrigin: true, headers: { origin: server } } } },
  // The policy under which the server sends the page.
  preview: { headers: { 'content-security-policy': POLICY } },
  test: {
    environment: 'node',
    include: ['src/**/*.test.ts'],
    // Local-time assertions need one known zone, with daylight saving.
    env: { TZ: 'Europe/Berlin' },
  },
});
