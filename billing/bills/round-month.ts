/**
 * What is owed: whole smallest units of the currency at every level. The total is rounded first, then services, teams and
 * lines, each to the sum above it by largest remainder; no line is moved by a whole unit. Where Snowflake has invoiced, what
 * is left between its money and the rounded lines is said by lines of its own, a service each. Pure.
 */
import { minorUnit, roundToMinor } from '#base/currency.js';
import {
  type Money,
  NO_MONEY,
  addMoney,
  sumMoney,
  roundToSum,
  subtractMoney,
} from '#base/units.js';

export interface Weighed {
  readonly id: string;
  readonly teamId: string;
  /** What is rounded together: an account's service, or what is beside all of them. */
  readonly group: string;
  readonly effectiveMoney: Money;
}

/** The amount of every line, by its id. */
export function roundLines(
  lines: readonly Weighed[],
  currency: string,
): ReadonlyMap<string, Money> {
  const step = minorUnit(currency);
  const amounts = new Map<string, Money>();
  const whole = roundToMinor(sumOf(lines), currency);
  for (const [, inGroup] of split(lines, whole, ({ group: of }) => of, step))
    for (const [, ofTeam] of split(inGroup.lines, inGroup.amount, ({ teamId }) => teamId, step))
      for (const [id, line] of split(ofTeam.lines, ofTeam.amount, (each) => each.id, step))
        amounts.set(id, line.amount);
  return amounts;
}

/** Rounds amounts by key, such as the services of an invoice, to a rounded total of them. */
export function roundByKey(
  exact: ReadonlyMap<string, Money>,
  currency: string,
): ReadonlyMap<string, Money> {
  const keys = [...exact.keys()].sort();
  const amounts = keys.map((key) => exact.get(key) ?? NO_MONEY);
  const rounded = roundToSum(
    roundToMinor(sumMoney(amounts), currency),
    amounts,
    keys,
    minorUnit(currency),
  );
  return new Map(keys.map((key, index) => [key, rounded[index] ?? NO_MONEY]));
}

interface Part {
  readonly lines: readonly Weighed[];
  readonly amount: Money;
}

function split(
  lines: readonly Weighed[],
  whole: Money,
  keyOf: (line: Weighed) => string,
  step: Money,
): ReadonlyMap<string, Part> {
  const parts = new Map<string, Weighed[]>();
  for (const line of lines) {
    const known = parts.get(keyOf(line));
    if (known === undefined) parts.set(keyOf(line), [line]);
    else known.push(line);
  }
  const keys = [...parts.keys()].sort();
  const amounts = roundToSum(
    whole,
    keys.map((key) => sumOf(parts.get(key) ?? [])),
    keys,
    step,
  );
  return new Map(
    keys.map((key, index) => [
      key,
      { lines: parts.get(key) ?? [], amount: amounts[index] ?? NO_MONEY },
    ]),
  );
}

function sumOf(lines: readonly Weighed[]): Money {
  return lines.reduce((sum, { effectiveMoney }) => addMoney(sum, effectiveMoney), NO_MONEY);
}

/** What a service was invoiced beyond its lines: what has a cause by day, and the rest, which rounding explains. */
export interface Residue {
  readonly group: string;
  readonly variances: readonly {
    readonly day: string;
    readonly cause: string;
    readonly amount: Money;
  }[];
  readonly rounding: Money;
}

/**
 * @param computed what the lines of each service come to, rounded.
 * @param invoiced what each service was invoiced, rounded; a service that only one of the two names counts as zero there.
 * @param variances differences that have a cause, exact.
 */
export function residues(
  computed: ReadonlyMap<string, Money>,
  invoiced: ReadonlyMap<string, Money>,
  variances: readonly {
    readonly group: string;
    readonly day: string;
    readonly cause: string;
    readonly difference: Money;
  }[],
  currency: string,
): readonly Residue[] {
  return [...new Set([...computed.keys(), ...invoiced.keys()])].sort().flatMap((group) => {
    const residue = subtractMoney(invoiced.get(group) ?? NO_MONEY, computed.get(group) ?? NO_MONEY);
    const named = variances
      .filter((each) => each.group === group)
      .map(({ day, cause, difference }) => ({
        day,
        cause,
        amount: roundToMinor(difference, currency),
      }))
      .filter(({ amount }) => amount !== NO_MONEY);
    const rounding = subtractMoney(residue, sumMoney(named.map(({ amount }) => amount)));
    return named.length === 0 && rounding === NO_MONEY
      ? []
      : [{ group, variances: named, rounding }];
  });
}
