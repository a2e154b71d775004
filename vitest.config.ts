import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Projects run in the order of their names, so that the shortest files come last and fill both cores to the end. */
const WITH_OWN_PROCESS = ['test/e2e/**/*.e2e.test.ts', 'test/cli/**/*.e2e.test.ts'];

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
          // Whole systems and the command line set up their process: each file has one of its own.
          include: WITH_OWN_PROCESS,
        },
      },
      {
        extends: true,
        test: {
          name: 'engines',
          // Their servers stop with their file, and their engines are processes of their own.
          include: ['test/**/*.e2e.test.ts'],
          exclude: WITH_OWN_PROCESS,
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
