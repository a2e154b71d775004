/** What a team lead does: sees the own team, decides what a member asks for, splits the budget among members. */
import { OWN_LEAD, OWN_TEAM } from './traffic.js';
import { fillDialog, must, openPage, signIn, type Task, type Visit } from './visit.js';

export function leadTasks(visit: Visit): readonly Task[] {
  return [
    { name: 'a team lead sees spend, statements and costs of the own team', act: sees(visit) },
    { name: 'a lead grants what a member asked for, and the member sees it', act: grants(visit) },
    { name: 'a lead who may not decide is told who does', act: isTold(visit) },
    { name: 'a lead splits the budget among the members', act: split(visit) },
  ];
}

/** Other teams that the demo made spend. */
const FOREIGN = /sales|research|logistics/;

function sees(visit: Visit): Task['act'] {
  return async ({ page }) => {
    await signIn(page, visit, 'team-lead', '/requests');
    await page.getByText('The board meets on Friday').first().waitFor();
    await openPage(page, 'Costs');
    await page.getByRole('heading', { name: 'Costs', exact: true }).waitFor();
    await openPage(page, 'Statements');
    await page
      .getByRole('cell', { name: `${OWN_TEAM}_analyst`, exact: true })
      .first()
      .waitFor();
    const text = await page.locator('main').innerText();
    must(!FOREIGN.test(text), 'a lead sees statements of another team');
    await openPage(page, 'Teams');
    await page.getByRole('heading', { name: /^Who spent in/ }).waitFor();
    await page
      .getByText(/new period/i)
      .first()
      .waitFor();
  };
}

/** A statement that the demo was refused. */
function grants(visit: Visit): Task['act'] {
  return async ({ page }) => {
    await signIn(page, visit, 'team-lead', '/requests');
    await page.getByText(`Leads of team ${OWN_TEAM} grant up to`).waitFor();
    await page.getByRole('button', { name: 'Grant', exact: true }).click();
    await fillDialog(page, { Reason: 'Once, for the board.' }, 'Grant');
    await page.getByText('Nobody waits for a decision').waitFor();
    await page.getByRole('button', { name: 'Granted', exact: true }).click();
    await page.getByText('“Once, for the board.”').first().waitFor();
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await signIn(page, visit, 'analyst', '/requests');
    await page.getByRole('button', { name: 'Granted', exact: true }).click();
    await page.getByText(`granted by `).first().waitFor();
  };
}

function isTold(visit: Visit): Task['act'] {
  return async ({ page }) => {
    await signIn(page, visit, 'other-lead', '/requests');
    await page.getByText('Ask the administrators for one that names the principal').waitFor();
    const buttons = await page.getByRole('button', { name: /^(Grant|Decline)$/ }).count();
    must(buttons === 0, 'a lead who decides nothing is offered to');
  };
}

function split(visit: Visit): Task['act'] {
  return async ({ page }) => {
    await signIn(page, visit, 'team-lead', '/teams');
    for (const [member, limit] of [
      [`${OWN_TEAM}_analyst`, '25'],
      [OWN_LEAD, '10'],
    ] as const) {
      await page.getByRole('button', { name: 'Add a part' }).click();
      const part = { 'Member, or workloads': member, 'Credits a month': limit };
      await fillDialog(page, { ...part, Reason: 'A part for each.' }, 'Add it');
      await page.getByRole('button', { name: `Change the part of ${member}` }).waitFor();
    }
    await page.getByRole('button', { name: `Change the part of ${OWN_LEAD}` }).click();
    await fillDialog(page, { 'Credits a month': '15', Reason: 'The rest too.' }, 'Change it');
    await page
      .getByRole('listitem')
      .filter({ hasText: OWN_LEAD })
      .getByText(/of 15(\.0+)? credits spent/)
      .waitFor();
    must(
      (await page.getByRole('button', { name: 'Set the limit' }).count()) === 0,
      'a lead limits',
    );
    const text = await page.locator('main').innerText();
    must(!FOREIGN.test(text), 'a lead sees other teams');
  };
}
