/** What each role does in the console, as one would with a mouse and a keyboard. */
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { firstPaint, type Person, violations } from './browser.js';

export type RoleName = 'platform' | 'finance' | 'team-lead' | 'analyst';

export interface Visit {
  readonly url: string;
  readonly tokens: Readonly<Record<RoleName, string>>;
  readonly refusedTicket: string;
  /** Folder for pictures of every page; null: none are wanted. */
  readonly pictures: string | null;
}

export interface Task {
  readonly name: string;
  /** Throws what is wrong. */
  readonly act: (person: Person) => Promise<void>;
}

const FIRST_PAINT_MAX_MS = 1000;
const PICTURE_BYTES_MAX = 300 * 1024;

export function tasksOf(visit: Visit): readonly Task[] {
  return [
    { name: 'nobody is let in with a wrong token, and is told so', act: wrongToken(visit) },
    { name: 'an analyst opens what a refusal links to and asks for it', act: analyst(visit) },
    { name: 'every page passes axe, light and dark, wide and narrow', act: everyPage(visit) },
    { name: 'a team lead sees the request and the costs of the own team', act: teamLead(visit) },
    { name: 'the platform grants the request and stops what runs', act: platform(visit) },
    { name: 'finance reads the month and takes a bill along', act: finance(visit) },
    { name: 'signing out ends the sign-in', act: signOut(visit) },
  ];
}

async function signIn(page: Page, { url, tokens }: Visit, role: RoleName, at = '/'): Promise<void> {
  await page.goto(`${url}${at}`);
  await page.getByLabel('Token').fill(tokens[role]);
  await page.keyboard.press('Enter');
  await page.getByRole('navigation').waitFor();
}

function must(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(what);
}

function wrongToken({ url }: Visit): Task['act'] {
  return async ({ page }) => {
    await page.goto(url);
    await page.getByLabel('Token').fill('no token of ours');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('not the admin token').waitFor();
    must((await page.context().cookies()).length === 0, 'a cookie was set');
  };
}

function analyst(visit: Visit): Task['act'] {
  return async ({ page }) => {
    await signIn(page, visit, 'analyst', `/#/tickets/${visit.refusedTicket}`);
    await page.getByRole('heading', { name: 'Why it did not run' }).waitFor();
    must(page.url().endsWith(`/tickets/${visit.refusedTicket}`), `the page is ${page.url()}`);
    await page.getByText('Not run, nothing charged').first().waitFor();
    await page.getByRole('button', { name: 'Ask for it' }).click();
    await page.getByLabel('Reason').fill('The board meets on Friday and needs shipping by mode.');
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    await page.getByText('Asked.').waitFor();
    await page.getByRole('link', { name: 'Price' }).click();
    await page.getByLabel('Statement').fill('SELECT PAGE FROM ANALYTICS.WEB.EVENTS');
    await page.getByRole('button', { name: 'Price it' }).click();
    await page.getByText('It would not run now').waitFor();
    await page.getByText('Not run, nothing charged').waitFor();
    await page.getByText('What would be cheaper').waitFor();
    await page.getByRole('link', { name: 'Budgets' }).click();
    await page.getByRole('heading', { name: 'My budget' }).waitFor();
    must((await page.getByRole('link', { name: 'Costs' }).count()) === 0, 'an analyst sees costs');
    const text = await page.locator('main').innerText();
    must(!/sales|product/.test(text), 'an analyst sees other teams');
  };
}

function teamLead(visit: Visit): Task['act'] {
  return async ({ page }) => {
    await signIn(page, visit, 'team-lead', '/requests');
    await page.getByText('The board meets on Friday').waitFor();
    await page.getByRole('link', { name: 'Costs' }).click();
    await page.getByRole('heading', { name: 'Costs' }).waitFor();
    await page.getByRole('link', { name: 'Statements' }).click();
    await page.getByRole('cell', { name: 'marketing_analyst' }).first().waitFor();
    const text = await page.locator('main').innerText();
    must(!/sales_analyst/.test(text), 'a lead sees statements of another team');
  };
}

