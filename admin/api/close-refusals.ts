/** Why a step of a close is refused, as a problem with its rule and the way out. */
import type { CloseRefusal } from '#billing/close/outcome.js';
import type { CloseStep, CloseVersion } from '#billing/close/read-close.js';
import { formatInstant } from '#base/time.js';
import { ProblemError, conflict } from '../problems.js';

const DONE: Readonly<Record<CloseStep, string>> = {
  freeze: 'frozen',
  reopen: 'frozen',
  propose: 'proposed',
  signOff: 'signed off',
  approve: 'approved',
  return: 'returned',
  close: 'closed',
};

/** How each step is begun, for whoever stands before the wrong one. */
const NEXT: Readonly<Record<CloseVersion['state'] | 'open', string>> = {
  open: 'freeze it first: tollgate close <month>',
  softClosed: 'propose it, or freeze it anew: tollgate close <month>',
  inReview: 'somebody else approves it (--approve), or returns it (--return "<why>")',
  approved: 'close it: tollgate close <month>, or return it (--return "<why>")',
  closed:
    'what is wrong of it becomes an adjustment or a correction in the open month; --reopen "<why>" begins another version',
  superseded: 'the version after it stands',
};

/** A step that was refused as problem details: what is so, the rule, and the way out. */
export function closeRefusal(month: string, step: CloseStep, refusal: CloseRefusal): ProblemError {
  switch (refusal.kind) {
    case 'notBegun':
      return notOver(
        `${month} has not begun: it begins at ${formatInstant(refusal.startsAt)}.`,
        'name a month that has begun',
      );
    case 'notOver':
      return notOver(
        `${month} goes on until ${formatInstant(refusal.endsAt)}.`,
        'GET /api/v1/closes/{month} tells what it comes to so far',
      );
    case 'noData':
      return conflict(
        `Nothing was metered, charged or booked in ${month}.`,
        'month',
        'must have data',
        'import its usage (tollgate import --from), or name another month',
      );
    case 'notReady':
      return notReady(month, refusal.problems);
    case 'wrongState':
      return wrongState(month, step, refusal.version);
    case 'ownWork':
      return ownWork(month, step, refusal.did);
    case 'openVariance':
      return conflict(
        refusal.count === 1
          ? `1 figure of ${month} does not agree, and nobody has signed it off.`
          : `${refusal.count} figures of ${month} do not agree, and nobody has signed them off.`,
        'month',
        'must agree with what Snowflake says, or be signed off',
        'import what is missing and freeze it anew, or let a second person sign it off with a reason: --sign-off "<why>"',
      );
    case 'nothingOpen':
      return conflict(
        `Everything of ${month} agrees.`,
        'month',
        'must have a difference to be signed off',
        'approve it',
      );
    case 'earlierOpen':
      return conflict(
        `${refusal.month} is not closed.`,
        'month',
        'must follow a month that is closed',
        `close ${refusal.month} first`,
      );
    case 'laterClosed':
      return conflict(
        `${refusal.month} is frozen or closed, and stands on ${month}.`,
        'month',
        'must be the last one that is frozen',
        'correct it in the open month instead: what is found of it becomes a correction there',
      );
    case 'changing':
      return new ProblemError({
        status: 409,
        title: 'Conflict',
        detail: `Usage or prices of ${month} kept changing while it was frozen; nothing was written.`,
        errors: [
          {
            field: 'month',
            rule: 'must stand still while it is frozen',
            wayOut: 'try again when the import has ended',
          },
        ],
      });
  }
}

function ownWork(month: string, step: CloseStep, did: CloseStep): ProblemError {
  return new ProblemError({
    status: 403,
    title: 'Forbidden',
    detail: `You have ${DONE[did]} ${month} yourself, so another person has to ${step === 'signOff' ? 'sign it off' : 'approve it'}.`,
    errors: [
      {
        field: 'actor',
        rule: 'must be another person',
        wayOut: 'let somebody of platform or finance do it with a token of their own',
      },
    ],
  });
}

function notOver(detail: string, wayOut: string): ProblemError {
  return conflict(detail, 'month', 'must be over', wayOut);
}

function notReady(
  month: string,
  problems: Extract<CloseRefusal, { kind: 'notReady' }>['problems'],
): ProblemError {
  return new ProblemError({
    status: 409,
    title: 'Conflict',
    detail: `${month} cannot be frozen yet: figures are missing. Nothing was changed.`,
    errors: problems.map(({ what, subject, why, wayOut }) => ({
      field: what,
      rule: `${subject}: ${why}`,
      wayOut,
    })),
  });
}

function wrongState(
  month: string,
  step: CloseStep,
  version: CloseVersion | undefined,
): ProblemError {
  const state = version?.state ?? 'open';
  const last = version?.steps.at(-1);
  const by =
    last === undefined ? '' : `, ${DONE[last.step]} by ${last.by} at ${formatInstant(last.at)}`;
  const which = version === undefined ? '' : ` (version ${version.version}${by})`;
  const already = step === 'close' && state === 'closed' ? ' already' : '';
  return conflict(
    `${month} is ${WORDS[state]}${already}${which}.`,
    'month',
    `must not be ${WORDS[state]} to be ${DONE[step]}`,
    NEXT[state],
  );
}

const WORDS: Readonly<Record<CloseVersion['state'] | 'open', string>> = {
  open: 'open',
  softClosed: 'soft-closed',
  inReview: 'in review',
  approved: 'approved',
  closed: 'closed',
  superseded: 'superseded',
};
