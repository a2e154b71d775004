import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Tests run on the sources: the import map of package.json points at dist, so the aliases are repeated here. */
const resolve = {
  alias: [
    { find: /^#base\/(.*)\.js$/, replacement: here('./base/') + '$1.ts' },
    { find: /^#policies\/(.*)\.js$/, replacement: here('./policies/') + '$1.ts' },
    { find: /^#billing\/(.*)\.js$/, replacement: here('./billing/') + '$1.ts' },
  ],
};

const shared = {
  pool: 'forks',
  // Servers stop with their file and engines are processes of their own: a process takes one file after another, and
  // loads modules, drivers and the parser once, which was half of what a file took.
  isolate: false,
  testTimeout: 20_000,
  hookTimeout: 60_000,
  retry: 0,
} as const;

export default defineConfig({
  resolve,
  test: {
    // One more than there are cores: much of what tests of processes take is waiting for disks and timers.
    maxWorkers: availableParallelism() + 1,
    passWithNoTests: false,
    reporters: ['default'],
    // Here and in no project: a project that extends this would set up a server and a demo of its own beside this one.
    globalSetup: ['test/support/global-setup.ts'],
    projects: [
      { resolve, test: { ...shared, name: 'systems', include: ['test/**/*.e2e.test.ts'] } },
      {
        resolve,
        test: {
          ...shared,
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.e2e.test.ts'],
        },
      },
    ],
  },
});
