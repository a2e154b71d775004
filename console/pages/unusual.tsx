import type { JSX } from 'preact';
import { PageHead } from '../parts.js';
import { AnomaliesCard } from './anomalies.js';
import { PacesCard } from './paces.js';

/** What spends more than it should or usually does: shapes above a run rate, and hours and days out of the ordinary. */
export function UnusualPage(): JSX.Element {
  return (
    <>
      <PageHead title="Unusual spending" />
      <PacesCard />
      <AnomaliesCard />
    </>
  );
}
