/** From the verbose lines of a Go test program to its cases: the tests without tests below them. */
import type { Seen } from './suite.js';

const MOVED = /^=== (RUN|CONT|NAME|PAUSE)\s+(\S+)/;
const ENDED = /^\s*--- (PASS|FAIL|SKIP): (\S+) \(/;
const STATUS = { PASS: 'pass', FAIL: 'fail', SKIP: 'skipped' } as const;
const ABOVE = /FailNow on a parent test/;
const SAID_MAX = 4096;

interface Running {
  status: Seen['status'] | null;
  said: string;
}

export class GoOutput {
  readonly #tests = new Map<string, Running>();
  #current = '';

  /** One line as the program printed it with `-test.v=test2json`; true when a test started or ended by it. */
  read(line: string): boolean {
    const [, verb, moved] = MOVED.exec(line) ?? [];
    if (verb !== undefined && moved !== undefined) {
      if (verb !== 'PAUSE') this.#current = moved;
      if (verb === 'RUN') this.#tests.set(moved, { status: null, said: '' });
      return true;
    }
    const [, word, ended] = ENDED.exec(line) ?? [];
    if (word !== undefined && ended !== undefined) {
      const test = this.#tests.get(ended);
      if (test !== undefined) test.status = STATUS[word as keyof typeof STATUS];
      return true;
    }
    const test = this.#tests.get(this.#current);
    if (test !== undefined) test.said = `${test.said}${line}\n`.slice(0, SAID_MAX);
    return false;
  }

  /** Tests that started and have not ended. */
  open(): readonly string[] {
    return [...this.#tests].filter(([, { status }]) => status === null).map(([name]) => name);
  }

  /** Ends what is open as failed, because the program ended under it. */
  abandon(why: string): void {
    for (const name of this.open()) {
      const test = this.#tests.get(name);
      if (test === undefined) continue;
      test.status = 'fail';
      test.said = `${why}\n${test.said}`;
    }
  }

  has(name: string): boolean {
    return this.#tests.has(name);
  }

  /** A test that failed though nothing below it did is a case too. */
  cases(): readonly Seen[] {
    const all = [...this.#tests].map(([name, { status, said }]) => ({
      name,
      status: status ?? 'fail',
      // What a helper finds may be told by the test above, whose connection it was.
      said: ABOVE.test(said)
        ? said + (this.#tests.get(name.split('/')[0] ?? '')?.said ?? '')
        : said,
    }));
    return all.filter(({ name, status }) => {
      const below = all.filter((other) => other.name.startsWith(`${name}/`));
      if (below.length === 0) return true;
      return status === 'fail' && !below.some((other) => other.status === 'fail');
    });
  }
}
