import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import type { UserConfig } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** One screen: its folder is its name, it is served below `base`, and its build goes to the api's package. */
export function screen(name: 'phone' | 'console', base: string): UserConfig {
  return {
    root: here(`./${name}`),
    base,
    plugins: [vue()],
    resolve: { alias: { '@shared': here('./shared'), '@build': here('./build') } },
    build: {
      outDir: here(`../api/pages/${name}`),
      emptyOutDir: true,
      target: 'es2020',
      // under this CSP nothing may be inlined as data, and a page's script may not stand in its HTML
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 1500,
    },
    server: {
      host: '127.0.0.1',
      proxy: Object.fromEntries(['/api', '/map', '/health'].map((path) => [path, 'http://127.0.0.1:8700'])),
    },
  }
}
