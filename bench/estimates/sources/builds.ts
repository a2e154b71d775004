/** Nightly builds: dbt projects at their hour, four threads each, every model after the one before it. */
import type { Arrival } from '../arrival.js';
import type { Draw } from '../draw.js';
import { planOf } from '../plan.js';
import type { Plan } from '../plan.js';
import { DAY_MS } from '../tables.js';
import { HOUR_MS, perDayOf, RUNS, stepOf, wishesOf } from './setting.js';
import type { Setting, Source } from './setting.js';
import { NO_LITERALS, sent, templateOf } from './template.js';
import type { Template } from './template.js';

const BUILDING_TEAMS = ['platform', 'finance', 'risk', 'data-science', 'logistics', 'ml', 'growth'];
const THREADS = 4;

interface Model {
  readonly template: Template;
  readonly days: number | null;
  readonly tag: string;
}

export function buildsOf(setting: Setting, draw: Draw): Source {
  const projects = makeModels(setting, draw);
  return ({ startsAt, draw: ofDay }) =>
    [...projects].flatMap(([team, models]) => {
      const begins = startsAt + Math.round(ofDay.between(1, 4.5) * HOUR_MS);
      const threads = Array.from({ length: THREADS }, (): Arrival['next'] => null);
      for (const [index, { template, days, tag }] of models.entries()) {
        const arrival: Arrival = {
          at: begins + (index % THREADS) * 250,
          kind: 'build',
          team,
          warehouse: 'BATCH_WH',
          fate: ofDay.happens(0.007) ? { kind: 'cut', share: ofDay.unit() } : RUNS,
          tag,
          next: threads[index % THREADS] ?? null,
          ...sent(template, {
            ...NO_LITERALS,
            values: template.plan.filters.map(() => 0),
            lastDay: startsAt / DAY_MS - 1,
            days,
          }),
        };
        threads[index % THREADS] = { afterMs: ofDay.whole(150, 900), arrival };
      }
      return threads.flatMap((thread) => (thread === null ? [] : [thread.arrival]));
    });
}

/** Models by the team that builds them. */
function makeModels(setting: Setting, draw: Draw): ReadonlyMap<string, readonly Model[]> {
  const perDay = perDayOf(setting, 'build');
  const weights = BUILDING_TEAMS.map((_, index) => 1 / (index + 1) ** 0.7);
  const sum = weights.reduce((all, each) => all + each, 0);
  return new Map(
    BUILDING_TEAMS.map((team, index) => {
      const count = Math.max(2, Math.round((perDay * (weights[index] ?? 0)) / sum));
      const models = Array.from({ length: count }, (_, model) =>
        makeModel(setting, team, model, draw),
      );
      return [team, models];
    }),
  );
}

function makeModel(setting: Setting, team: string, index: number, draw: Draw): Model {
  const prefix = team.toUpperCase().replaceAll('-', '_');
  const target = `ANALYTICS.BUILD.${prefix}_M${index}`;
  const isIncremental = draw.happens(0.6);
  const { facts, marts } = setting.tables;
  const plan = planOf(
    wishesOf(setting, team, {
      tables: isIncremental ? facts : (marts.get(team) ?? []),
      windows: [isIncremental ? 'literal' : 'none'],
      forms: ['aggregate', 'common-table'],
      quotedShare: 0,
    }),
    draw,
  );
  const note = `/* {"app": "dbt", "dbt_version": "1.10.4", "node_id": "model.${team.replaceAll('-', '_')}.m${index}"} */ `;
  const options = { writtenShare: draw.between(0.05, 0.4), step: stepOf(setting, draw) };
  const tag = JSON.stringify({ app: 'dbt', model: `m${index}` });
  const days = isIncremental ? draw.pick([1, 3, 7]) : null;
  const [type, head, suffix] = buildWords(isIncremental, target, plan, draw);
  return { template: templateOf(plan, type, options, note + head, suffix), days, tag };
}

/** The words around the query of a model: query type, before it, after it. */
function buildWords(
  isIncremental: boolean,
  target: string,
  plan: Plan,
  draw: Draw,
): readonly [string, string, string] {
  if (!isIncremental)
    return ['CREATE_TABLE_AS_SELECT', `CREATE OR REPLACE TABLE ${target} AS `, ''];
  if (draw.happens(0.5)) return ['INSERT', `INSERT INTO ${target} `, ''];
  const key = plan.groups[0]?.column.name ?? 'M1';
  const update = `ON t.${key} = s.${key} WHEN MATCHED THEN UPDATE SET t.M1 = s.M1`;
  const insert = `WHEN NOT MATCHED THEN INSERT (${key}, M1) VALUES (s.${key}, s.M1)`;
  return ['MERGE', `MERGE INTO ${target} t USING (`, `) s ${update} ${insert}`];
}
