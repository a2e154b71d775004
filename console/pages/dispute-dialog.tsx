import type { JSX } from 'preact';
import { write } from '../api-client.js';
import { kindText } from '../charge-words.js';
import type { BillLine } from '../finance-types.js';
import { ReasonDialog } from '../parts.js';
import { monthName } from '../times.js';

/** Says what is wrong on a frozen bill. `line` null: the bill as a whole. */
export function DisputeDialog(props: {
  readonly team: string;
  readonly month: string;
  readonly line: BillLine | null;
  /** What may be disputed at most, as a proposal. */
  readonly amount: string;
  readonly currency: string;
  readonly onDone: () => void;
  readonly onCancel: () => void;
}): JSX.Element {
  const { team, month, line, amount, currency } = props;
  const what =
    line === null
      ? 'the bill as a whole'
      : `${kindText(line.kind)} of ${line.resource ?? line.serviceType} on ${line.day}`;
  return (
    <ReasonDialog
      title={`Dispute ${what}?`}
      text={`Finance decides. If it is accepted, the money is moved in the open month; the bill of ${monthName(month)} stays as it is.`}
      action="Dispute"
      act={(reason, fields) =>
        write('/disputes', {
          team,
          month,
          reason,
          ...fields,
          ...(line === null ? {} : { lineId: line.id }),
        })
      }
      onDone={props.onDone}
      onCancel={props.onCancel}
    >
      <label>
        Amount in {currency}
        <input name="amount" required defaultValue={amount} inputMode="decimal" />
      </label>
      <label>
        Who decides it
        <input name="owner" placeholder="finance" />
      </label>
    </ReasonDialog>
  );
}
