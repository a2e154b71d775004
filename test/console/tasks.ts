/** What each role does in the console, as one would with a mouse and a keyboard. */
import { firstPaint } from './browser.js';
import { callerOf } from './calls.js';
import { confirmTasks } from './confirm-tasks.js';
import { financeTasks } from './finance-tasks.js';
import { leadTasks } from './lead-tasks.js';
import { hidesOpenPage, look } from './look.js';
import { PAGES } from './looked-at.js';
import { FIRST_PAINT_MAX_MS } from './paints.js';
import { signInTasks } from './sign-in-tasks.js';
import { tenancyTasks } from './tenancy-tasks.js';
import {
  countClicks,
  fillDialog,
  loadDocument,
  must,
  openPage,
  signIn,
  type Task,
  type Visit,
} from './visit.js';

const RAISE_CLICKS_MAX = 4;
/** Every replica keeps to a freeze within a second; a machine under load is given more. */
const FREEZE_KNOWN_MAX_MS = 5_000;

export function tasksOf(visit: Visit): readonly Task[] {
  return [
    { name: 'nobody is let in with a wrong token, and is told so', act: wrongToken(visit) },
    { name: 'an analyst opens what a refusal links to and asks for it', act: analyst(visit) },
    { name: 'every page passes axe, light and dark, wide and narrow', act: everyPage(visit) },
    ...leadTasks(visit),
    { name: 'the platform grants the request and stops what runs', act: platform(visit) },
    { name: 'the platform plans a change, applies it and rolls it back', act: control(visit) },
    {
      name: 'the platform freezes, thaws and raises, and the audit log says so',
      act: steer(visit),
    },
    {
      name: 'the platform reads coverage, the score of estimates, tiers and rules',
      act: health(visit),
    },
    { name: 'a frozen tier refuses a real statement until it is thawed', act: freezeTier(visit) },
    { name: 'a page learns of a change that somebody else makes', act: told(visit) },
    { name: 'the platform lifts a pace, and a lead says what was unusual', act: unusual(visit) },
    ...financeTasks(visit),
    ...tenancyTasks(visit),
    ...signInTasks(visit),
    ...confirmTasks(visit),
    { name: 'signing out ends the sign-in', act: signOut(visit) },
  ];
}

function wrongToken({ url }: Visit): Task['act'] {
  return async ({ page }) => {
    await page.goto(url);
    await page.getByLabel('Token', { exact: true }).fill('no token of ours');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('not the admin token').waitFor();
    must((await page.context().cookies()).length === 0, 'a cookie was set');
  };
}

function analyst(visit: Visit): Task['act'] {
  return async ({ page }) => {
    await signIn(page, visit, 'analyst', `/#/tickets/${visit.refusedTicket}`);
    await page.getByRole('heading', { name: 'Why it did not run', exact: true }).waitFor();
    must(page.url().endsWith(`/tickets/${visit.refusedTicket}`), `the page is ${page.url()}`);
    await page.getByText('Not run, nothing charged').first().waitFor();
    await page.getByRole('button', { name: 'Ask for it' }).click();
    await page.getByLabel('Reason').fill('The board meets on Friday and needs shipping by mode.');
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    await page.getByText('Asked.').waitFor();
    await openPage(page, 'Price');
    await page.getByLabel('Statement').fill('SELECT * FROM ANALYTICS.WEB.EVENTS');
    await page.getByRole('button', { name: 'Price it' }).click();
    await page.getByText('It would not run now').waitFor();
    await page.getByText('Not run, nothing charged').first().waitFor();
    await page.getByText('What would be cheaper').first().waitFor();
    await openPage(page, 'Statements');
    await page
      .getByRole('link', { name: /NATION/ })
      .first()
      .click();
    await page.getByText('charged', { exact: true }).waitFor();
    await page.getByRole('heading', { name: 'What happened', exact: true }).waitFor();
    await openPage(page, 'Budgets');
    await page.getByRole('heading', { name: 'My budget', exact: true }).waitFor();
    must((await page.getByRole('link', { name: 'Costs' }).count()) === 0, 'an analyst sees costs');
    const text = await page.locator('main').innerText();
    must(!/sales|research/.test(text), 'an analyst sees other teams');
  };
}

