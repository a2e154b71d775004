/** The value; an error that says why it must be there when it is not. */
export function must<T>(value: T | null | undefined, why: string): T {
  if (value === null || value === undefined) throw new Error(`missing, although ${why}`);
  return value;
}
