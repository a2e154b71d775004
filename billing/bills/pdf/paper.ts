/** One PDF document as bills draw on it: text in places, rules, boxes and pages; the origin is the upper left corner. */
import { assert } from '#base/assert.js';
import {
  type Face,
  type Features,
  type Fonts,
  type Run,
  type Weight,
  onPaper,
  openFonts,
} from './fonts.js';

export const PAGE = { width: 595.28, height: 841.89, margin: 44 } as const;
/** From margin to margin. */
export const CONTENT_WIDTH: number = PAGE.width - 2 * PAGE.margin;

export const INK = {
  text: '#111827',
  muted: '#6b7280',
  faint: '#9ca3af',
  rule: '#e5e7eb',
  shade: '#f6f7f9',
  accent: '#0f5f5c',
  accentLight: '#cfe3e1',
  caution: '#92400e',
  cautionLight: '#fef3c7',
} as const;

export interface TextStyle {
  readonly size: number;
  readonly weight?: Weight;
  readonly colour?: string;
  readonly align?: 'left' | 'right';
  /** What is wider is cut and ends with an ellipsis. */
  readonly maxWidth?: number;
  readonly spacing?: number;
  /** Digits of one width, so that figures beneath each other line up. */
  readonly isTabular?: boolean;
}

export interface Paper {
  /** Draws one line of text; `y` is its base line, `x` its left end, or its right end where it is aligned right. */
  text(text: string, x: number, y: number, style: TextStyle): void;
  width(text: string, style: TextStyle): number;
  rule(x: number, y: number, width: number, colour?: string): void;
  box(x: number, y: number, width: number, height: number, colour: string, radius?: number): void;
  addPage(): void;
  /** Goes back to a page that is drawn already, from 0. */
  toPage(index: number): void;
  readonly pages: number;
  /** Ends the document; nothing can be drawn afterwards. */
  finish(): Promise<Uint8Array>;
}

export interface DocumentFacts {
  readonly title: string;
  readonly author: string;
  readonly subject: string;
  /** Of the figures, not of the rendering: the same month gives the same bytes. */
  readonly createdAt: Date;
}

/** Contextual forms cost most of the time and change nothing here. */
function featuresOf({ isTabular }: TextStyle): Features {
  return isTabular === true ? { calt: false, tnum: true } : { calt: false };
}

/** A new document with its first page; `pdfkit` is loaded when the first one is asked for. */
export async function openPaper(facts: DocumentFacts): Promise<Paper> {
  const [{ default: PDFDocument }, fonts] = await Promise.all([import('pdfkit'), openFonts()]);
  const document = new PDFDocument({
    size: [PAGE.width, PAGE.height],
    margin: 0,
    autoFirstPage: true,
    bufferPages: true,
    pdfVersion: '1.7',
    lang: 'en',
    displayTitle: true,
    info: {
      Title: facts.title,
      Author: facts.author,
      Subject: facts.subject,
      Creator: 'Tollgate',
      Producer: 'Tollgate',
      CreationDate: facts.createdAt,
      ModDate: facts.createdAt,
    },
  });
  return new PdfPaper(document, fonts);
}

class PdfPaper implements Paper {
  readonly #document: PDFKit.PDFDocument;
  readonly #fonts: Fonts;
  readonly #registered = new Set<string>();
  readonly #pieces: Uint8Array[] = [];
  #pages = 1;

  constructor(document: PDFKit.PDFDocument, fonts: Fonts) {
    this.#document = document;
    this.#fonts = fonts;
    document.on('data', (piece: Uint8Array) => this.#pieces.push(piece));
  }

  get pages(): number {
    return this.#pages;
  }

  text(text: string, x: number, y: number, style: TextStyle): void {
    const shown = this.#fitted(onPaper(text), style);
    let at = style.align === 'right' ? x - this.#widthOf(shown, style) : x;
    for (const run of this.#fonts.runs(shown, style.weight ?? 'regular')) {
      this.#use(run.face, style.size);
      this.#document.fillColor(style.colour ?? INK.text).text(run.text, at, y, {
        lineBreak: false,
        baseline: 'alphabetic',
        // Handed to the shaper as it is, which takes a record too; the types know the list alone.
        features: featuresOf(style) as unknown as PDFKit.Mixins.OpenTypeFeatures[],
        characterSpacing: style.spacing ?? 0,
      });
      at += runWidth(run, style);
    }
  }

  width(text: string, style: TextStyle): number {
    return this.#widthOf(onPaper(text), style);
  }

  rule(x: number, y: number, width: number, colour: string = INK.rule): void {
    this.#document
      .lineWidth(0.6)
      .moveTo(x, y)
      .lineTo(x + width, y)
      .stroke(colour);
  }

  box(x: number, y: number, width: number, height: number, colour: string, radius = 0): void {
    if (radius === 0) this.#document.rect(x, y, width, height).fill(colour);
    else this.#document.roundedRect(x, y, width, height, radius).fill(colour);
  }

  addPage(): void {
    this.#document.addPage();
    this.#pages += 1;
  }

  toPage(index: number): void {
    this.#document.switchToPage(index);
  }

  finish(): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#document.on('end', () => resolve(Buffer.concat(this.#pieces)));
      this.#document.on('error', reject);
      this.#document.end();
    });
  }

  #fitted(text: string, style: TextStyle): string {
    const { maxWidth } = style;
    if (maxWidth === undefined || this.#widthOf(text, style) <= maxWidth) return text;
    const characters = Array.from(text);
    let [low, high] = [0, characters.length];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const cut = `${characters.slice(0, middle).join('').trimEnd()}…`;
      if (this.#widthOf(cut, style) <= maxWidth) low = middle;
      else high = middle - 1;
    }
    return `${characters.slice(0, low).join('').trimEnd()}…`;
  }

  #widthOf(text: string, style: TextStyle): number {
    return this.#fonts
      .runs(text, style.weight ?? 'regular')
      .reduce((sum, run) => sum + runWidth(run, style), 0);
  }

  #use(face: Face, size: number): void {
    assert(size > 0, 'text has a size');
    if (!this.#registered.has(face.name)) {
      // The library takes a parsed font, which its types do not say: parsing it again for each document costs more than
      // drawing it.
      this.#document.registerFont(face.name, face.font as unknown as PDFKit.Mixins.PDFFontSource);
      this.#registered.add(face.name);
    }
    this.#document.font(face.name, size);
  }
}

function runWidth({ face, text }: Run, style: TextStyle): number {
  const spacing = (style.spacing ?? 0) * Array.from(text).length;
  return face.width(text, featuresOf(style)) * style.size + spacing;
}
