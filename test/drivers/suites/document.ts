/** What both sides of every suite answered, as docs/driver-suites.md. */
import { reasonOf } from './reasons.js';
import type { Apart, Seen } from './suite.js';

export interface SuiteResult {
  readonly title: string;
  readonly apart: readonly Apart[];
  readonly direct: readonly Seen[];
  readonly proxied: readonly Seen[];
}

type Cell = Seen['status'] | 'absent';

interface Pair {
  readonly name: string;
  readonly direct: Cell;
  readonly proxied: Cell;
  readonly reason: string;
}

/** `214 pass, 20 fail, 3 skipped`. */
export function sideLines(seen: readonly Seen[]): string {
  const count = (status: Seen['status']): number =>
    seen.filter((each) => each.status === status).length;
  return `${count('pass')} pass, ${count('fail')} fail, ${count('skipped')} skipped by themselves`;
}

export function suitesDocument(results: readonly SuiteResult[]): string {
  const lines = [...HEAD, ...figures(results), ''];
  for (const result of results) {
    const pairs = paired(result).filter((each) => each.direct !== each.proxied || failed(each));
    lines.push(`## ${result.title}`, '', ...apartLines(result), '', ...reasonLines(pairs), '');
    lines.push('| case | direct | proxied | reason |', '| --- | --- | --- | --- |');
    for (const { name, direct, proxied, reason } of pairs) {
      lines.push(`| ${escaped(name)} | ${direct} | ${proxied} | ${escaped(reason)} |`);
    }
    lines.push('');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function failed({ direct, proxied }: Pair): boolean {
  return direct === 'fail' || proxied === 'fail';
}

function figures(results: readonly SuiteResult[]): readonly string[] {
  const row = (title: string, side: string, seen: readonly Seen[], apart: number): string => {
    const count = (status: Seen['status']): number =>
      seen.filter((each) => each.status === status).length;
    const ran = count('pass') + count('fail');
    return `| ${title} | ${side} | ${ran} | ${count('pass')} | ${count('fail')} | ${count('skipped')} | ${apart} |`;
  };
  return [
    '| suite | side | run | pass | fail | skipped by themselves | not run |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: |',
    ...results.flatMap(({ title, direct, proxied, apart }) => {
      const notRun = apart.reduce((sum, { cases }) => sum + cases, 0);
      return [row(title, 'direct', direct, notRun), row(title, 'proxied', proxied, notRun)];
    }),
  ];
}

function apartLines({ apart }: SuiteResult): readonly string[] {
  return ['Not run:', '', ...apart.map(({ why, cases }) => `- ${cases}: ${why}`)];
}

function reasonLines(pairs: readonly Pair[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { reason } of pairs) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const sorted = [...counts].sort(([a, most], [b, more]) => more - most || (a < b ? -1 : 1));
  return [
    '| reason | cases |',
    '| --- | ---: |',
    ...sorted.map(([reason, count]) => `| ${escaped(reason)} | ${count} |`),
  ];
}

/** Cases of one name are told apart by their order. */
function paired({ direct, proxied }: SuiteResult): readonly Pair[] {
  const numbered = (seen: readonly Seen[]): ReadonlyMap<string, Seen> => {
    const found = new Map<string, Seen>();
    for (const each of seen) {
      let name = each.name;
      for (let at = 2; found.has(name); at += 1) name = `${each.name} (${at})`;
      found.set(name, each);
    }
    return found;
  };
  const left = numbered(direct);
  const right = numbered(proxied);
  return [...new Set([...left.keys(), ...right.keys()])].map((name) => {
    const [onWarehouse, onProxy] = [left.get(name), right.get(name)];
    const failure = [onWarehouse, onProxy].find((each) => each?.status === 'fail');
    return {
      name,
      direct: onWarehouse?.status ?? 'absent',
      proxied: onProxy?.status ?? 'absent',
      reason: failure === undefined ? '' : reasonOf(name, failure.said),
    };
  });
}

function escaped(text: string): string {
  return text.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ');
}

const HEAD = `# The drivers' own test-suites

Written by \`npm run test:suites\`: the public test-suites of two drivers, unchanged and not part of this repository, each case
once against the embedded warehouse and once through Tollgate, as one user of the demo with a system of its own for each side.
A table lists what failed on a side, or ended differently on the two. Names of cases are the suites'; the reasons are ours.

- The Node driver's package has no tests: the newest public tag of its repository, 3.1.0, is run on the driver that Tollgate ships.
- A case of Go is a test without tests below it; \`absent\` is one that its parent did not come to on that side.
- A case may take 30 s (Go: 60 s), a side 15 min. Nothing leaves the machine, so what asks a cloud, an identity provider or
  certificate servers is not run or fails.

How to run it again: \`npm run test:suites -- node=<folder with the driver's repository>\`, Go on the search path.
`.split('\n');
