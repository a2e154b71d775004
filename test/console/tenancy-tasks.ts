/** A lead and an analyst of one team at every address of the console: nothing of another team is on any page. */
import type { Page, Request } from 'playwright-core';
import { PAGES } from './looked-at.js';
import { must, signIn, type Task, type Visit } from './visit.js';

/** Teams with statements, bills, unusual spending and changed budgets. */
const FOREIGN = /\b(sales|product|research|legal|data.science)\b|(sales|product|research)_analyst/i;

/** Frames without an open question after which a page is complete. */
const FRAMES = 10;

export function tenancyTasks(visit: Visit): readonly Task[] {
  return (['team-lead', 'analyst'] as const).map((role) => ({
    name: `no page shows a ${role} of marketing anything of another team`,
    act: search(visit, role),
  }));
}

/** Also the addresses that have no link for the role, and pages of other teams: whoever knows one may type it. */
function search(visit: Visit, role: 'team-lead' | 'analyst'): Task['act'] {
  return async ({ page }) => {
    await signIn(page, visit, 'platform', '/');
    await page.getByText(FOREIGN).first().waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await signIn(page, visit, role);
    const answered = answers(page);
    const foreign: readonly (readonly [string, string])[] = [
      ['the team sales', '/teams/sales'],
      ['the bill of sales', '/bills/sales/2026-09'],
    ];
    for (const [name, at] of [...PAGES, ...foreign]) {
      await page.goto(`${visit.url}${at}`);
      const isNamed = foreign.some(([each]) => each === name);
      // What is refused says so; that comes after the heading.
      if (isNamed) await page.getByRole('alert').waitFor();
      await answered();
      const text = await page.locator('main').innerText();
      must(text.trim() !== '', `${name} shows nothing at all`);
      // The heading of a page repeats what was typed into the address.
      const found = FOREIGN.exec(isNamed ? text.replaceAll(/^.*sales.*$/gim, '') : text);
      must(found === null, `${name} shows a ${role}: ${found?.[0] ?? ''}`);
    }
  };
}

/** @returns what waits until every question of the page that is open has its answer, and the page shows it. */
function answers(page: Page): () => Promise<void> {
  const asked = new Set<Request>();
  const isQuestion = (request: Request): boolean =>
    request.url().includes('/api/v1/') && !request.url().endsWith('/events');
  page.on('request', (request) => void (isQuestion(request) && asked.add(request)));
  page.on('requestfinished', (request) => void asked.delete(request));
  page.on('requestfailed', (request) => void asked.delete(request));
  return async () => {
    await page.locator('main h1').first().waitFor();
    // A question is asked a frame after the heading is there, and its answer is shown a frame after it came.
    for (
      let quietFrames = 0;
      quietFrames < FRAMES;
      quietFrames = asked.size > 0 ? 0 : quietFrames + 1
    )
      await page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done)))');
  };
}
