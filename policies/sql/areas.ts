/** Databases and schemas that a statement names as a whole, by the session's context. */
import type { Area, NameContext } from './facts.js';
import type { NamedArea } from './words/statement-shell.js';

/** The areas of a statement. */
export interface Areas {
  readonly known: readonly Area[];
  /** A variable or bind names one. */
  readonly isDynamic: boolean;
  /** No schema is without its database. */
  readonly areComplete: boolean;
}

/** `named` as the session reads them; a schema whose database nobody knows is left out. */
export function areasOf(named: readonly NamedArea[], context: NameContext): Areas {
  const written = named.filter(({ name }) => !name.isDynamic);
  const known = written.flatMap(({ name, kind, action }): readonly Area[] => {
    const [last = '', first = context.database] = name.parts.toReversed();
    if (kind === 'database') return [{ action, database: last, schema: null }];
    return first === null ? [] : [{ action, database: first, schema: last }];
  });
  return {
    known,
    isDynamic: written.length < named.length,
    areComplete: known.length === written.length,
  };
}
