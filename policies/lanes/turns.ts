/** Whose turn it is, as it is kept between decisions. */
import type { Credits } from '#base/units.js';
import type { LaneTurns } from './lane.js';

/** Turns as JSON; amounts are whole numbers of the smallest unit, which may be negative. */
export function turnsText({ grants, last, lastAged, savedCredits }: LaneTurns): unknown {
  const saved = Object.fromEntries(
    [...savedCredits].map(([team, credits]) => [team, credits.toString()]),
  );
  return { grants, last, lastAged, saved };
}

/** Of what another release may have written only what is understood counts. */
export function turnsOf(kept: unknown): LaneTurns {
  const { grants, last, lastAged, saved } = (kept ?? {}) as Readonly<Record<string, unknown>>;
  const teams = Object.entries(typeof saved === 'object' && saved !== null ? saved : {});
  return {
    grants: Number.isSafeInteger(grants) ? Number(grants) : 0,
    last: typeof last === 'string' ? last : '',
    lastAged: typeof lastAged === 'string' ? lastAged : '',
    savedCredits: new Map(
      teams.flatMap(([team, text]) =>
        typeof text === 'string' && /^-?\d{1,40}$/.test(text)
          ? [[team, BigInt(text) as Credits] as const]
          : [],
      ),
    ),
  };
}
