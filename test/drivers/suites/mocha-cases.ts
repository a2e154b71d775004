/**
 * Runs files of a mocha suite in this process and tells its parent, by channel 3, of every case: a line of JSON each.
 * Started in the folder of the suite: `mocha-cases.js list|run <limit of a case in ms> <file> …`.
 */
import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

export type MochaEvent =
  | { readonly event: 'case' | 'start'; readonly name: string }
  | {
      readonly event: 'end';
      readonly name: string;
      readonly status: 'pass' | 'fail' | 'skipped';
      readonly said: string;
    }
  /** A hook failed: cases of this group that have no end will not come. */
  | {
      readonly event: 'hook';
      readonly group: string;
      readonly name: string;
      readonly said: string;
    };

// Of mocha's interface, what is used here.
interface Runnable {
  readonly type: 'test' | 'hook';
  readonly title: string;
  readonly parent: Group;
  fullTitle(): string;
}
interface Group {
  fullTitle(): string;
  eachTest(visit: (test: Runnable) => void): void;
}
interface Runner {
  on(event: string, listen: (test: Runnable, error: unknown) => void): void;
}
interface MochaInstance {
  readonly suite: Group;
  files: readonly string[];
  addFile(file: string): void;
  loadFiles(): void;
  run(done: () => void): Runner;
}
interface MochaModule {
  new (options: Readonly<Record<string, unknown>>): MochaInstance;
  readonly Runnable: { prototype: { timeout: (this: unknown, ms?: number) => unknown } };
}

const SAID_MAX = 4096;

function tell(event: MochaEvent): void {
  writeSync(3, `${JSON.stringify(event)}\n`);
}

function said(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.slice(0, SAID_MAX);
}

/** A file that does not load here hides none of the others. */
function list(instance: MochaInstance, files: readonly string[]): never {
  for (const file of files) {
    instance.files = [path.resolve(file)];
    try {
      instance.loadFiles();
    } catch (thrown) {
      console.error(`${file} does not load: ${said(thrown)}`);
    }
  }
  instance.suite.eachTest((test) => tell({ event: 'case', name: test.fullTitle() }));
  process.exit(0);
}

function main([verb, limit, ...files]: readonly string[]): void {
  const require = createRequire(path.join(process.cwd(), 'suite.js'));
  require('ts-node/register/transpile-only');
  const mocha = require('mocha') as MochaModule;
  const limitMs = Number(limit);
  const { prototype } = mocha.Runnable;
  const timeout = prototype.timeout;
  // Files set limits of their own, minutes long; none of them is longer than ours.
  prototype.timeout = function (this: unknown, ...given: readonly (number | undefined)[]): unknown {
    const [ms] = given;
    return timeout.apply(this, ms === undefined ? [] : [Math.min(ms || limitMs, limitMs)]);
  };
  const instance = new mocha({ timeout: limitMs, retries: 0, reporter: class {} });
  if (verb === 'list') return list(instance, files);
  for (const file of files) instance.addFile(path.resolve(file));
  instance.loadFiles();
  instance.suite.eachTest((test) => tell({ event: 'case', name: test.fullTitle() }));
  const runner = instance.run(() => process.exit(0));
  const end = (test: Runnable, status: 'pass' | 'fail' | 'skipped', text: string): void =>
    tell({ event: 'end', name: test.fullTitle(), status, said: text });
  runner.on('test', (test) => tell({ event: 'start', name: test.fullTitle() }));
  runner.on('pass', (test) => end(test, 'pass', ''));
  runner.on('pending', (test) => end(test, 'skipped', ''));
  runner.on('fail', (test, error) => {
    if (test.type === 'test') end(test, 'fail', said(error));
    else {
      const group = test.parent.fullTitle();
      tell({ event: 'hook', group, name: test.title, said: said(error) });
    }
  });
}

main(process.argv.slice(2));
