/**
 * How often an address has sent a token that is not ours. It slows guessing and floods down and locks nobody out: the
 * right token is let in whatever its address has sent before.
 */
import { LRUCache } from 'lru-cache';
import type { Occupancy } from '#base/metrics.js';

export interface Attempts {
  /** Counts one failed attempt. @returns seconds to wait, or null while the address is below the cap. */
  failed(address: string): number | null;
  readonly occupancy: Occupancy;
}

const WINDOW_MS = 60_000;
export const FAILED_ATTEMPTS_MAX = 60;
/** Addresses remembered; the one unseen for longest is forgotten first. */
export const ADDRESSES_MAX = 10_000;

/** @param realNow milliseconds that never run backwards. */
export function createAttempts(realNow: () => number): Attempts {
  const windows = new LRUCache<string, { readonly endsAt: number; count: number }>({
    max: ADDRESSES_MAX,
  });
  return {
    get occupancy() {
      return { used: windows.size, max: ADDRESSES_MAX };
    },
    failed(address) {
      const now = realNow();
      let window = windows.get(address);
      if (window === undefined || window.endsAt <= now) {
        window = { endsAt: now + WINDOW_MS, count: 0 };
        windows.set(address, window);
      }
      window.count += 1;
      return window.count > FAILED_ATTEMPTS_MAX
        ? Math.max(1, Math.ceil((window.endsAt - now) / 1000))
        : null;
    },
  };
}
