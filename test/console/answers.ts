/** When a page is complete. */
import type { Page, Request } from 'playwright-core';

/** Frames without an open question after which a page is complete. */
const FRAMES = 10;

/** @returns what waits until every question of the page that is open has its answer, and the page shows it. */
export function answers(page: Page): () => Promise<void> {
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
