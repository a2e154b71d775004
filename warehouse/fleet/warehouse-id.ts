/** Numbers of warehouses. A number stays with its warehouse through renames and is never given to another. */

/** The number of a warehouse that was never given one: it belongs to the name alone (FNV-1a; 31 bits, because the Go driver reads it as a signed number of 32). */
export function idOfName(name: string): number {
  let hash = 0x811c9dc5;
  for (const character of name)
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash >>> 1;
}

/**
 * The number of a new warehouse: that of its name, or of its name and a counter where an earlier one has it.
 *
 * @param isTaken whether a warehouse has or had the number.
 */
export function freshId(name: string, isTaken: (id: number) => boolean): number {
  for (let count = 1; ; count += 1) {
    const id = idOfName(count === 1 ? name : `${name} ${count}`);
    if (!isTaken(id)) return id;
  }
}
