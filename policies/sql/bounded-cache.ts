/** Caches that are bounded by what they hold, in bytes. */
import type { Occupancy } from '#base/metrics.js';
import { LRUCache } from 'lru-cache';

/** Lengths of values as JSON, in characters, as far as they are known: to write one costs as much as to make it. */
const LENGTHS = new WeakMap<object, number>();

/** A cache of at most `bytesMax` bytes: two for a character of key and value, and the entry itself. */
export function boundedCache<Value extends object>(bytesMax: number): LRUCache<string, Value> {
  return new LRUCache<string, Value>({
    maxSize: bytesMax,
    sizeCalculation: (value, key) => 256 + 2 * (key.length + lengthOf(value)),
  });
}

/** Bytes that a bounded cache holds, of those that it may. */
export function bytesOf(
  cache: Pick<LRUCache<string, object>, 'calculatedSize' | 'maxSize'>,
): Occupancy {
  return { used: cache.calculatedSize, max: cache.maxSize };
}

function lengthOf(value: object): number {
  const known = LENGTHS.get(value);
  if (known !== undefined) return known;
  const { length } = JSON.stringify(value);
  LENGTHS.set(value, length);
  return length;
}

/** Notes that `value` is as long as `like`, of which it was made, and at most `more` characters longer. */
export function notedLength<Value extends object>(value: Value, like: object, more: number): Value {
  const known = LENGTHS.get(like);
  if (known !== undefined) LENGTHS.set(value, known + more);
  return value;
}
