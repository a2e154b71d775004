/** How often rules and access lists fired, as proxies count it: by rule, team, mode and UTC day. */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import type { RuleMode } from '#policies/control/choices.js';

/** How far back sums look. */
export const HIT_DAYS = 30;
const DAY_MS = 86_400_000;

export interface HitSum {
  readonly rule_id: string;
  readonly team_id: string;
  readonly mode: RuleMode;
  readonly hits: string;
  readonly expected_credits: string;
}

export interface DayHit extends HitSum {
  readonly day: string;
}

/** The key of a row of {@link listHits}. */
export type HitKey = readonly [day: string, rule: string, team: string, mode: string];

export interface HitsAsked {
  readonly rule: string | null;
  readonly team: string | null;
  readonly after: HitKey | undefined;
  readonly limit: number;
}

/** Sums of the last {@link HIT_DAYS} days of some rules, by rule, team and mode. */
export async function sumHits(
  db: Queryable,
  rules: readonly string[],
  at: EpochMs,
): Promise<readonly HitSum[]> {
  const { rows } = await db.query<HitSum & Record<string, unknown>>(
    `SELECT rule_id, team_id, mode, sum(hits)::text AS hits, sum(expected_credits)::numeric(38,12) AS expected_credits
     FROM rule_hit WHERE rule_id = ANY($1) AND day > $2::date
     GROUP BY rule_id, team_id, mode ORDER BY rule_id, team_id, mode`,
    [rules, new Date(at - HIT_DAYS * DAY_MS)],
  );
  return rows;
}

/** Days with hits, newest first. */
export async function listHits(db: Queryable, asked: HitsAsked): Promise<readonly DayHit[]> {
  const [day, rule, team, mode] = asked.after ?? [null, null, null, null];
  const { rows } = await db.query<DayHit & Record<string, unknown>>(
    `SELECT day::text AS day, rule_id, team_id, mode, hits::text AS hits, expected_credits FROM rule_hit
     WHERE ($1::text IS NULL OR rule_id = $1) AND ($2::text IS NULL OR team_id = $2)
       AND ($3::date IS NULL OR day < $3 OR (day = $3 AND (rule_id, team_id, mode) > ($4::text, $5::text, $6::text)))
     ORDER BY day DESC, rule_id, team_id, mode LIMIT $7`,
    [asked.rule, asked.team, day, rule, team, mode, asked.limit],
  );
  return rows;
}