function platform(visit: Visit): Task['act'] {
  return async ({ page }) => {
    const asked = { ticketId: visit.otherRefusedTicket, reason: 'For the yearly report.' };
    await callerOf(visit.url, visit.tokens['other-analyst'])('POST', '/requests', asked);
    await signIn(page, visit, 'platform', '/requests');
    await page.getByRole('button', { name: 'Grant', exact: true }).first().click();
    await page.getByRole('dialog').getByLabel('Reason').fill('Once, for the board.');
    await page.getByRole('dialog').getByRole('button', { name: 'Grant' }).click();
    await page.getByText('Nobody waits for a decision').waitFor();
    await openPage(page, 'Live');
    await page.getByRole('button', { name: 'Stop the statement of sales_analyst' }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill('It waits for nothing.');
    await page.getByRole('dialog').getByRole('button', { name: 'Stop it' }).click();
    await page.getByText('Nothing runs at the moment').waitFor({ timeout: 30_000 });
  };
}

function control(visit: Visit): Task['act'] {
  return async ({ page, troubles }) => {
    await signIn(page, visit, 'platform', '/control');
    const { editor, text } = await loadDocument(page);
    await editor.fill('teams: [');
    await page.getByRole('button', { name: 'Plan', exact: true }).click();
    await page.getByRole('alert').first().waitFor();
    await editor.fill(text.replace(/"costCentre": "[^"]*"/, '"costCentre": "CC-9999"'));
    await page.getByRole('button', { name: 'Plan', exact: true }).click();
    await page.getByRole('heading', { name: '1 change to version' }).waitFor();
    await page.getByRole('heading', { name: /of the last 30 days$/ }).waitFor();
    await look(page, 'plan', visit, troubles);
    await page.getByRole('button', { name: 'Apply …' }).click();
    await fillDialog(page, { Reason: 'A new cost centre.' }, 'Apply');
    await page.getByRole('cell', { name: 'A new cost centre.', exact: true }).waitFor();
    await page
      .getByRole('button', { name: /^Roll back to version/ })
      .first()
      .click();
    await fillDialog(page, { Reason: 'It was the wrong one.' }, 'Roll back');
    await page.getByRole('cell', { name: 'It was the wrong one.', exact: true }).waitFor();
  };
}

function steer(visit: Visit): Task['act'] {
  return async ({ page }) => {
    await signIn(page, visit, 'platform', '/live');
    await page.getByRole('button', { name: 'Freeze …' }).click();
    await fillDialog(
      page,
      { 'Which team': 'legal', Until: '4h', Reason: 'A loop nobody owns.' },
      'Freeze',
    );
    await page.getByText('Frozen: 1').waitFor();
    await page.getByRole('button', { name: 'Thaw legal' }).click();
    await fillDialog(page, { Reason: 'The loop has ended.' }, 'Thaw');
    await page.getByText('Nothing is frozen').waitFor();
    const clicksSoFar = await countClicks(page);
    await openPage(page, 'Teams');
    await page.getByRole('link', { name: /data.science/i }).click();
    await page.getByRole('button', { name: 'Raise it for a while' }).click();
    await fillDialog(page, { Money: '250', Until: 'friday', Reason: 'Until Friday.' }, 'Raise it');
    const clicks = await clicksSoFar();
    must(clicks > 0 && clicks <= RAISE_CLICKS_MAX, `a raise took ${clicks} clicks`);
    await openPage(page, 'Audit');
    await page.getByRole('cell', { name: 'Until Friday.', exact: true }).waitFor();
    await page.getByLabel('Action').fill('freeze.end');
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByRole('cell', { name: 'The loop has ended.', exact: true }).waitFor();
    must(
      (await page.getByRole('cell', { name: 'Until Friday.', exact: true }).count()) === 0,
      'not filtered',
    );
    await page.getByRole('button', { name: 'Check every hash here' }).click();
    await page.getByText('intact', { exact: true }).waitFor();
  };
}

function freezeTier(visit: Visit): Task['act'] {
  return async ({ page }) => {
    const text = 'SELECT COUNT(*) FROM REGION';
    const untilAnswered = async (isAwaited: (answer: string | null) => boolean): Promise<void> => {
      const end = Date.now() + FREEZE_KNOWN_MAX_MS;
      let answer: string | null;
      do answer = await visit.send('sales_analyst', text);
      while (!isAwaited(answer) && Date.now() < end);
      must(isAwaited(answer), `the statement: ${answer ?? 'it ran'}`);
    };
    await untilAnswered((answer) => answer === null);
    await signIn(page, visit, 'platform', '/live');
    await page.getByRole('button', { name: 'Freeze …' }).click();
    await page.getByRole('dialog').getByRole('combobox').selectOption('tier');
    const fields = { 'Which tier': 'standard', Until: '1h', Reason: 'The warehouse is resized.' };
    await fillDialog(page, fields, 'Freeze');
    await page.getByText('Frozen: 1').waitFor();
    const told = /^TG2112 Not run, nothing charged: .*tier standard is frozen by /;
    await untilAnswered((answer) => answer !== null && told.test(answer));
    await page.getByRole('button', { name: 'Thaw standard' }).click();
    await fillDialog(page, { Reason: 'It is resized.' }, 'Thaw');
    await page.getByText('Nothing is frozen').waitFor();
    await untilAnswered((answer) => answer === null);
  };
}

function health(visit: Visit): Task['act'] {
  return async ({ page }) => {
    await signIn(page, visit, 'platform', '/checks');
    await page.getByText('Came through Tollgate').waitFor();
    const score = page.getByRole('region', { name: 'Accuracy of estimates' });
    await score.getByRole('cell', { name: /^× \d/ }).first().waitFor();
    await openPage(page, 'Tiers');
    await page.getByRole('cell', { name: 'STANDARD_WH', exact: true }).first().waitFor();
    await openPage(page, 'Rules');
    await page
      .getByRole('region', { name: 'Rules and access lists' })
      .or(page.getByText('No rule is in force'))
      .waitFor();
  };
}

/** By itself the page would ask after half a minute. */
function told(visit: Visit): Task['act'] {
  return async ({ page }) => {
    const stream = page.waitForResponse(`${visit.url}/api/v1/events`);
    await signIn(page, visit, 'platform', '/control');
    await page.getByRole('cell', { name: 'first start', exact: true }).waitFor();
    must((await stream).status() === 200, 'there is no stream');
    const reason = 'Changed by another script.';
    const reply = await page.request.put(`${visit.url}/api/v1/budgets/legal`, {
      headers: { authorization: `Bearer ${visit.tokens.platform}` },
      data: { limitCredits: '77', reason },
    });
    must(reply.status() === 200, `the change was answered ${reply.status()}`);
    await page.getByRole('cell', { name: reason, exact: true }).waitFor({ timeout: 10_000 });
  };
}

function unusual(visit: Visit): Task['act'] {
  return async ({ page }) => {
    await signIn(page, visit, 'platform', '/unusual');
    await page.getByRole('button', { name: /^Lift the shape \w+ of growth/ }).click();
    await fillDialog(page, { Until: '4h', Reason: 'The quarter ends.' }, 'Lift it');
    await page.getByText('lifted', { exact: true }).first().waitFor();
    must((await page.getByRole('button', { name: /^Lift/ }).count()) === 1, 'both are lifted');
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await signIn(page, visit, 'team-lead', '/unusual');
    await page.getByText('lifted', { exact: true }).first().waitFor();
    must((await page.getByRole('button', { name: /^Lift/ }).count()) === 0, 'a lead may lift');
    await page.getByRole('button', { name: 'Acknowledge the hour of growth' }).click();
    await fillDialog(page, { Reason: 'The backfill of the year.' }, 'Acknowledge');
    await page.getByText('None that nobody has looked at').waitFor();
    await page.getByRole('button', { name: 'All', exact: true }).click();
    await page.getByText('The backfill of the year.').first().waitFor();
    must(!/research/.test(await page.locator('main').innerText()), 'a lead sees another team');
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
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByLabel('Token', { exact: true }).waitFor();
    must((await ask()) === 401, 'a copy of the cookie signs in after the sign-out');
  };
}

function everyPage(visit: Visit): Task['act'] {
  return async ({ page, troubles }) => {
    await page.goto(visit.url);
    await page.getByLabel('Token', { exact: true }).waitFor();
    await look(page, 'sign-in', visit, troubles);
    await signIn(page, visit, 'platform');
    const pages = [...PAGES, ['refusal', `/tickets/${visit.refusedTicket}`] as const];
    for (const [name, at] of pages) {
      const askedAt = Date.now();
      await page.goto(`${visit.url}${at}`);
      await page
        .locator('main .figures, main .table-scroll, main .card, main .empty')
        .first()
        .waitFor();
      const shown = Date.now() - askedAt;
      const paint = await firstPaint(page);
      console.log(`       ${name}: first paint after ${paint} ms, content within ${shown} ms`);
      if (paint > FIRST_PAINT_MAX_MS) troubles.push(`${name}: first paint after ${paint} ms`);
      // A line wants a few points to be looked at.
      if (name === 'live' && visit.pictures !== null) await page.waitForTimeout(14_000);
      await look(page, name, visit, troubles);
    }
    // Also where the window is narrow from the start; the looks make it narrow later.
    await page.setViewportSize({ width: 390, height: 860 });
    await page.goto(`${visit.url}/audit`);
    await page.getByRole('heading', { name: 'Audit', exact: true }).waitFor();
    must(!(await hidesOpenPage(page)), 'a telephone does not show which page is open');
  };
}
