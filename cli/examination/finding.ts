/** What a check of `tollgate doctor` found, and the wrapper that makes every check total and bounded in time. */
import { toError } from '../../base/errors.js';
import { within } from '../../base/in-time.js';

export const SECTIONS = [
  'Configuration',
  'This machine',
  'Database',
  'Control document',
  'Upstream',
  'Service users',
  'The whole path',
] as const;
export type Section = (typeof SECTIONS)[number];

export interface Finding {
  readonly section: Section;
  readonly check: string;
  /** `note`: worth knowing, and no reason not to start; `skipped`: could not be looked at now. */
  readonly status: 'ok' | 'note' | 'failed' | 'skipped';
  readonly says: string;
  readonly fix?: string;
  /** Statements that are the fix, ready to be run. */
  readonly statements?: readonly string[];
}

/** Makes findings of one section. */
export interface Finder {
  readonly ok: (check: string, says: string) => Finding;
  readonly skipped: (check: string, says: string) => Finding;
  readonly note: (
    check: string,
    says: string,
    fix?: string,
    statements?: readonly string[],
  ) => Finding;
  readonly failed: (
    check: string,
    says: string,
    fix: string,
    statements?: readonly string[],
  ) => Finding;
}

export function finderOf(section: Section): Finder {
  const bad =
    (status: 'note' | 'failed') =>
    (check: string, says: string, fix?: string, statements?: readonly string[]): Finding => ({
      section,
      check,
      status,
      says,
      ...(fix === undefined ? {} : { fix }),
      ...(statements === undefined ? {} : { statements }),
    });
  return {
    ok: (check, says) => ({ section, check, status: 'ok', says }),
    skipped: (check, says) => ({ section, check, status: 'skipped', says }),
    note: bad('note'),
    failed: bad('failed'),
  };
}

/** Runs a check to its end: whatever it throws, or a silence longer than `ms`, becomes a failed finding. */
export async function total(
  section: Section,
  check: string,
  ms: number,
  work: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await within(ms, work());
  } catch (thrown) {
    const says = `could not be looked at: ${toError(thrown).message}`;
    return [finderOf(section).failed(check, says, 'Run it again; if it stays so, report it.')];
  }
}

/** `1.5 GiB`. */
export function sizeText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
  const power = bytes < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power] ?? ''}`;
}
