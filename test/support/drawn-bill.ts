/** What is drawn on a bill, without a PDF: every text with its page and place. */
import { drawBill } from '../../billing/bills/pdf/render-bill.js';
import { onPaper } from '../../billing/bills/pdf/fonts.js';
import { PAGE, type Paper, type TextStyle } from '../../billing/bills/pdf/paper.js';
import type { BilledMonth, TeamBill } from '../../billing/bills/billed-month.js';

export interface DrawnText {
  readonly page: number;
  readonly text: string;
  readonly x: number;
  readonly y: number;
}

/** Letters are half as wide as high, so that places are about those of a real face. */
export function drawnBill(month: BilledMonth, bill: TeamBill): readonly DrawnText[] {
  const drawn: DrawnText[] = [];
  let [page, pages] = [0, 1];
  const width = (text: string, { size }: TextStyle): number => Array.from(text).length * size * 0.5;
  const paper: Paper = {
    text: (text, x, y) => drawn.push({ page, text: onPaper(text), x, y }),
    width,
    rule: () => {},
    box: (x, y, wide, high) => {
      const isOnPage = [x, y, wide, high].every(Number.isFinite) && x >= 0 && y >= 0;
      if (!isOnPage || x + wide > PAGE.width + 0.01 || y + high > PAGE.height)
        throw new Error(`a box beside the page: ${x}, ${y}, ${wide}, ${high}`);
    },
    addPage: () => {
      pages += 1;
      page = pages - 1;
    },
    toPage: (index) => {
      page = index;
    },
    get pages() {
      return pages;
    },
    finish: () => Promise.resolve(new Uint8Array()),
  };
  drawBill(paper, month, bill);
  return drawn;
}
