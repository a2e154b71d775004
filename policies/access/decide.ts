/**
 * Access lists: who may read and write what. In order: a deny list that names the caller refuses; what allow lists
 * cover is open only to those that one of them names; everything else is open. What a statement could touch counts as
 * touched for lists that close, and not for lists that open.
 */
import type { AccessDocument, WhoDocument } from '../control/document.js';
import type { RuleMode } from '../control/choices.js';
import { foldName } from '../rules/glob.js';
import type { StatementFacts } from '../sql/facts.js';
import { type Coverage, coverageOf, type NameParts, tryParsePattern } from './pattern.js';
import { type TouchedObject, type Touches, touchesOf } from './touches.js';

/** A list with its patterns parsed. */
export interface AccessList {
  readonly entry: AccessDocument;
  /** null: it speaks of classes or actions only. */
  readonly objects: readonly NameParts[] | null;
}

export interface AccessCaller {
  readonly team: string;
  readonly department: string;
  readonly principal: string;
  /** null: not known. */
  readonly role: string | null;
}

/** A list that keeps a statement from its caller. */
export interface Closed {
  readonly entry: AccessDocument;
  readonly mode: RuleMode;
  /** `ANALYTICS.HR.PEOPLE.SALARY`, in words where it is no object. */
  readonly what: string;
  readonly action: TouchedObject['action'];
}

/** Parses the patterns of an accepted document. */
export function accessLists(entries: readonly AccessDocument[]): readonly AccessList[] {
  return entries.map((entry) => {
    const texts = [entry.databases, entry.schemas, entry.tables, entry.columns].flatMap(
      (list) => list ?? [],
    );
    const objects = texts.flatMap((text) => {
      const parts = tryParsePattern(text);
      return parts === undefined ? [] : [parts];
    });
    return { entry, objects: texts.length === 0 ? null : objects };
  });
}

/** Every list that closes something of the statement to the caller, in the order of the document; each is told once. */
export function closedBy(
  lists: readonly AccessList[],
  facts: StatementFacts,
  caller: AccessCaller,
): readonly Closed[] {
  if (lists.length === 0) return [];
  const touches = touchesOf(facts);
  const openers = lists.filter(
    ({ entry }) => entry.effect === 'allow' && names(entry, caller) === 'yes',
  );
  return lists.flatMap((list) => {
    const { entry } = list;
    if (entry.effect === 'deny' && names(entry, caller) === 'no') return [];
    const mode = modeFor(entry, caller.team);
    const opening = openers.filter((each) => rank(modeFor(each.entry, caller.team)) >= rank(mode));
    const closed = firstClosed(list, touches, entry.effect === 'allow' ? opening : []);
    return closed === undefined ? [] : [{ entry, mode, ...closed }];
  });
}

/** The mode of a rule or list for one team. Lists are enforced unless they say otherwise. */
export function modeFor(
  {
    mode,
    modes,
  }: { readonly mode?: RuleMode; readonly modes?: Readonly<Record<string, RuleMode>> },
  team: string,
): RuleMode {
  return (modes !== undefined && Object.hasOwn(modes, team) ? modes[team] : mode) ?? 'enforce';
}

/** What a list decides may be opened only by one that decides as well. */
function rank(mode: RuleMode): number {
  return { shadow: 0, warn: 1, enforce: 2 }[mode];
}

function firstClosed(
  list: AccessList,
  { classes, objects }: Touches,
  opening: readonly AccessList[],
): Pick<Closed, 'what' | 'action'> | undefined {
  for (const object of objects) {
    for (const statementClass of classes) {
      if (covers(list, statementClass, object) === 'no') continue;
      if (opening.some((each) => covers(each, statementClass, object) === 'yes')) continue;
      return { what: whatOf(object, statementClass), action: object.action };
    }
  }
  return undefined;
}

function whatOf(
  { table, column }: TouchedObject,
  statementClass: Touches['classes'][number],
): string {
  if (table === 'any') return 'what cannot be seen from its text';
  if (table === null) return `a statement of class ${statementClass}`;
  return [...table, ...(column === null || column === '*' ? [] : [column])].join('.');
}

function covers(
  { entry, objects }: AccessList,
  statementClass: Touches['classes'][number],
  object: TouchedObject,
): Coverage {
  return least([
    oneOf(entry.classes, statementClass),
    oneOf(entry.actions, object.action),
    objects === null ? 'yes' : most(objects.map((pattern) => coversObject(pattern, object))),
  ]);
}

function oneOf<T extends string>(listed: readonly T[] | undefined, given: T | 'any'): Coverage {
  if (listed === undefined) return 'yes';
  if (given === 'any') return 'maybe';
  return listed.includes(given) ? 'yes' : 'no';
}

function coversObject(pattern: NameParts, { table, column }: TouchedObject): Coverage {
  if (table === null) return 'no';
  if (table === 'any') return pattern.every((part) => part === '*') ? 'yes' : 'maybe';
  if (table.length < 3) return coversArea(pattern, table);
  const inTable = coverageOf(pattern.slice(0, 3), table);
  const wanted = pattern[3];
  if (wanted === undefined || inTable === 'no') return inTable;
  if (column === null) return 'no';
  if (column === '*') return wanted === '*' ? inTable : 'maybe';
  return least([inTable, coverageOf([wanted], [column])]);
}

/** A pattern that says more than the area's name is about some of what is in it. */
function coversArea(pattern: NameParts, area: NameParts): Coverage {
  const around = coverageOf(pattern.slice(0, area.length), area);
  if (around === 'no') return 'no';
  return pattern.slice(area.length).every((part) => part === '*') ? around : 'maybe';
}

function least(coverages: readonly Coverage[]): Coverage {
  if (coverages.includes('no')) return 'no';
  return coverages.includes('maybe') ? 'maybe' : 'yes';
}

function most(coverages: readonly Coverage[]): Coverage {
  if (coverages.includes('yes')) return 'yes';
  return coverages.includes('maybe') ? 'maybe' : 'no';
}

/** Whether a list speaks to the caller. A role that is not known could be any. */
function names(entry: AccessDocument, caller: AccessCaller): Coverage {
  const isDeny = entry.effect === 'deny';
  const { except } = entry;
  if (except !== undefined && isAnyOf(except, caller)) return 'no';
  const { teams, departments, principals, roles } = entry;
  const role = caller.role === null ? undefined : foldName(caller.role);
  const isNamed =
    (teams?.includes(caller.team) ?? true) &&
    (departments?.includes(caller.department) ?? true) &&
    (principals?.includes(caller.principal) ?? true) &&
    (roles === undefined ||
      (role === undefined ? isDeny : roles.some((each) => foldName(each) === role)));
  return isNamed ? 'yes' : 'no';
}

function isAnyOf(
  { teams, departments, principals, roles }: WhoDocument,
  caller: AccessCaller,
): boolean {
  const role = caller.role === null ? undefined : foldName(caller.role);
  return (
    teams?.includes(caller.team) === true ||
    departments?.includes(caller.department) === true ||
    principals?.includes(caller.principal) === true ||
    (role !== undefined && roles?.some((each) => foldName(each) === role) === true)
  );
}
