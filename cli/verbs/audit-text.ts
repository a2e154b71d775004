/** What `tollgate audit verify` says of a log and of a ledger. */
import type { ChainOutcome } from '../../admin/audit-chain.js';
import type { LedgerOutcome, LedgerSpan } from '../../billing/seal/verify.js';
import { secondText } from '../terminal.js';

export function logInWords(outcome: ChainOutcome, isHeadKnown: boolean): string {
  switch (outcome.kind) {
    case 'intact':
      return `Intact: ${outcome.events} events, head ${outcome.head}.${hintOfHead('--head', 'log', isHeadKnown)}`;
    case 'broken':
      return `Broken: event ${outcome.sequence} does not fit: ${outcome.why}.`;
    case 'shortened':
      return `Shortened: the known head is not among the ${outcome.events} events, which end with ${outcome.head}.`;
  }
}

/** @param files none: the ledger that runs. */
export function ledgerInWords(
  outcome: LedgerOutcome,
  heads: { readonly head?: string; readonly ledgerHead?: string },
  files: readonly string[],
): string {
  if (outcome.kind === 'broken') {
    const { sequence, why, exportNumber } = outcome;
    const of = files.length > 1 ? ` in ${files[exportNumber - 1] ?? ''}` : '';
    return `Broken: the ledger does not fit${sequence === null ? '' : ` at record ${sequence}`}${of}: ${why}.`;
  }
  const records = `${outcome.records} records${spanInWords(outcome.span)}`;
  const [option, head] =
    files.length === 0
      ? (['--ledger-head', heads.ledgerHead] as const)
      : (['--head', heads.head] as const);
  switch (outcome.kind) {
    case 'intact':
      return `Intact: ${records}, head ${outcome.head}.${anchorsInWords(outcome.anchors)}${hintOfHead(option, 'ledger', head !== undefined)}`;
    case 'unproven': {
      const keys = outcome.missingKeys.map(({ keyId, anchors }) => `${keyId} (${anchors} anchors)`);
      return `Cannot tell: ${records} fit each other, head ${outcome.head}, but seal keys were not given that anchors name: ${keys.join(', ')}. Give every key that ever sealed, by --keys or TOLLGATE_SEAL_KEYS; a key that nobody had is a forger's.`;
    }
    case 'shortened':
      return `Shortened: the known head is not among the ${records}, which end with ${outcome.head}.`;
  }
}

/** Which export it is, so that one month is not taken for another. */
function spanInWords(span: LedgerSpan | null): string {
  if (span === null) return '';
  const times = [span.firstSealedAt, span.lastSealedAt].map(secondText);
  return ` (${span.firstSequence} to ${span.lastSequence}, sealed ${times.join(' to ')} UTC)`;
}

function anchorsInWords({
  checked,
  unchecked,
}: Extract<LedgerOutcome, { kind: 'intact' }>['anchors']): string {
  return unchecked === 0
    ? ` ${checked} anchors were made with the seal key.`
    : ` ${unchecked} anchors were not checked: no seal key was given.`;
}

function hintOfHead(option: string, what: string, isKnown: boolean): string {
  return isKnown
    ? ''
    : ` Keep this head elsewhere: with ${option} a ${what} that lost its end is found.`;
}
