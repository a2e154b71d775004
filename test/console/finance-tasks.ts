/** What finance and a lead do with months, bills and disputes. */
import { statSync } from 'node:fs';
import path from 'node:path';
import type { Download, Locator, Page } from 'playwright-core';
import { monthBefore } from '../../billing/close/month-order.js';
import { look } from './look.js';
import { countClicks, fillDialog, must, openPage, signIn, type Task, type Visit } from './visit.js';

/** The month that the demo seeds. */
const SEEDED_MONTH = monthBefore(monthNow());
/** Days of a month on which views of the one before may still be late, and nobody may close it. */
const LATE_DAYS = 3;
/** Whether the demo's month may not be closed today, so that one before it has to be written for that. */
export const IS_SEEDED_LATE: boolean = new Date().getUTCDate() <= LATE_DAYS;
/** Long enough over that every view of it has been read: on most days the month that the demo seeds. */
export const PAST_MONTH: string = IS_SEEDED_LATE ? monthBefore(SEEDED_MONTH) : SEEDED_MONTH;
const MONTH_NAME = new Intl.DateTimeFormat('en-GB', {
  month: 'long',
  year: 'numeric',
  timeZone: 'UTC',
});
const BILL_CLICKS_MAX = 4;
const PICTURE_BYTES_MAX = 150 * 1024;

function monthNow(): string {
  return new Date().toISOString().slice(0, 7);
}

/** As the pages write it: the console is bundled, so nothing of it can be imported here. */
function monthName(month: string): string {
  return MONTH_NAME.format(new Date(`${month}-01T00:00:00Z`));
}

export function financeTasks(visit: Visit): readonly Task[] {
  return [
    { name: 'finance reads the costs and takes a bill along', act: costs(visit) },
    {
      name: `a bill as PDF and FOCUS takes ${BILL_CLICKS_MAX} clicks from the sign-in`,
      act: billInFewClicks(visit),
    },
    { name: 'two people of finance close a month', act: closeMonth(visit) },
    { name: 'a lead disputes a line, and finance accepts it', act: dispute(visit) },
  ];
}

function costs(visit: Visit): Task['act'] {
  return async ({ page }) => {
    await signIn(page, visit, 'finance', '/costs');
    await page.getByRole('heading', { name: 'Costs', exact: true }).waitFor();
    await page.getByRole('combobox').nth(1).selectOption('warehouse');
    await page.getByRole('combobox').nth(1).selectOption('team');
    const link = page.getByRole('link', { name: 'CSV bill of marketing' });
    await link.waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
    must(
      /^\d{4}-\d\d-v0-marketing\.csv$/.test(download.suggestedFilename()),
      'it has another name',
    );
    must((await page.getByRole('button', { name: 'Grant' }).count()) === 0, 'finance may grant');
  };
}

async function taken(page: Page, link: Locator): Promise<Download> {
  const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
  must((await download.failure()) === null, `${download.suggestedFilename()} did not come`);
  return download;
}

function billInFewClicks(visit: Visit): Task['act'] {
  return async ({ page }) => {
    const month = monthNow();
    await signIn(page, visit, 'finance');
    const clicksSoFar = await countClicks(page);
    await openPage(page, 'Months');
    await page.getByRole('link', { name: monthName(month), exact: true }).click();
    const pdf = await taken(page, page.getByRole('link', { name: 'PDF bill of marketing' }));
    const focus = await taken(page, page.getByRole('link', { name: 'FOCUS rows of marketing' }));
    must(pdf.suggestedFilename() === `${month}-v0-marketing.pdf`, pdf.suggestedFilename());
    must(/^marketing-.*focus.*csv$/.test(focus.suggestedFilename()), focus.suggestedFilename());
    must(statSync(await pdf.path()).size > 1000, 'the PDF is empty');
    must(statSync(await focus.path()).size > 100, 'the FOCUS file is empty');
    const clicks = await clicksSoFar();
    must(clicks > 0 && clicks <= BILL_CLICKS_MAX, `it took ${clicks} clicks`);
  };
}

async function take(page: Page, step: string, reason?: string): Promise<void> {
  await page.getByRole('button', { name: `${step} …` }).click();
  await fillDialog(page, reason === undefined ? {} : { Reason: reason }, step);
}

function closeMonth(visit: Visit): Task['act'] {
  return async ({ page }) => {
    const at = `/months/${PAST_MONTH}`;
    await signIn(page, visit, 'finance', at);
    await take(page, 'Freeze');
    await page.getByText('frozen by').first().waitFor();
    await take(page, 'Propose', 'Everything is in.');
    await page.getByText('proposed by').first().waitFor();
    const own = await page.getByRole('button', { name: 'Approve …' }).count();
    must(own === 0, 'who proposed a month is offered to approve it');
    if (visit.pictures !== null) {
      const file = path.join(visit.pictures, 'console-month.png');
      await page.screenshot({ path: file });
      must(statSync(file).size <= PICTURE_BYTES_MAX, `${file} is too large`);
    }
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await signIn(page, visit, 'other-finance', at);
    await take(page, 'Approve');
    await take(page, 'Close');
    await page.getByText('Closed: nothing of it changes').waitFor();
    must((await page.getByRole('button', { name: 'Freeze …' }).count()) === 0, 'it may be frozen');
    await openPage(page, 'Months');
    await page.getByRole('link', { name: monthName(PAST_MONTH), exact: true }).waitFor();
    for (const name of ['All bills (ZIP)', 'Journal']) {
      await page.goto(`${visit.url}${at}`);
      await taken(page, page.getByRole('link', { name, exact: true }));
    }
  };
}

function dispute(visit: Visit): Task['act'] {
  return async ({ page, troubles }) => {
    await signIn(page, visit, 'team-lead');
    must((await page.getByRole('link', { name: 'Months' }).count()) === 0, 'a lead sees months');
    await openPage(page, 'Bills');
    await page.getByRole('link', { name: monthName(PAST_MONTH), exact: true }).click();
    await page
      .getByRole('button', { name: /^Dispute [\w ]+ of/ })
      .first()
      .click();
    await fillDialog(page, { Reason: 'The backfill was not ours.' }, 'Dispute');
    await page.getByText('The dispute is raised').waitFor();
    await look(page, 'bill', visit, troubles);
    await openPage(page, 'Disputes');
    await page.getByRole('cell', { name: 'The backfill was not ours.' }).first().waitFor();
    must((await page.getByRole('button', { name: /^Accept/ }).count()) === 0, 'a lead may accept');
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await signIn(page, visit, 'finance', '/disputes');
    await page.getByRole('button', { name: /^Accept dispute/ }).click();
    await fillDialog(page, { Reason: 'Right.', 'Which team': 'sales' }, 'Accept');
    await page.getByText('accepted').first().waitFor();
    const moved = page.getByRole('region', { name: 'Adjustments' });
    await moved.getByRole('cell', { name: 'sales', exact: true }).waitFor();
    await look(page, 'disputes-decided', visit, troubles);
  };
}
