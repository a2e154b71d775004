/**
 * What a row of a history does not say of its session: the time zone, which decides what "today" is. It is known once a
 * statement of the session has set it; how a session began is in no export.
 */
import { LRUCache } from 'lru-cache';
import { alteredParameters } from '../../proxy/identity/session-effects.js';
import type { ReplayRow } from './row.js';

/** Sessions that set a zone, the last ones; the others are as if they had set none. */
const SESSIONS_MAX = 50_000;

export class SessionZones {
  readonly #zones = new LRUCache<string, string>({ max: SESSIONS_MAX });

  /** The zone that the session of a statement has set; null: none, or it is not known which session it is. */
  of(row: ReplayRow): string | null {
    const key = keyOf(row);
    return key === null ? null : (this.#zones.get(key) ?? null);
  }

  /** A statement ended, and changed its session where it ended well, by the rules of the live path. */
  ended(row: ReplayRow): void {
    const key = keyOf(row);
    if (key === null || !row.isSuccess) return;
    const { timeZone } = alteredParameters(row.queryText ?? '');
    if (timeZone === undefined) return;
    if (timeZone === null) this.#zones.delete(key);
    else this.#zones.set(key, timeZone);
  }
}

function keyOf({ account, sessionId }: ReplayRow): string | null {
  return sessionId === null ? null : `${account ?? ''} ${sessionId}`;
}
