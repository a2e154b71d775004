/** Bind values of a request: `{"1": {type, value}}`. */
import type { EngineBind } from '../engine/engine.js';
import { asRecord } from './http-io.js';

/** In positional order; entries of another shape are left out. */
export function readBinds(source: unknown): readonly EngineBind[] {
  const entries = Object.entries(asRecord(source)).sort(([a], [b]) => Number(a) - Number(b));
  return entries.map(([, entry]) => {
    const { type, value } = asRecord(entry);
    return { type: typeof type === 'string' ? type : 'TEXT', value: bindValue(value) };
  });
}

function bindValue(value: unknown): EngineBind['value'] {
  return Array.isArray(value) ? value.map(bindText) : bindText(value);
}

function bindText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
