/** Files of a bill and of a month. */
import type { JSX } from 'preact';

const FORMATS = ['pdf', 'xlsx', 'csv'] as const;
/** The bill of what is of nobody: for platform and finance, and nobody disputes it. */
export const UNALLOCATED = 'unallocated';

/** The bill of a team as a file each, and its rows in the FOCUS format. */
export function BillLinks(props: {
  readonly team: string;
  readonly month: string;
}): JSX.Element | null {
  const { team, month } = props;
  const id = encodeURIComponent(team);
  return (
    <span class="links">
      {FORMATS.map((format) => (
        <a
          key={format}
          href={`/api/v1/bills/${id}/${month}.${format}`}
          download
          aria-label={`${format.toUpperCase()} bill of ${team}`}
        >
          {format.toUpperCase()}
        </a>
      ))}
      <a
        href={`/api/v1/exports/${month}/focus.csv?team=${id}`}
        download
        aria-label={`FOCUS rows of ${team}`}
      >
        FOCUS
      </a>
    </span>
  );
}

/** What finance takes of a month as a whole. */
export function MonthLinks({ month }: { readonly month: string }): JSX.Element {
  return (
    <span class="links">
      <a href={`/api/v1/exports/${month}/bills.zip`} download>
        All bills (ZIP)
      </a>
      <a href={`/api/v1/exports/${month}/focus.csv`} download>
        FOCUS
      </a>
      <a href={`/api/v1/exports/${month}/journal.csv`} download>
        Journal
      </a>
    </span>
  );
}
