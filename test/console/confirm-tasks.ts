/** What a dangerous call asks of somebody who signed in long ago: it is asked over what is open, and nothing typed is lost. */
import type { Page } from 'playwright-core';
import { violations } from './browser.js';
import { look } from './look.js';
import { loadDocument, must, signIn, type Task, type Visit } from './visit.js';

const BY_GROUP = 'Sign in with your organisation';

export function confirmTasks(visit: Visit): readonly Task[] {
  return [
    { name: 'a sign-in of long ago is confirmed by its token, by keyboard', act: byToken(visit) },
    { name: 'one by the identity provider is confirmed in a window beside', act: beside(visit) },
  ];
}

/** Signs in again in the window that the dialog opens, which closes by itself. */
export async function confirmBeside(page: Page): Promise<void> {
  const opened = page.context().waitForEvent('page');
  await page.getByRole('dialog').getByRole('link', { name: 'Sign in again' }).click();
  const window = await opened;
  if (!window.isClosed()) await window.waitForEvent('close');
}

/** Plans a change of the document and opens the dialog that applies it, with the reason in it. */
async function planned(page: Page, costCentre: string, reason: string): Promise<void> {
  const { editor, text } = await loadDocument(page);
  await editor.fill(text.replace(/"costCentre": "[^"]*"/, `"costCentre": "${costCentre}"`));
  await page.getByRole('button', { name: 'Plan', exact: true }).click();
  await page.getByRole('button', { name: 'Apply …' }).click();
  await page.getByLabel('Reason').fill(reason);
}

function byToken(visit: Visit): Task['act'] {
  return async ({ page, troubles }) => {
    await signIn(page, visit, 'platform', '/control');
    await planned(page, 'CC-7777', 'Confirmed by a token.');
    // The server is a quarter of an hour away from saying so by itself.
    const problem = { title: 'Confirm', code: 'confirm-sign-in', confirmBy: 'token' };
    const asked = { status: 401, json: { ...problem, detail: 'It was confirmed too long ago.' } };
    await page.route('**/api/v1/control', (route) => route.fulfill(asked), { times: 2 });
    await page.getByRole('button', { name: 'Apply', exact: true }).press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Is it still you?' });
    await dialog.getByLabel('Token').waitFor();
    await look(page, 'confirm', visit, troubles);
    await page.keyboard.press('Escape');
    await page.getByRole('alert').getByText('confirmed too long ago').waitFor();
    const kept = await page.getByLabel('Reason').inputValue();
    must(kept === 'Confirmed by a token.', `what was typed is lost: ${kept}`);
    await page.getByRole('button', { name: 'Apply', exact: true }).press('Enter');
    await dialog.getByLabel('Token').waitFor();
    // The field has the focus.
    await page.keyboard.type('not the token');
    await page.keyboard.press('Enter');
    await dialog.getByRole('alert').getByText('not the admin token').waitFor();
    await dialog.getByLabel('Token').fill(visit.tokens.platform);
    await page.keyboard.press('Enter');
    await page.getByRole('cell', { name: 'Confirmed by a token.', exact: true }).waitFor();
    must((await page.getByRole('dialog').count()) === 0, 'a dialog is left');
  };
}

function beside(visit: Visit): Task['act'] {
  return async ({ page, troubles }) => {
    visit.provider.beWho({ groups: ['admins'], email: 'ada@example.com' });
    await page.goto(`${visit.url}/control`);
    await page.getByRole('link', { name: BY_GROUP }).click();
    await planned(page, 'CC-8888', 'Confirmed by the provider.');
    // The provider said of the sign-in not when it was: it may be of this morning.
    await page.getByRole('button', { name: 'Apply', exact: true }).click();
    await page.getByRole('dialog', { name: 'Is it still you?' }).waitFor();
    for (const found of await violations(page)) troubles.push(`confirm beside: ${found}`);
    visit.provider.beWho({ groups: ['admins'], email: 'somebody-else@example.com' });
    const opened = page.context().waitForEvent('page');
    await page.getByRole('link', { name: 'Sign in again' }).click();
    const window = await opened;
    await window.getByRole('alert').getByText('You signed in as somebody else').waitFor();
    for (const found of await violations(window)) troubles.push(`not confirmed: ${found}`);
    await window.close();
    visit.provider.beWho({ groups: ['admins'], email: 'ada@example.com' });
    await confirmBeside(page);
    await page.getByRole('cell', { name: 'Confirmed by the provider.', exact: true }).waitFor();
    // Once is enough for a quarter of an hour.
    await page
      .getByRole('button', { name: /^Roll back to version/ })
      .first()
      .click();
    await page.getByLabel('Reason').fill('It was for the test.');
    await page.getByRole('button', { name: 'Roll back', exact: true }).last().click();
    await page.getByRole('cell', { name: 'It was for the test.', exact: true }).waitFor();
  };
}
