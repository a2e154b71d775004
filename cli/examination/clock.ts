/** Clocks: what this machine's differs by from another's. */
import { finderOf, type Finding, type Section } from './finding.js';

const NOTE_MS = 5_000;
/** A key pair's token is good for a minute around its issue (Snowflake, "Key-pair authentication"). */
const FAILED_MS = 60_000;

/**
 * @param of whose clock the other one is.
 * @param skewMs ours minus theirs.
 * @param exactToMs how far the measurement itself may be off.
 */
export function checkClock(
  section: Section,
  check: string,
  of: string,
  { skewMs, exactToMs }: { readonly skewMs: number; readonly exactToMs: number },
): Finding {
  const { ok, note, failed } = finderOf(section);
  const certain = Math.max(0, Math.abs(skewMs) - exactToMs);
  const seconds = (certain / 1000).toFixed(1);
  const says = `this machine is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} ${of}`;
  if (certain > FAILED_MS) {
    const fix = 'Set both by NTP: beyond a minute key pairs are refused and tokens expire wrongly.';
    return failed(check, says, fix);
  }
  if (certain > NOTE_MS) return note(check, says, 'Set both clocks by NTP.');
  const within = Math.max(1000, Math.ceil((certain + exactToMs) / 1000) * 1000) / 1000;
  return ok(check, `${of} and this machine agree to ${within} s`);
}
