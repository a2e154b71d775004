/** A team's bill as PDF: one page to forward, then the detail. The same month gives the same bytes. */
import { formatAmount } from '#base/units.js';
import type { MonthHead, TeamBill } from '../billed-month.js';
import { controlTotals } from '../bill-sums.js';
import { STATE_WORDS } from '../charge-words.js';
import { drawDetailPages } from './detail-pages.js';
import { countText, exactText, moneyWithCurrency, monthText } from './figures.js';
import { drawFirstPage } from './first-page.js';
import { CONTENT_WIDTH, INK, openPaper, type Paper } from './paper.js';
import { CONTENT_LEFT, CONTENT_RIGHT } from './table.js';

/**
 * Draws the bill.
 * @param month the month it is of, for what all bills have in common.
 * @param bill one of its bills.
 * @returns the bytes of the file.
 */
export async function renderBillPdf(month: MonthHead, bill: TeamBill): Promise<Uint8Array> {
  const paper = await openPaper({
    title: `${bill.teamName}: Snowflake, ${monthText(month.month)}`,
    author: month.organisation.name,
    subject: `Bill ${bill.id}, ${STATE_WORDS[month.state].stamp.toLowerCase()}`,
    createdAt: new Date(month.asOf),
  });
  drawBill(paper, month, bill);
  return paper.finish();
}

/** Draws every page of the bill on an empty document. */
export function drawBill(paper: Paper, month: MonthHead, bill: TeamBill): void {
  drawFirstPage(paper, month, bill);
  drawDetailPages(paper, month, bill);
  for (let page = 0; page < paper.pages; page += 1) {
    paper.toPage(page);
    drawFoot(paper, month, bill, page + 1);
  }
}

/** On every page: which bill, which page, and what proves it. */
function drawFoot(paper: Paper, month: MonthHead, bill: TeamBill, page: number): void {
  const small = { size: 6.3, colour: INK.muted } as const;
  const totals = controlTotals([bill]);
  const version = month.version === 0 ? 'not closed' : `version ${month.version}`;
  paper.rule(CONTENT_LEFT, 784, CONTENT_WIDTH);
  paper.text(
    `Bill ${bill.id}, ${version}, ${STATE_WORDS[month.state].stamp.toLowerCase()}`,
    CONTENT_LEFT,
    795,
    { ...small, maxWidth: 330 },
  );
  paper.text(`Page ${page} of ${paper.pages}`, CONTENT_RIGHT, 795, { ...small, align: 'right' });
  const control = [
    `${countText(totals.lines)} lines`,
    `${exactText(formatAmount(totals.credits))} credits`,
    moneyWithCurrency(totals.amount, month.currency),
  ];
  paper.text(`Control totals: ${control.join(', ')}`, CONTENT_LEFT, 805, small);
  paper.text(`SHA-256 of its lines ${bill.hash}`, CONTENT_LEFT, 815, small);
  paper.text(`Merkle root of the month ${month.merkleRoot}`, CONTENT_LEFT, 825, small);
}