function platform(visit: Visit): Task['act'] {
  return async ({ page }) => {
    await signIn(page, visit, 'platform', '/requests');
    await page.getByRole('button', { name: 'Grant', exact: true }).first().click();
    await page.getByRole('dialog').getByLabel('Reason').fill('Once, for the board.');
    await page.getByRole('dialog').getByRole('button', { name: 'Grant' }).click();
    await page.getByText('Nobody waits for a decision').waitFor();
    await page.getByRole('link', { name: 'Live' }).click();
    await page.getByRole('button', { name: 'Stop the statement of sales_analyst' }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill('It waits for nothing.');
    await page.getByRole('dialog').getByRole('button', { name: 'Stop it' }).click();
    await page.getByText('Nothing runs at the moment').waitFor({ timeout: 30_000 });
  };
}

function finance(visit: Visit): Task['act'] {
  return async ({ page }) => {
    await signIn(page, visit, 'finance', '/costs');
    await page.getByRole('heading', { name: 'Costs' }).waitFor();
    await page.getByRole('combobox').nth(1).selectOption('warehouse');
    await page.getByRole('combobox').nth(1).selectOption('team');
    const link = page.getByRole('link', { name: 'CSV bill of marketing' });
    await link.waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
    must(/^marketing-\d{4}-\d\d\.csv$/.test(download.suggestedFilename()), 'it has another name');
    must((await page.getByRole('button', { name: 'Grant' }).count()) === 0, 'finance may grant');
  };
}

function signOut(visit: Visit): Task['act'] {
  return async ({ page }) => {
    await signIn(page, visit, 'finance');
    const [kept] = await page.context().cookies();
    must(kept?.httpOnly === true && kept.sameSite === 'Strict', 'the cookie is open to scripts');
    const ask = (): Promise<number> =>
      page.request
        .get(`${visit.url}/api/v1/me`, { headers: { cookie: `${kept?.name}=${kept?.value}` } })
        .then((reply) => reply.status());
    must((await ask()) === 200, 'the cookie does not sign in');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
    must((await ask()) === 401, 'a copy of the cookie signs in after the sign-out');
  };
}

const PAGES: readonly (readonly [name: string, path: string])[] = [
  ['budgets', '/'],
  ['live', '/live'],
  ['statements', '/tickets'],
  ['price', '/price'],
  ['requests', '/requests'],
  ['costs', '/costs'],
];

function everyPage(visit: Visit): Task['act'] {
  return async ({ page, troubles }) => {
    await page.goto(visit.url);
    await page.getByLabel('Token').waitFor();
    await look(page, 'sign-in', visit, troubles);
    await signIn(page, visit, 'platform');
    const pages = [...PAGES, ['refusal', `/tickets/${visit.refusedTicket}`] as const];
    for (const [name, at] of pages) {
      await page.goto(`${visit.url}${at}`);
      await page
        .locator('main .figures, main .table-scroll, main .card, main .empty')
        .first()
        .waitFor();
      const paint = await firstPaint(page);
      if (paint > FIRST_PAINT_MAX_MS) troubles.push(`${name}: first paint after ${paint} ms`);
      // A line wants a few points to be looked at.
      if (name === 'live' && visit.pictures !== null) await page.waitForTimeout(14_000);
      await look(page, name, visit, troubles);
    }
  };
}

async function look(
  page: Page,
  name: string,
  { pictures }: Visit,
  troubles: string[],
): Promise<void> {
  if (pictures !== null) mkdirSync(pictures, { recursive: true });
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 860 });
      for (const found of await violations(page))
        troubles.push(`${name}, ${scheme}, ${width}: ${found}`);
      const isWider = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
      if (isWider === true) troubles.push(`${name}, ${scheme}, ${width}: wider than its window`);
      if (pictures === null) continue;
      const file = path.join(pictures, `console-${name}-${scheme}-${width}.png`);
      await page.screenshot({ path: file });
      if (statSync(file).size > PICTURE_BYTES_MAX) troubles.push(`${file} is too large`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 860 });
}
