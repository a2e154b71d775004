/** Characters of SQL by what they can begin, and where runs of them end. */

/** Classes: the rest begins an operator or something quoted. */
const OTHER = 0;
export const SPACE = 1;
export const LETTER = 2;
export const DIGIT = 3;
export const CONTROL = 4;

/** Class of each character below 128. */
const CLASS_OF_ASCII: Uint8Array = asciiClasses();

function asciiClasses(): Uint8Array {
  const classes = new Uint8Array(128);
  for (let code = 0; code < 128; code += 1) {
    const character = String.fromCharCode(code);
    if (/[ \t\n\r\f\v]/.test(character)) classes[code] = SPACE;
    else if (/[A-Za-z_]/.test(character)) classes[code] = LETTER;
    else if (/[0-9]/.test(character)) classes[code] = DIGIT;
    else if (code < 32 || code === 127) classes[code] = CONTROL;
  }
  return classes;
}

/** 1 for characters below 128 that a word can go on with: letters, digits, `$`. */
const WORD_OF_ASCII: Uint8Array = CLASS_OF_ASCII.map((kindClass, code) =>
  kindClass === LETTER || kindClass === DIGIT || code === 36 ? 1 : 0,
);

const STRAY =
  /[\u0080-\u00a0\u00ad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff9-\uffff]/;

/** The unit at `at`; 0 past the end, where `charCodeAt` would make every reader of its value slow. */
export function codeAt(text: string, at: number): number {
  return at < text.length ? text.charCodeAt(at) : 0;
}

/** Class of any UTF-16 unit. */
export function classOf(code: number): number {
  if (code < 128) return CLASS_OF_ASCII[code] ?? OTHER;
  return STRAY.test(String.fromCharCode(code)) ? CONTROL : LETTER;
}

/** Length of the operator at `start`: `::`, `:=`, `=>`, `<=`, `>=`, `<>`, `!=`, `||`, `->`, `->>`, else one. */
export function operatorLength(text: string, start: number, code: number, next: number): number {
  switch (code) {
    case 45:
      if (next !== 62) return 1;
      return codeAt(text, start + 2) === 62 ? 3 : 2;
    case 58:
      return next === 58 || next === 61 ? 2 : 1;
    case 60:
      return next === 61 || next === 62 ? 2 : 1;
    case 61:
      return next === 62 ? 2 : 1;
    case 62:
    case 33:
      return next === 61 ? 2 : 1;
    case 124:
      return next === 124 ? 2 : 1;
  }
  return 1;
}

/** Whether an unquoted word can hold the unit, `$` apart. */
export function isWordCode(code: number): boolean {
  if (code < 128) {
    const kindClass = CLASS_OF_ASCII[code];
    return kindClass === LETTER || kindClass === DIGIT;
  }
  return code >= 128 && classOf(code) === LETTER;
}

/** Where the word that has begun before `from` ends. */
export function wordEnd(text: string, from: number): number {
  const { length } = text;
  let at = from;
  while (at < length) {
    const code = text.charCodeAt(at);
    if (code < 128 ? WORD_OF_ASCII[code] === 0 : classOf(code) !== LETTER) break;
    at += 1;
  }
  return at;
}

/** Where the white space from `from` on ends. */
export function spaceEnd(text: string, from: number): number {
  const { length } = text;
  let at = from;
  while (at < length && classOf(text.charCodeAt(at)) === SPACE) at += 1;
  return at;
}

/** Where the digits from `from` on end. */
export function digitsEnd(text: string, from: number): number {
  const { length } = text;
  let at = from;
  while (at < length) {
    const code = text.charCodeAt(at);
    if (code < 48 || code > 57) break;
    at += 1;
  }
  return at;
}

/** A line comment ends before a line feed or a carriage return. */
export function lineEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === 10 || code === 13) break;
    at += 1;
  }
  return at;
}

/** The end of a stage or file path: white space, `;`, `,`, a bracket or a string; `"…"` parts are read whole. */
export function unquotedEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === 34) {
      const close = text.indexOf('"', at + 1);
      if (close === -1) return at;
      at = close + 1;
    } else if (
      CLASS_OF_ASCII[code] === SPACE ||
      code === 59 ||
      code === 44 ||
      code === 39 ||
      code === 40 ||
      code === 41
    ) {
      break;
    } else at += 1;
  }
  return at;
}
