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
    // One more than there are cores: much of what tests of processes take is waiting for disks and timers.
    maxWorkers: availableParallelism() + 1,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    retry: 0,
    passWithNoTests: false,
    reporters: ['default'],
    globalSetup: ['test/support/global-setup.ts'],
    // In the order of their names: the shortest files come last and fill both cores to the end.
    projects: [
      {
        extends: true,
        test: {
          name: 'systems',
          // Servers stop with their file and engines are processes of their own: two processes take one file after
          // another, and load modules, drivers and the parser once, which was half of what a file took.
          include: ['test/**/*.e2e.test.ts'],
          isolate: false,
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
