/** Access lists of every kind of object, and which of them keep what from whom: for the pure decision and for drivers. */
import { must } from '#base/assert.js';
import { demoControlDocument } from '#policies/control/demo.js';
import type { AccessDocument } from '#policies/control/document.js';

const owner = 'data-owners@example.com';

export const MATRIX_ACCESS: readonly AccessDocument[] = [
  { id: 'vault', effect: 'deny', databases: ['VAULT'], except: { teams: ['risk'] }, owner },
  { id: 'hr', effect: 'allow', schemas: ['ANALYTICS.HR'], teams: ['people', 'finance'], owner },
  {
    id: 'pay',
    effect: 'deny',
    tables: ['ANALYTICS.HR.PAY*'],
    except: { teams: ['people'] },
    owner,
  },
  {
    id: 'salary',
    effect: 'deny',
    columns: ['ANALYTICS.HR.STAFF.SALARY'],
    except: { teams: ['people'] },
    owner,
  },
  {
    id: 'ddl',
    effect: 'allow',
    classes: ['ddl', 'task'],
    actions: ['write'],
    teams: ['platform'],
    owner,
  },
  {
    id: 'own-ddl',
    effect: 'allow',
    classes: ['ddl'],
    actions: ['write'],
    schemas: ['ANALYTICS.LAB'],
    teams: ['research', 'people', 'risk', 'finance'],
    owner,
  },
  {
    id: 'tpch-writes',
    effect: 'deny',
    schemas: ['ANALYTICS.TPCH'],
    actions: ['write'],
    except: { departments: ['technology'] },
    owner,
  },
];

export const MATRIX_TEAMS: readonly string[] = demoControlDocument().teams.map(({ id }) => id);

export function departmentOf(team: string): string {
  return must(
    demoControlDocument().teams.find(({ id }) => id === team),
    'a team of the demo',
  ).department;
}

/** By kind of object the lists that keep it from a team, in the order of the document; empty: it is open. */
type Lists = (team: string) => string;
type Kind = 'database' | 'schema' | 'table' | 'column' | 'class' | 'action';

export const CLOSED_BY: Readonly<Record<Kind, Lists>> = {
  database: (team) => (team === 'risk' ? '' : 'vault'),
  schema: (team) => (['people', 'finance'].includes(team) ? '' : 'hr'),
  table: (team) => ({ people: '', finance: 'pay' })[team] ?? 'hr pay',
  column: (team) => ({ people: '', finance: 'salary' })[team] ?? 'hr salary',
  class: (team) =>
    ['platform', 'research', 'people', 'risk', 'finance'].includes(team) ? '' : 'ddl own-ddl',
  action: (team) => (departmentOf(team) === 'technology' ? '' : 'tpch-writes'),
};
