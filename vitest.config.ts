import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    // Tests run on the sources: the import map of package.json points at dist, so the aliases are repeated here.
    alias: [
      { find: /^#base\/(.*)\.js$/, replacement: here('./base/') + '$1.ts' },
      { find: /^#policies\/(.*)\.js$/, replacement: here('./policies/') + '$1.ts' },
      { find: /^#billing\/(.*)\.js$/, replacement: here('./billing/') + '$1.ts' },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Servers stop with their file and engines are processes of their own: a process takes one file after another, and
    // loads modules, drivers and the parser once, which was half of what a file took. All files are of one project: each
    // project would transform every source again, and start processes of its own that load them.
    isolate: false,
    // One more than there are cores: much of what tests of processes take is waiting for disks and timers.
    maxWorkers: availableParallelism() + 1,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    retry: 0,
    passWithNoTests: false,
    reporters: ['default'],
    globalSetup: ['test/support/global-setup.ts'],
  },
});
