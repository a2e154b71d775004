/** Numbers by a format ("SQL format models", fixed-position and text-minimal numeric formats). */

/** A number as decimal text, `-12.30`. */
interface Digits {
  readonly isNegative: boolean;
  readonly whole: string;
  readonly fraction: string;
}

interface Model {
  readonly prefix: string;
  readonly suffix: string;
  readonly isFilled: boolean;
  readonly isBlankZero: boolean;
  readonly hasDollar: boolean;
  readonly sign: 'floating' | 'first' | 'last' | 'minusFirst' | 'minusLast';
  /** Digits and group marks before the point, such as `9,990`. */
  readonly whole: string;
  /** Digits after the point, undefined without one. */
  readonly fraction: string | undefined;
  readonly isHex: boolean;
}

const SHAPE =
  /^(?:"(?<prefix>[^"]*)")?(?<fill>FM)?(?<lead>S|MI)?(?<blank>B)?(?<dollar>\$)?(?<blank2>B)?(?<body>[09,XG]*)(?:[.D](?<fraction>[09]*))?(?<trail>S|MI)?(?:"(?<suffix>[^"]*)")?$/i;
const MINIMAL = /^(?:"([^"]*)")?(TM9?|TME)(?:"([^"]*)")?$/i;

function modelOf(format: string): Model | undefined {
  const groups = SHAPE.exec(format)?.groups;
  if (groups === undefined) return undefined;
  const whole = (groups['body'] ?? '').toUpperCase().replaceAll('G', ',');
  const isHex = whole.includes('X');
  if (isHex && !/^0?X+$/.test(whole)) return undefined;
  if (whole === '' && (groups['fraction'] ?? '') === '') return undefined;
  if (isHex && (groups['fraction'] !== undefined || groups['dollar'] !== undefined))
    return undefined;
  const lead = groups['lead']?.toUpperCase();
  const trail = groups['trail']?.toUpperCase();
  if (lead !== undefined && trail !== undefined) return undefined;
  return {
    prefix: groups['prefix'] ?? '',
    suffix: groups['suffix'] ?? '',
    isFilled: groups['fill'] === undefined,
    isBlankZero: groups['blank'] !== undefined || groups['blank2'] !== undefined,
    hasDollar: groups['dollar'] !== undefined,
    sign:
      lead === 'S'
        ? 'first'
        : lead === 'MI'
          ? 'minusFirst'
          : trail === 'S'
            ? 'last'
            : trail === 'MI'
              ? 'minusLast'
              : 'floating',
    whole,
    fraction: groups['fraction'],
    isHex,
  };
}

/** `text`, a decimal number, in `format`; undefined for a format that is not known here. */
export function printNumber(text: string, format: string): string | undefined {
  const minimal = MINIMAL.exec(format);
  if (minimal !== null) {
    const body = (minimal[2] ?? '').toUpperCase() === 'TME' ? scientific(text) : text;
    return `${minimal[1] ?? ''}${body}${minimal[3] ?? ''}`;
  }
  const model = modelOf(format);
  const match = /^(-?)(\d*)(?:\.(\d*))?$/.exec(text);
  if (model === undefined || match === null) return undefined;
  const digits: Digits = {
    isNegative: match[1] === '-',
    whole: (match[2] ?? '').replace(/^0+/, ''),
    fraction: match[3] ?? '',
  };
  const body = model.isHex ? hex(digits, model) : fixed(digits, model);
  return body === undefined ? undefined : `${model.prefix}${body}${model.suffix}`;
}

/** `-1.2391E1`, with as many digits as the number has. */
function scientific(text: string): string {
  const match = /^(-?)(\d*)(?:\.(\d*))?$/.exec(text);
  if (match === null) return text;
  const all = `${match[2] ?? ''}${match[3] ?? ''}`;
  const first = all.search(/[1-9]/);
  if (first < 0) return '0E0';
  const mantissa = all.slice(first).replace(/0+$/, '');
  const exponent = (match[2] ?? '').length - 1 - first;
  const rest = mantissa.slice(1);
  return `${match[1] ?? ''}${mantissa[0] ?? ''}${rest === '' ? '' : `.${rest}`}E${exponent}`;
}

/** Rounded half away from zero to `places`. */
function roundedTo(digits: Digits, places: number): Digits {
  if (digits.fraction.length <= places)
    return { ...digits, fraction: digits.fraction.padEnd(places, '0') };
  const kept = BigInt(`0${digits.whole}${digits.fraction.slice(0, places)}`);
  const isUp = (digits.fraction[places] ?? '0') >= '5';
  const all = String(isUp ? kept + 1n : kept).padStart(places + 1, '0');
  const whole = all.slice(0, all.length - places).replace(/^0+/, '');
  return { ...digits, whole, fraction: all.slice(all.length - places) };
}

function fixed(given: Digits, model: Model): string | undefined {
  const places = model.fraction?.length ?? 0;
  const digits = roundedTo(given, places);
  const room = model.whole.replaceAll(',', '').length;
  const isOver = digits.whole.length > room;
  const isZero = digits.whole === '' && /^0*$/.test(digits.fraction);
  // What a negative number that rounds to zero shows is not said.
  if (isZero && given.isNegative) return undefined;
  const whole = isOver ? model.whole.replaceAll(/[09]/g, '#') : wholePart(digits.whole, model);
  const point = model.fraction === undefined ? '' : '.';
  const fraction = isOver ? '#'.repeat(places) : fractionPart(digits.fraction, model);
  return signed(
    `${model.hasDollar ? '$' : ''}${whole}${point}${fraction}`,
    given.isNegative,
    model,
  );
}

/** A trailing 9 of the fraction prints its zero, as a 0 does, unless FM takes it away. */
function fractionPart(fraction: string, model: Model): string {
  if (model.isFilled || model.fraction === undefined) return fraction;
  const least = model.fraction.lastIndexOf('0') + 1;
  return fraction.slice(0, least) + fraction.slice(least).replace(/0+$/, '');
}

/** Digits with their group marks from the first that is shown. */
function wholePart(whole: string, model: Model): string {
  const places = model.whole.replaceAll(',', '').length;
  const firstZero = model.whole.replaceAll(',', '').indexOf('0');
  const least = firstZero < 0 ? (model.isBlankZero || places === 0 ? 0 : 1) : places - firstZero;
  const shown = whole.padStart(least, '0');
  let text = '';
  let at = shown.length - 1;
  for (let index = model.whole.length - 1; index >= 0 && at >= 0; index -= 1) {
    if (model.whole[index] === ',') text = `,${text}`;
    else {
      text = `${shown[at] ?? ''}${text}`;
      at -= 1;
    }
  }
  return text;
}

function signed(body: string, isNegative: boolean, model: Model): string {
  const width =
    model.whole.length +
    (model.fraction === undefined ? 0 : model.fraction.length + 1) +
    (model.hasDollar ? 1 : 0);
  const pad = (text: string, to: number): string =>
    model.isFilled ? text.padStart(to, ' ') : text;
  switch (model.sign) {
    case 'floating':
      return pad(`${isNegative ? '-' : ''}${body}`, width + 1);
    case 'first':
      return pad(`${isNegative ? '-' : '+'}${body}`, width + 1);
    case 'last':
      return pad(body, width) + (isNegative ? '-' : '+');
    case 'minusFirst':
      return (isNegative ? '-' : model.isFilled ? ' ' : '') + pad(body, width);
    case 'minusLast':
      return pad(body, width) + (isNegative ? '-' : model.isFilled ? ' ' : '');
  }
}

/** Hexadecimal digits of the rounded number: two's complement without a sign in the format. */
function hex(given: Digits, model: Model): string | undefined {
  const { whole, isNegative } = roundedTo(given, 0);
  const size = BigInt(`0${whole}`);
  const places = model.whole.length;
  const limit = 1n << BigInt(4 * places);
  if (model.sign === 'floating') {
    if (size >= limit || (isNegative && size > limit / 2n)) return '#'.repeat(places);
    const text = (isNegative && size !== 0n ? limit - size : size).toString(16).toUpperCase();
    return model.whole.startsWith('0') ? text.padStart(places, '0') : undefined;
  }
  if (model.sign !== 'first' || !model.whole.startsWith('0') || size >= limit) return undefined;
  return `${isNegative ? '-' : '+'}${size.toString(16).toUpperCase().padStart(places, '0')}`;
}

/** The decimal number that `text` is in `format` (digits, groups, point, currency and sign); undefined when it is none, null for a format that is not known here. */
export function readNumber(text: string, format: string): string | undefined | null {
  const model = modelOf(format);
  if (model === undefined) return null;
  let rest = text.trim();
  if (model.isHex) return readHex(rest);
  let isNegative = false;
  const sign = /^[+-]|[+-]$/.exec(rest);
  if (sign !== null) {
    isNegative = sign[0] === '-';
    rest = rest.replace(sign[0], '').trim();
  }
  if (model.hasDollar) {
    if (!rest.startsWith('$')) return undefined;
    rest = rest.slice(1);
  }
  if (/^[+-]/.test(rest)) return undefined;
  const [whole = '', fraction, ...more] = rest.split('.');
  if (more.length > 0 || (fraction !== undefined && model.fraction === undefined)) return undefined;
  if (!/^[\d,]*$/.test(whole) || !/^\d*$/.test(fraction ?? '')) return undefined;
  if (`${whole}${fraction ?? ''}` === '') return undefined;
  if (!isGrouped(whole, model.whole)) return undefined;
  const digits = whole.replaceAll(',', '');
  if (digits.length > model.whole.replaceAll(',', '').length) return undefined;
  if ((fraction?.length ?? 0) > (model.fraction?.length ?? 0)) return undefined;
  return `${isNegative ? '-' : ''}${digits === '' ? '0' : digits}${fraction === undefined || fraction === '' ? '' : `.${fraction}`}`;
}

/** Group marks stand where the format has them, counted from the point. */
function isGrouped(whole: string, model: string): boolean {
  const marks = (text: string): readonly number[] =>
    Array.from({ length: text.length }, (_, index) => index).filter(
      (index) => text[text.length - 1 - index] === ',',
    );
  const expected = marks(model).filter((index) => index < whole.length);
  return marks(whole).join() === expected.join();
}

function readHex(text: string): string | undefined {
  return /^[0-9a-f]{1,31}$/i.test(text) ? String(BigInt(`0x${text}`)) : undefined;
}
