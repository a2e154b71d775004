/** A lead and an analyst of one team at every address of the console: nothing of another team is on any page. */
import type { Page } from 'playwright-core';
import { answers } from './answers.js';
import { PAGES } from './looked-at.js';
import { must, signIn, type Task, type Visit } from './visit.js';

/** Teams with statements, bills, unusual spending and changed budgets. */
const FOREIGN =
  /\b(sales|marketing|product|research|legal|data.science)\b|(sales|product|research)_analyst/i;

/** What a page repeats of its address before it refuses it: its heading, and the refusal's first sentence. */
interface Echo {
  readonly heading: string;
  readonly refusal: string;
}

/** Pages of another team, which a person of growth has typed. */
const TYPED: readonly (readonly [name: string, at: string, echo: Echo])[] = [
  ['the team sales', '/teams/sales', { heading: 'sales', refusal: 'There is no team "sales".' }],
  [
    'the bill of sales',
    '/bills/sales/2026-09',
    { heading: 'sales, September 2026', refusal: 'There is no team "sales".' },
  ],
];

export function tenancyTasks(visit: Visit): readonly Task[] {
  return [
    ...(['team-lead', 'analyst'] as const).map((role) => ({
      name: `no page shows a ${role} of growth anything of another team`,
      act: search(visit, role),
    })),
    { name: 'a leak beside the repeated address is found', act: plantedLeaks(visit) },
  ];
}

/** Also the addresses that have no link for the role, and pages of other teams: whoever knows one may type it. */
function search(visit: Visit, role: 'team-lead' | 'analyst'): Task['act'] {
  return async ({ page }) => {
    await signIn(page, visit, 'platform', '/');
    await page.getByText(FOREIGN).first().waitFor();
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await signIn(page, visit, role);
    const answered = answers(page);
    for (const [name, at, echo] of [...PAGES, ...TYPED]) {
      await page.goto(`${visit.url}${at}`);
      await mustBeOwn(page, answered, `${name}, shown to a ${role}`, echo);
    }
  };
}

/** Throws where the page that is open names another team anywhere but in the `echo` of its address. */
async function mustBeOwn(
  page: Page,
  answered: () => Promise<void>,
  what: string,
  echo: Echo | undefined,
): Promise<void> {
  // What is refused says so; that comes after the heading.
  if (echo !== undefined) await page.getByRole('alert').first().waitFor();
  await answered();
  const text = await page.locator('main').innerText();
  must(text.trim() !== '', `${what}, is empty`);
  const found = FOREIGN.exec(echo === undefined ? text : withoutEcho(text, echo));
  must(found === null, `${what}, names ${found?.[0] ?? ''}`);
}

/** Each part once and no more than the part: what else is on its line, and a second time of it, is searched. */
function withoutEcho(text: string, { heading, refusal }: Echo): string {
  must(text.includes(heading), `the page does not repeat ${heading}`);
  // An analyst, whom no bill is shown, is refused without a word of the team.
  return text.replace(heading, '').replace(refusal, '');
}

/** Told on the lines of heading and refusal, which repeat the address: the search has to find both. */
function plantedLeaks(visit: Visit): Task['act'] {
  return async ({ page }) => {
    await signIn(page, visit, 'team-lead');
    const answered = answers(page);
    const where = ['.head h1', '[role=alert] p'];
    for (const [name, at, echo] of TYPED)
      for (const place of where) {
        await page.goto(`${visit.url}${at}`);
        await mustBeOwn(page, answered, name, echo);
        const node = `document.querySelector(${JSON.stringify(place)})`;
        await page.evaluate(`${node}.append(' sales spent 41')`);
        const problem = await mustBeOwn(page, answered, name, echo).then(
          () => null,
          (thrown: unknown) => String(thrown),
        );
        must(problem === `Error: ${name}, names sales`, `${place} of ${name}: ${problem}`);
      }
  };
}
