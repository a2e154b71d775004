/** Who does tasks in the console, and what each task shares. */
import type { Locator, Page } from 'playwright-core';
import type { IdentityProvider } from '../support/identity-provider.js';
import type { Person } from './browser.js';

export type RoleName =
  | 'platform'
  | 'finance'
  | 'other-finance'
  | 'team-lead'
  /** Of another team, with a token that names no principal. */
  | 'other-lead'
  | 'analyst'
  /** Of whom a statement was refused too. */
  | 'other-analyst';

export interface Visit {
  readonly url: string;
  readonly tokens: Readonly<Record<RoleName, string>>;
  /** Of a statement that the own team's budget refused. */
  readonly refusedTicket: string;
  /** One of another team. */
  readonly otherRefusedTicket: string;
  /** Folder for pictures of every page; null: none are wanted. */
  readonly pictures: string | null;
  /** Where people sign in who have no token. */
  readonly provider: IdentityProvider;
  /** Sends a statement by the real driver; null where it ran, what the driver says where it was refused. */
  readonly send: (user: string, text: string) => Promise<string | null>;
}

export interface Task {
  readonly name: string;
  /** Throws what is wrong. */
  readonly act: (person: Person) => Promise<void>;
}

/** Signs in as a person of the role. */
export async function signIn(
  page: Page,
  { url, tokens }: Visit,
  role: RoleName,
  at = '/',
): Promise<void> {
  await page.goto(`${url}${at}`);
  await page.getByLabel('Token', { exact: true }).fill(tokens[role]);
  await page.keyboard.press('Enter');
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
}

/** Opens a page by its link in the row of pages: other links have its name in theirs. */
export async function openPage(page: Page, name: string): Promise<void> {
  const pages = page.getByRole('navigation', { name: 'Pages' });
  await pages.getByRole('link', { name, exact: true }).click();
}

/** Throws `what` unless it is so. */
export function must(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(what);
}

/** Fills the dialog that is open, and waits until it is done. */
export async function fillDialog(
  page: Page,
  fields: Readonly<Record<string, string>>,
  action: string,
): Promise<void> {
  const dialog = page.getByRole('dialog');
  for (const [label, text] of Object.entries(fields)) await dialog.getByLabel(label).fill(text);
  await dialog.getByRole('button', { name: action, exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
}

/** Has the editor of the control document load what is in force; asked from here, because the content policy lets no script poll in the page. */
export async function loadDocument(
  page: Page,
): Promise<{ readonly editor: Locator; readonly text: string }> {
  await page.getByRole('button', { name: 'Load what is in force' }).click();
  const editor = page.getByLabel('The document');
  const end = Date.now() + 15_000;
  while (Date.now() < end) {
    const text = await editor.inputValue();
    if (text.includes('marketing')) return { editor, text };
  }
  throw new Error('the document did not come');
}

/** Counts the clicks from here on, by the page itself, so that none is forgotten. @returns how many there were. */
export async function countClicks(page: Page): Promise<() => Promise<number>> {
  const count =
    "addEventListener('click', () => sessionStorage.setItem('clicks', Number(sessionStorage.getItem('clicks') ?? 0) + 1), true)";
  await page.evaluate(`sessionStorage.removeItem('clicks'); ${count}`);
  await page.addInitScript(count);
  return async () => Number(await page.evaluate("sessionStorage.getItem('clicks')"));
}
