/** All pages on one picture for each theme and width: what docs/console.md shows. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from './browser.js';

interface Sheet {
  readonly theme: 'light' | 'dark';
  readonly form: 'wide' | 'narrow';
  /** Of the window that the pictures were taken in. */
  readonly windowWidth: number;
  readonly columns: number;
  /** Of one picture on the sheet. */
  readonly width: number;
  readonly height: number;
}

const WIDE = { form: 'wide', windowWidth: 1440, columns: 4, width: 360, height: 225 } as const;
const NARROW = { form: 'narrow', windowWidth: 390, columns: 8, width: 180, height: 330 } as const;
const SHEETS: readonly Sheet[] = [WIDE, NARROW].flatMap((form) => [
  { theme: 'light', ...form },
  { theme: 'dark', ...form },
]);
const COLOURS = {
  light: { ground: '#e9ebef', text: '#222' },
  dark: { ground: '#0b0e14', text: '#cdd3de' },
};
/** Small enough to be read over a slow line, and its words still legible. */
const JPEG_QUALITY = 50;

/** Writes `console-pages-<theme>-<form>.jpg` from the pictures of the folder; a form without any is left out. */
export async function drawContactSheets(browser: Browser, folder: string): Promise<void> {
  for (const sheet of SHEETS) {
    const ending = `-${sheet.theme}-${sheet.windowWidth}.png`;
    const files = readdirSync(folder)
      .filter((file) => file.endsWith(ending))
      .sort();
    if (files.length === 0) continue;
    const person = await browser.person();
    const { page } = person;
    const width = sheet.columns * (sheet.width + 10) + 10;
    await page.setViewportSize({ width, height: 600 });
    await page.setContent(htmlOf(sheet, folder, files, ending));
    await page.screenshot({
      path: path.join(folder, `console-pages-${sheet.theme}-${sheet.form}.jpg`),
      type: 'jpeg',
      quality: JPEG_QUALITY,
      fullPage: true,
    });
    await person.close();
  }
}

function htmlOf(sheet: Sheet, folder: string, files: readonly string[], ending: string): string {
  const { ground, text } = COLOURS[sheet.theme];
  const figures = files.map((file) => {
    const name = file.slice('console-'.length, -ending.length).replaceAll('-', ' ');
    const data = readFileSync(path.join(folder, file)).toString('base64');
    return `<figure><div><img src="data:image/png;base64,${data}"></div><figcaption>${name}</figcaption></figure>`;
  });
  return `<style>
    body { margin: 0; background: ${ground}; color: ${text}; font: 12px sans-serif }
    main { display: grid; grid-template-columns: repeat(${sheet.columns}, ${sheet.width}px); gap: 10px; padding: 10px }
    figure { margin: 0 }
    div { height: ${sheet.height}px; overflow: hidden; border-radius: 4px }
    img { width: ${sheet.width}px; display: block }
    figcaption { padding: 3px 0 }
  </style><main>${figures.join('')}</main>`;
}
