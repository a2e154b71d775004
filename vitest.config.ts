import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Tests run on the sources: the import map of package.json points at dist, so the aliases are repeated here. */
export default defineConfig({
  resolve: {
    alias: [
      { find: /^#base\/(.*)\.js$/, replacement: here('./base/') + '$1.ts' },
      { find: /^#policies\/(.*)\.js$/, replacement: here('./policies/') + '$1.ts' },
      { find: /^#billing\/(.*)\.js$/, replacement: here('./billing/') + '$1.ts' },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: [],
    pool: 'forks',
    // Files wait for their own servers more than they compute: on two cores one worker leaves half of them idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 20_000,
    hookTimeout: 60_000,
    retry: 0,
    passWithNoTests: false,
    reporters: process.env['CI'] ? ['default'] : ['default'],
  },
});
