/** Spending that is out of the ordinary: a shape above a run rate, of each of two teams, and an hour of each. */
import pg from 'pg';
import { SCHEMA } from '../../base/postgres/session.js';
import type { CallApi } from './calls.js';

/** @param ownerUrl of a Postgres in which statements of growth and research are. */
export async function writeUnusual(ownerUrl: string, call: CallApi): Promise<void> {
  const { document } = (await call('GET', '/control')) as { readonly document: object };
  const runRates = [{ id: 'dashboards', limitMoneyPerMonth: '500', mode: 'enforce' }];
  await call('PUT', '/control', {
    document: { ...document, runRates },
    reason: 'to show a pace that is too fast',
  });
  const owner = new pg.Client({ connectionString: ownerUrl });
  await owner.connect();
  try {
    await owner.query(`SET search_path = ${SCHEMA}`);
    for (const [team, eachCredits] of [
      ['growth', '0.386'],
      ['research', '0.2'],
    ] as const) {
      await owner.query(WRITE_SHAPE, [team, eachCredits]);
      await owner.query(WRITE_ANOMALY, [team]);
    }
  } finally {
    await owner.end();
  }
}

/** A run a minute of a quarter of an hour. */
const WRITE_SHAPE = `
WITH last AS (
  SELECT id, fingerprint FROM ticket WHERE team_id = $1 AND statement_shape LIKE '%JOIN%'
  ORDER BY occurred_at DESC LIMIT 1
), run AS (
  SELECT grain, date_trunc(grain, at, 'UTC') AS starts_at, min(at) AS first_at, count(*) AS runs, sum($2::numeric) AS credits
  FROM generate_series(now() - interval '15 minutes', now() - interval '1 minute', interval '1 minute') AS at,
    unnest(ARRAY['minute', 'hour', 'day']) AS grain
  GROUP BY 1, 2
)
INSERT INTO shape_spend (team_id, fingerprint, grain, starts_at, first_at, runs, credits, last_ticket_id, updated_at)
SELECT $1, last.fingerprint, grain, starts_at, (SELECT min(first_at) FROM run), runs, credits, last.id, now() FROM run, last
ON CONFLICT (team_id, fingerprint, grain, starts_at)
DO UPDATE SET credits = shape_spend.credits + excluded.credits, first_at = least(shape_spend.first_at, excluded.first_at)`;

const WRITE_ANOMALY = `
INSERT INTO spend_anomaly (team_id, grain, starts_at, spent_credits, usual_credits, limit_credits, shapes, owner, found_at)
VALUES ($1, 'hour', date_trunc('hour', now()) - interval '1 hour', 41.5, 2.25, 9,
  '[{"fingerprint": "f", "workload": null, "statements": 37, "credits": "30", "percent": "72"}]', $1 || '@example.com', now())`;
