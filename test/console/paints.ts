/** How soon every page is there, for who sees all and for who sees one team: measured, and written to docs/console.md. */
import path from 'node:path';
import type { Page, Request } from 'playwright-core';
import { machine, table, writeSection } from '../../bench/report.js';
import { ROOT } from '../drivers/places.js';
import { answers } from './answers.js';
import { firstPaint } from './browser.js';
import { callerOf } from './calls.js';
import { PAST_MONTH } from './finance-tasks.js';
import { PAGES } from './looked-at.js';
import { OWN_TEAM } from './traffic.js';
import { must, signIn, type Task, type Visit } from './visit.js';

export const FIRST_PAINT_MAX_MS = 1000;
const ROLES = ['platform', 'team-lead'] as const;
const ROUNDS = 3;

/** Milliseconds after the address was opened. */
interface Shown {
  readonly paintMs: number;
  /** Until the last answer of the API was there. */
  readonly answeredMs: number;
}

/** Every page with the charges that are in the ledger; it fails where one paints late, after all are measured. */
export function paintTask(visit: Visit, charges: number): Task {
  return {
    name: `every page paints within ${FIRST_PAINT_MAX_MS} ms with ${charges} charges`,
    act: async ({ page, troubles }) => {
      const pages = [
        ...PAGES,
        ['refusal', `/tickets/${visit.refusedTicket}`] as const,
        ['bill', await frozenBill(visit)] as const,
      ];
      const measured = new Map<string, readonly Shown[]>();
      const answered = answers(page);
      for (const role of ROLES) {
        await signIn(page, visit, role);
        for (const [name, at] of pages) {
          const shown = await medianOf(page, answered, `${visit.url}${at}`);
          if (shown.paintMs > FIRST_PAINT_MAX_MS)
            troubles.push(`${name}, ${role}: first paint after ${shown.paintMs} ms`);
          measured.set(name, [...(measured.get(name) ?? []), shown]);
        }
        await page.getByRole('button', { name: 'Sign out', exact: true }).click();
        await page.getByLabel('Token', { exact: true }).waitFor();
      }
      const text = textOf(pages, measured, charges);
      console.log(text);
      writeSection(path.join(ROOT, 'docs', 'console.md'), 'console:paints', 'How soon', text);
    },
  };
}

/** A bill wants a month that is frozen. @returns the address of the own team's. */
async function frozenBill({ url, tokens }: Visit): Promise<string> {
  await callerOf(url, tokens.finance)('POST', `/closes/${PAST_MONTH}/freeze`, {});
  return `/bills/${OWN_TEAM}/${PAST_MONTH}`;
}

async function medianOf(page: Page, answered: () => Promise<void>, at: string): Promise<Shown> {
  const rounds: Shown[] = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await shownAt(page, answered, at));
  const median = (of: (shown: Shown) => number): number =>
    rounds.map(of).sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Infinity;
  return {
    paintMs: median(({ paintMs }) => paintMs),
    answeredMs: median(({ answeredMs }) => answeredMs),
  };
}

async function shownAt(page: Page, answered: () => Promise<void>, at: string): Promise<Shown> {
  let lastAt = 0;
  const note = (request: Request): void => {
    if (request.url().includes('/api/v1/')) lastAt = performance.now();
  };
  page.on('requestfinished', note);
  const askedAt = performance.now();
  await page.goto(at);
  await answered();
  page.off('requestfinished', note);
  must(lastAt > askedAt, `${at} asks nothing`);
  return { paintMs: await firstPaint(page), answeredMs: Math.round(lastAt - askedAt) };
}

function textOf(
  pages: readonly (readonly [name: string, at: string])[],
  measured: ReadonlyMap<string, readonly Shown[]>,
  charges: number,
): string {
  const head = ['page', ...ROLES.flatMap((role) => [`${role}: painted`, 'answered'])];
  const rows = pages.map(([name]) => [
    name,
    ...(measured.get(name) ?? []).flatMap(({ paintMs, answeredMs }) => [
      `${paintMs}`,
      `${answeredMs}`,
    ]),
  ]);
  return [
    `Milliseconds from opening an address to the first paint with content, and to the last answer of the API; medians of ${ROUNDS}, with ${charges} charges in the ledger; ${machine()}.`,
    '',
    table(head, rows),
  ].join('\n');
}
