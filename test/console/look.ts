/** Looks at a page in every colour and width, and keeps a picture of each where they are wanted. */
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { violations } from './browser.js';
import type { Visit } from './visit.js';

const PICTURE_BYTES_MAX = 300 * 1024;
/** A desk and a telephone, in pixels. */
const WIDTHS = [1440, 390] as const;

/** Whether the link of the page that is open is outside the row of pages; false where there is none, as at the sign-in. */
const OPEN_PAGE_HIDDEN = `(() => {
  const open = document.querySelector('nav [aria-current="page"]');
  if (open === null) return false;
  const [link, row] = [open, open.parentElement].map((each) => each.getBoundingClientRect());
  return link.left < row.left - 1 || link.right > row.right + 1;
})()`;

/** Whether the row of pages, which scrolls in a narrow window, leaves the open one out of sight. */
export async function hidesOpenPage(page: Page): Promise<boolean> {
  return (await page.evaluate(OPEN_PAGE_HIDDEN)) === true;
}

/** One page as people see it: both colours, wide and narrow. What axe finds, and what does not fit its window, is added to `troubles`. */
export async function look(
  page: Page,
  name: string,
  { pictures }: Visit,
  troubles: string[],
): Promise<void> {
  if (pictures !== null) mkdirSync(pictures, { recursive: true });
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 860 });
      for (const found of await violations(page))
        troubles.push(`${name}, ${scheme}, ${width}: ${found}`);
      const isWider = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
      if (isWider === true) troubles.push(`${name}, ${scheme}, ${width}: wider than its window`);
      if (await hidesOpenPage(page))
        troubles.push(`${name}, ${scheme}, ${width}: the open page is out of sight in the row`);
      if (pictures === null) continue;
      const file = path.join(pictures, `console-${name}-${scheme}-${width}.png`);
      await page.screenshot({ path: file });
      if (statSync(file).size > PICTURE_BYTES_MAX) troubles.push(`${file} is too large`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 860 });
}
