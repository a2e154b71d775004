/**
 * Faces that bills are set in, embedded so that a bill looks the same everywhere: Inter (Latin, Greek, Cyrillic,
 * Vietnamese) and Sawarabi Gothic (Japanese, and most of what Chinese names need), both under the SIL Open Font Licence.
 * A character that no face has is shown as the box of the first one, and keeps its code for whoever copies the text.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Font, GlyphRun } from 'fontkit';
import { LRUCache } from 'lru-cache';
import { must } from '#base/assert.js';

export const WEIGHTS = ['regular', 'semibold'] as const;
export type Weight = (typeof WEIGHTS)[number];

/** One face of one weight, under the name by which a document knows it. */
export interface Face {
  readonly name: string;
  readonly font: Font;
  /** Width of a line at size 1, without what is added between letters. */
  width(text: string, features: Features): number;
}

/** OpenType features by name, on or off. */
export type Features = Readonly<Record<string, boolean>>;

/** A piece of text that one face has. */
export interface Run {
  readonly face: Face;
  readonly text: string;
}

export interface Fonts {
  /** The text in pieces, each in the first face that has it. */
  runs(text: string, weight: Weight): readonly Run[];
}

const JAPANESE = '@expo-google-fonts/sawarabi-gothic/400Regular/SawarabiGothic_400Regular.ttf';

/**
 * In the order in which they are asked. Plain TrueType: of compressed web fonts each document would inflate the
 * outlines anew.
 */
const FILES: Readonly<Record<Weight, readonly [string, ...string[]]>> = {
  regular: ['@expo-google-fonts/inter/400Regular/Inter_400Regular.ttf', JAPANESE],
  semibold: ['@expo-google-fonts/inter/600SemiBold/Inter_600SemiBold.ttf', JAPANESE],
};

let opened: Promise<Fonts> | undefined;

/** The fonts of this process: read and parsed once, each face when the first text needs it. */
export function openFonts(): Promise<Fonts> {
  opened ??= open();
  return opened;
}

async function open(): Promise<Fonts> {
  const { create } = await import('fontkit');
  const require = createRequire(import.meta.url);
  const faces = new Map<string, Face>();
  const faceOf = (file: string): Face => {
    const known = faces.get(file);
    if (known !== undefined) return known;
    const font = create(readFileSync(require.resolve(file)));
    if (!('layout' in font)) throw new Error(`${file} is a collection of fonts.`);
    const face = faceWithMemory(file, font);
    faces.set(file, face);
    return face;
  };
  return {
    runs: (text, weight) => runsOf(text, (codePoint) => firstOf(FILES[weight], faceOf, codePoint)),
  };
}

/** Lines whose shape is kept, of each face: the same words and figures come on every bill. */
const SHAPES_MAX = 4_000;

interface Shape {
  readonly run: GlyphRun;
  readonly width: number;
}

/**
 * The face with a memory of what it has laid out: the PDF library asks for each line several times, and shaping one takes
 * up to a millisecond. A copy is handed out because the library scales what it gets in place.
 */
function faceWithMemory(name: string, font: Font): Face {
  const shapes = new LRUCache<string, Shape>({ max: SHAPES_MAX });
  const shapeOf = (text: string, features: Parameters<Font['layout']>[1]): Shape => {
    const key = `${JSON.stringify(features)} ${text}`;
    let shape = shapes.get(key);
    if (shape === undefined) {
      const run = font.layout(text, features);
      shape = { run, width: run.advanceWidth / font.unitsPerEm };
      shapes.set(key, shape);
    }
    return shape;
  };
  const layout: Font['layout'] = (text, features) => {
    const { run } = shapeOf(text, features);
    const copy = Object.create(Object.getPrototypeOf(run) as object) as GlyphRun;
    return Object.assign(copy, run, { positions: run.positions.map((each) => ({ ...each })) });
  };
  return {
    name,
    font: Object.assign(Object.create(font) as Font, { layout }),
    width: (text, features) => shapeOf(text, { ...features }).width,
  };
}

function firstOf(
  files: readonly [string, ...string[]],
  faceOf: (file: string) => Face,
  codePoint: number,
): Face {
  for (const file of files) {
    const face = faceOf(file);
    if (face.font.hasGlyphForCodePoint(codePoint)) return face;
  }
  return faceOf(files[0]);
}

function runsOf(text: string, faceOf: (codePoint: number) => Face): readonly Run[] {
  const runs: { face: Face; text: string }[] = [];
  for (const character of text) {
    const last = runs.at(-1);
    const codePoint = must(character.codePointAt(0), 'a character has a code point');
    // A blank stays with what it follows, so that words of one writing are not cut at it.
    const face = last !== undefined && character === ' ' ? last.face : faceOf(codePoint);
    if (last !== undefined && last.face === face) last.text += character;
    else runs.push({ face, text: character });
  }
  return runs;
}

/** What people wrote, as one line that a face can show: composed, without controls and marks of direction. */
export function onPaper(text: string): string {
  return text
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
}
