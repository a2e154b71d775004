/**
 * The reply of a statement that ran on a warehouse its client does not know of: the name of the session's own warehouse
 * stands in it. Bytes are looked for, because the name comes in one form only: a member of `data` whose value is a plain
 * name. Inside a string of the reply its quotes would be escaped, so nothing else can be taken for it.
 */

/** Changes what passes through, piece by piece. */
export type Rewriting = (piece: Buffer, isLast: boolean) => Buffer;

const MEMBER = '"finalWarehouseName"';
/** Blanks around a colon, as nobody writes more of. */
const BLANKS_MAX = 8;

/** @param from the name that is replaced, letters of any case. @param to what stands there instead; both are plain names. */
export function showingWarehouse(from: string, to: string): Rewriting {
  const pattern = new RegExp(
    `(${MEMBER}[ \\t\\r\\n]{0,${BLANKS_MAX}}:[ \\t\\r\\n]{0,${BLANKS_MAX}}")${from.replaceAll('$', '\\$')}"`,
    'gi',
  );
  const keptMax = MEMBER.length + 2 * BLANKS_MAX + from.length + 3;
  let kept = Buffer.alloc(0);
  return (piece, isLast) => {
    const whole = kept.length === 0 ? piece : Buffer.concat([kept, piece]);
    // One character a byte: nothing but the name is touched, whatever the bytes around it are.
    const text = whole
      .toString('latin1')
      .replace(pattern, (_all, before: string) => `${before}${to}"`);
    const changed = Buffer.from(text, 'latin1');
    const sentLength = isLast ? changed.length : Math.max(0, changed.length - keptMax);
    kept = Buffer.from(changed.subarray(sentLength));
    return changed.subarray(0, sentLength);
  };
}
