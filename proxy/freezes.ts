/**
 * What administrators have frozen, as this replica last read it: again when it is notified, and every second, so that a
 * lost notification costs a second. While the ledger is away the last reading stays. What waits is refused too, at once: its
 * hold would keep credits from others for as long as nobody knows, and its author would learn of it by a timeout. What was
 * sent goes on. Free statements pass, and break-glass does.
 */
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { Clock, EpochMs } from '#base/time.js';
import type { Freeze } from '#billing/freezes.js';
import { freezeRefusal } from '#policies/rules/freeze-text.js';
import { refusalContext } from './refuse.js';
import type { RefusalParts } from './refuse.js';
import type { RequestEntry } from './requests.js';
import type { Allowed, Estimated } from './stages.js';
import type { Refusal } from './wire/refusal.js';

const READ_EVERY_MS = 1_000;

export interface FreezesOptions {
  readonly read: () => Promise<readonly Freeze[]>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What a freeze may name of a statement. */
export interface Freezable {
  readonly teamId: string;
  readonly principalIds: readonly string[];
  /** null: its session has none. */
  readonly warehouse: string | null;
  readonly tier: string;
}

export class Freezes {
  readonly #options: FreezesOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #waiting = new Map<Freezable, (found: Freeze) => void>();
  #freezes: readonly Freeze[] = [];
  #reading: Promise<void> | undefined;
  #isAskedAgain = false;

  constructor(options: FreezesOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.refresh(), READ_EVERY_MS);
    this.#timer.unref();
  }

  /** Reads anew. Never rejects. */
  refresh(): Promise<void> {
    this.#isAskedAgain = this.#reading !== undefined;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
      // What was notified meanwhile may have come after the look.
      if (this.#isAskedAgain) void this.refresh();
    });
    return this.#reading;
  }

  /** The freeze that a statement falls under now, the narrowest first. */
  of(statement: Freezable): Freeze | undefined {
    if (this.#freezes.length === 0) return undefined;
    return freezeOf(this.#freezes, statement, this.#options.clock.now());
  }

  /** Tells when a statement that waits falls under a freeze, once; the returned function ends that. */
  watch(statement: Freezable, onFrozen: (found: Freeze) => void): () => void {
    this.#waiting.set(statement, onFrozen);
    return () => void this.#waiting.delete(statement);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#reading;
  }

  async #read(): Promise<void> {
    try {
      this.#freezes = narrowestFirst(await this.#options.read());
    } catch (thrown) {
      this.#options.log.warn({ err: toError(thrown) }, 'freezes could not be read');
      return;
    }
    for (const [statement, onFrozen] of this.#waiting) {
      const freeze = this.of(statement);
      if (freeze === undefined) continue;
      this.#waiting.delete(statement);
      onFrozen(freeze);
    }
  }
}

/** Freezes in the order in which they are asked. */
export function narrowestFirst(found: readonly Freeze[]): readonly Freeze[] {
  const widest = found.filter(({ scope }) => scope === 'everything');
  return [...found.filter(({ scope }) => scope !== 'everything'), ...widest];
}

/** The first of `freezes`, all of which have begun, that a statement falls under at an instant. */
export function freezeOf(
  freezes: readonly Freeze[],
  statement: Freezable,
  at: EpochMs,
): Freeze | undefined {
  return freezes.find((each) => (each.until === null || each.until > at) && isOf(each, statement));
}

function isOf({ scope, target }: Freeze, statement: Freezable): boolean {
  switch (scope) {
    case 'everything':
      return true;
    case 'team':
      return statement.teamId === target;
    case 'principal':
      return statement.principalIds.includes(target);
    case 'warehouse':
      return statement.warehouse?.toUpperCase() === target;
    case 'tier':
      return statement.tier === target;
  }
}

/** What freezing takes of a replica. */
export interface FreezeParts extends RefusalParts {
  readonly freezes: Pick<Freezes, 'of' | 'watch'>;
}

/** What the statement is told, if it falls under a freeze and does not pass it. */
export function frozen(
  parts: FreezeParts,
  statement: Estimated & Partial<Allowed>,
): Refusal | null {
  if (passes(statement)) return null;
  const freeze = parts.freezes.of(freezableOf(statement));
  return freeze === undefined ? null : freezeRefusal(freeze, refusalContext(parts, statement));
}

/** A statement that waits under `entry` is given up when it falls under a freeze; the returned function ends that. */
export function giveUpWhenFrozen(
  parts: FreezeParts,
  statement: Allowed,
  entry: RequestEntry,
): () => void {
  if (passes(statement)) return () => undefined;
  return parts.freezes.watch(freezableOf(statement), (freeze) => {
    entry.ended ??= freezeRefusal(freeze, refusalContext(parts, statement));
    entry.cancel('cancelled');
  });
}

function passes({ isFree, breakGlass }: Estimated & Partial<Allowed>): boolean {
  return isFree || breakGlass !== undefined;
}

function freezableOf({ team, principal, signedIn, placement }: Estimated): Freezable {
  return {
    teamId: team.id,
    principalIds: [principal.id, signedIn.principal.id],
    warehouse: placement.warehouse,
    tier: placement.tier.id,
  };
}
