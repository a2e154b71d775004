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
    pool: 'forks',
    maxWorkers: Math.max(2, availableParallelism()),
    testTimeout: 20_000,
    hookTimeout: 60_000,
    retry: 0,
    passWithNoTests: false,
    reporters: ['default'],
    globalSetup: ['test/support/global-setup.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'alone',
          // Drivers and servers keep state in their process: each file has one of its own.
          include: ['test/**/*.e2e.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'together',
          // These share nothing but modules, and loading those anew for every file is a quarter of the whole run.
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.e2e.test.ts'],
          isolate: false,
        },
      },
    ],
  },
});
