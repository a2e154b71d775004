import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { credits } from '../amounts.js';
import { write } from '../api-client.js';
import type { Accuracy, HeldPrice, Quarantined } from '../api-types.js';
import type { Imports } from '../finance-types.js';
import { useLive } from '../live.js';
import { PageHead, ProblemNote, ReasonDialog, When } from '../parts.js';
import { useSignedIn } from '../signed-in.js';
import { type Column, Table } from '../table.js';
import { Coverage } from './coverage.js';

const EVERY_MS = 30_000;

/** What wants a look or a word: ways around, usage that does not come, estimates that miss, prices that are held, settlements that cannot be true. */
export function ChecksPage(): JSX.Element {
  return (
    <>
      <PageHead title="Checks" />
      <Coverage />
      <ImportsCard />
      <Estimates />
      <HeldPrices />
      <Quarantine />
    </>
  );
}

function ImportsCard(): JSX.Element {
  const live = useLive<Imports>('/usage/imports', EVERY_MS);
  const unread = live.value?.views.filter(({ problem }) => problem !== null) ?? [];
  const waiting = live.value?.waiting ?? [];
  return (
    <section class="card">
      <h2>Usage that does not come</h2>
      <ProblemNote problem={live.problem} />
      {live.value !== undefined && unread.length + waiting.length === 0 && (
        <p class="faint">None: every view is read, and no figure waits for its statement.</p>
      )}
      <ul class="changes">
        {unread.map(({ account, view, problem, wayOut, readTo }) => (
          <li key={`${account} ${view}`}>
            <strong>
              {view} of {account}
            </strong>{' '}
            is not read: {problem}{' '}
            <span class="faint">
              {wayOut}.{' '}
              {readTo === null ? (
                'Never read yet.'
              ) : (
                <>
                  Read to <When at={readTo} />.
                </>
              )}
            </span>
          </li>
        ))}
        {waiting.map((each) => (
          <li key={each.account}>
            <strong>{each.figures} figures</strong> of {each.account} ({credits(each.credits)}{' '}
            credits) wait for statements that are not imported.{' '}
            <span class="faint">
              {each.firstEndedAt !== null && (
                <>
                  The first of them ended <When at={each.firstEndedAt} />.{' '}
                </>
              )}
              {each.wayOut}.
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Estimates(): JSX.Element {
  const live = useLive<{ readonly accuracy: readonly Accuracy[] }>('/accuracy', 0);
  return (
    <section class="card">
      <h2>How good estimates were, 7 days</h2>
      <ProblemNote problem={live.problem} />
      {live.value?.accuracy.length === 0 && <p class="faint">Nothing was estimated and charged.</p>}
      {live.value !== undefined && live.value.accuracy.length > 0 && (
        <Table
          label="Accuracy of estimates"
          rows={live.value.accuracy}
          keyOf={({ basis }) => basis}
          columns={ACCURACY}
        />
      )}
    </section>
  );
}

const ACCURACY: readonly Column<Accuracy>[] = [
  { name: 'Basis', cell: ({ basis }) => basis, sortKey: ({ basis }) => basis },
  {
    name: 'Statements',
    isAmount: true,
    cell: ({ statements }) => statements,
    sortKey: ({ statements }) => statements,
  },
  { name: 'Half are within', isAmount: true, cell: ({ qErrorP50 }) => `× ${qErrorP50}` },
  { name: '90 % are within', isAmount: true, cell: ({ qErrorP90 }) => `× ${qErrorP90}` },
  {
    name: 'The hold was enough',
    isAmount: true,
    cell: ({ coveragePercent }) => `${coveragePercent} %`,
  },
];

interface Deciding {
  readonly price: HeldPrice;
  readonly decision: 'accept' | 'decline';
}

function HeldPrices(): JSX.Element {
  const live = useLive<{ readonly held: readonly HeldPrice[] }>('/prices/held', EVERY_MS);
  const [deciding, setDeciding] = useState<Deciding | undefined>(undefined);
  const over = (): void => {
    setDeciding(undefined);
    live.reload();
  };
  return (
    <section class="card">
      <h2>Prices that are held</h2>
      <ProblemNote problem={live.problem} />
      {live.value?.held.length === 0 && (
        <p class="faint">None: every imported price is in force.</p>
      )}
      <ul class="changes">
        {live.value?.held.map((price) => (
          <li key={`${price.account} ${price.ratingType} ${price.serviceType} ${price.from}`}>
            <strong>
              {price.pricePerCredit ?? 'no price'} {price.currency}
            </strong>{' '}
            for {price.serviceType} from {price.from}: {price.why}
            <span class="faint"> In force meanwhile: {price.inForce ?? 'none'}.</span>{' '}
            {(['accept', 'decline'] as const).map((decision) => (
              <button
                key={decision}
                type="button"
                class="small"
                onClick={() => setDeciding({ price, decision })}
              >
                {decision === 'accept' ? 'Accept' : 'Decline'}
              </button>
            ))}
          </li>
        ))}
      </ul>
      {deciding !== undefined && (
        <ReasonDialog
          title={deciding.decision === 'accept' ? 'Accept the price?' : 'Decline the price?'}
          text={`${deciding.price.pricePerCredit ?? 'No price'} ${deciding.price.currency} for ${deciding.price.serviceType} from ${deciding.price.from}. Whoever imported it cannot accept it.`}
          action={deciding.decision === 'accept' ? 'Accept' : 'Decline'}
          act={(reason) => {
            const { account, ratingType, serviceType, from } = deciding.price;
            const { decision } = deciding;
            const key = { account, ratingType, serviceType, from };
            return write('/prices/decisions', { ...key, decision, reason });
          }}
          onDone={over}
          onCancel={over}
        />
      )}
    </section>
  );
}

function Quarantine(): JSX.Element {
  const { me } = useSignedIn();
  const live = useLive<{ readonly quarantined: readonly Quarantined[] }>(
    '/quarantine?limit=200',
    EVERY_MS,
  );
  const [settling, setSettling] = useState<Quarantined | undefined>(undefined);
  const over = (): void => {
    setSettling(undefined);
    live.reload();
  };
  return (
    <section class="card">
      <h2>Settlements that cannot be true</h2>
      <ProblemNote problem={live.problem} />
      {live.value?.quarantined.length === 0 && <p class="faint">None is in quarantine.</p>}
      <ul class="changes">
        {live.value?.quarantined.map((each) => (
          <li key={each.ticketId}>
            <a href={`/tickets/${each.ticketId}`}>{each.team}</a>: {each.reason}. Told:{' '}
            {credits(each.usedCredits)} credits; held: {credits(each.holdCredits)}, since{' '}
            <When at={each.quarantinedAt} />{' '}
            {me.role === 'platform' && (
              <button type="button" class="small" onClick={() => setSettling(each)}>
                Settle
              </button>
            )}
          </li>
        ))}
      </ul>
      {settling !== undefined && (
        <ReasonDialog
          title="What did it really use?"
          text={`${settling.team}: ${settling.reason}. The query history of the account knows.`}
          action="Charge it"
          act={(reason, fields) =>
            write(`/quarantine/${settling.ticketId}/settle`, {
              credits: fields['credits'],
              reason,
            })
          }
          onDone={over}
          onCancel={over}
        >
          <label>
            Credits
            <input name="credits" required inputMode="decimal" placeholder="0.25" />
          </label>
        </ReasonDialog>
      )}
    </section>
  );
}
