/** Chromium, and what a page must never do: log an error, break the content policy, keep somebody out. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import axe from 'axe-core';
import { type BrowserContext, chromium, type Page } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Where it is; undefined: it is not here. */
export function findChromium(): string | undefined {
  return PLACES.find((place) => existsSync(place));
}

export interface Browser {
  /** A person's own browser: cookies apart from all others. */
  person(): Promise<Person>;
  close(): Promise<void>;
}

export interface Person {
  readonly page: Page;
  /** What went wrong on its pages so far. */
  readonly troubles: string[];
  close(): Promise<void>;
}

export async function openBrowser(executablePath: string): Promise<Browser> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-console-'));
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  return {
    async person() {
      const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
      return personOf(context);
    },
    async close() {
      await browser.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function personOf(context: BrowserContext): Promise<Person> {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const troubles: string[] = [];
  page.on('pageerror', (error) => troubles.push(`${page.url()}: ${error.message}`));
  page.on('console', (message) => {
    // Chromium logs each refused answer by itself: the first question of who is not signed in, and a document that is not valid.
    const { url } = message.location();
    const isAnswer =
      /status of 40[139]/.test(message.text()) ||
      // What a team may not see is not there.
      (/\/teams\/sales$|\/bills\/sales\//.test(page.url()) &&
        /status of 404/.test(message.text())) ||
      (url.endsWith('/control/plan') && /status of 400/.test(message.text()));
    if (message.type() === 'error' && !isAnswer)
      troubles.push(`${page.url()}: ${message.text()} ${url}`);
  });
  page.on('request', (request) => {
    if (new URL(request.url()).hostname !== '127.0.0.1')
      troubles.push(`${page.url()} asks ${request.url()}`);
  });
  return { page, troubles, close: () => context.close() };
}

/** What axe finds, one line a rule. */
export async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const found = (await page.evaluate('axe.run()')) as {
    readonly violations: readonly {
      readonly id: string;
      readonly help: string;
      readonly nodes: readonly {
        readonly target: readonly string[];
        readonly failureSummary?: string;
      }[];
    }[];
  };
  return found.violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help} at ${nodes
        .map(
          ({ target, failureSummary = '' }) =>
            `${target.join(' ')} ${failureSummary.split('\n')[1]?.trim() ?? ''}`,
        )
        .slice(0, 3)
        .join('; ')}`,
  );
}

const PAINT_LIMIT_MS = 5_000;

/** Milliseconds until the first paint with content, waited for: it may be told of after the content is there. @throws when there is none. */
export async function firstPaint(page: Page): Promise<number> {
  const end = Date.now() + PAINT_LIMIT_MS;
  while (Date.now() < end) {
    const found: unknown = await page.evaluate(
      "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null",
    );
    if (found !== null) return Math.round(Number(found));
  }
  throw new Error(`${page.url()} painted nothing`);
}
