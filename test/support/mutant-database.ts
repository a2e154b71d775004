/**
 * A database whose statements are changed on their way: what a test must see when the product had a certain fault. The
 * product has no seam for it; a statement is known by its name, and one that is not changed fails the test.
 */
import type { Database, Queryable, Transaction } from '../../base/postgres/pool.js';

/** By the name of a prepared statement: the text and what stands in its place. */
export type Mutations = Readonly<
  Record<string, readonly { readonly text: string | RegExp; readonly becomes: string }[]>
>;

export interface MutantDatabase extends Database {
  /** Names of statements that ran changed. */
  readonly changed: ReadonlySet<string>;
}

let mutants = 0;

export function mutantOf(db: Database, mutations: Mutations): MutantDatabase {
  const changed = new Set<string>();
  mutants += 1;
  const prefix = `mutant${mutants}`;
  const rewrite = (text: string): string => {
    const name = /^\/\* prepared: ([a-z0-9_.]+) \*\//.exec(text)?.[1];
    const edits = name === undefined ? undefined : mutations[name];
    if (name === undefined || edits === undefined) return text;
    changed.add(name);
    const mutated = edits.reduce((before, { text: from, becomes }) => {
      const after = before.replace(from, becomes);
      if (after === before)
        throw new Error(`the mutant of ${name} changes nothing: ${String(from)}`);
      return after;
    }, text);
    // Another text under the same name would be refused on a connection that has the first.
    return mutated.replace(`prepared: ${name}`, `prepared: ${prefix}.${name.slice(0, 35)}`);
  };
  const through = (queryable: Queryable): Queryable => ({
    query: (text, values) => queryable.query(rewrite(text), values),
  });
  return {
    changed,
    ...through(db),
    transaction: (work) => db.transaction((tx) => work(through(tx) as Transaction)),
    listen: (channels, onNotify, onLost) => db.listen(channels, onNotify, onLost),
    load: () => db.load(),
    stop: () => db.stop(),
  };
}
